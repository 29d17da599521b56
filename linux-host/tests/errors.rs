//! What people read when their file is wrong: every `errors/*.toml` compiled, its findings held against the text beside
//! it. Dropping a file in adds a case; `BLESS=1 cargo test -p campanile --test errors` writes what came out.

use std::path::{Path, PathBuf};

use campanile::config::source::{render, to_json};
use campanile::config::{Diagnostic, Severity, Source, compile, load};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = files.filter(|path| path.extension().is_some_and(|ext| ext == "toml")).collect();
    cases.sort();
    cases
}

/// The case under its bare name, and what was found in it.
fn findings(path: &Path) -> (Source, Vec<Diagnostic>) {
    let mut source = load(path).unwrap();
    source.name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let found = compile(&source).map_or_else(|found| found, |compiled| compiled.warnings);
    (source, found)
}

#[test]
fn every_error_reads_as_it_should() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut different = Vec::new();
    for path in cases() {
        let (source, found) = findings(&path);
        let text = render(&source, &found, false);
        let expected = path.with_extension("txt");
        if bless {
            std::fs::write(&expected, &text).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != text {
            different.push(format!("{}:\n{text}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn every_error_says_where_and_what_would_be_right() {
    let mut errors = 0;
    for path in cases() {
        let (source, found) = findings(&path);
        assert!(!found.is_empty(), "{} has nothing wrong", path.display());
        for diagnostic in found {
            errors += usize::from(diagnostic.severity == Severity::Error);
            let json = to_json(&source, &diagnostic);
            assert!(json["line"].as_u64().is_some_and(|line| line > 0), "{json}");
            let helped = diagnostic.help.is_some() || diagnostic.label.len() > "here".len();
            let syntax = diagnostic.message.starts_with("this is not TOML");
            assert!(helped || syntax, "{}: {} helps nobody", source.name, diagnostic.message);
        }
    }
    assert!(errors > 100, "{errors} errors");
}

#[test]
fn no_secret_is_shown() {
    for case in ["sinks.toml", "syntax.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors").join(case);
        let (source, found) = findings(&path);
        assert!(source.text.contains("swordfish"));
        let shown = render(&source, &found, false);
        assert!(!shown.contains("swordfish"), "{shown}");
        for diagnostic in &found {
            assert!(!to_json(&source, diagnostic).to_string().contains("swordfish"));
        }
    }
}
