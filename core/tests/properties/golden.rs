//! Lines of bytes against the files in `tests/golden`.

use std::fmt::Write;

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Compares lines with a golden file, whose README says how it grows.
pub(crate) fn assert_golden(file: &str, lines: &[String]) {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let mut golden: Vec<&str> = golden.lines().collect();
    let new: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !golden.contains(line)).collect();
    if std::env::var_os("CAMPANILE_BLESS").is_some() {
        golden.extend(&new);
        std::fs::write(&path, golden.join("\n") + "\n").unwrap();
    } else {
        assert!(new.is_empty(), "not in {file}:\n{}", new.join("\n"));
    }
    let lost: Vec<&&str> = golden.iter().filter(|line| !lines.iter().any(|known| known == *line)).collect();
    assert!(lost.is_empty(), "no more what {file} says:\n{lost:#?}");
}
