//! What a satellite's firmware says of itself, as it comes.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::defmt::Table;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(100);

/// Prints it in a thread of its own, from the oldest that is there on; a JSON object a line, if that is asked for.
pub(super) fn print(elf: &Path, file: PathBuf, json: bool) -> Result<(), String> {
    let table = fs::read(elf).map_err(|error| error.to_string()).and_then(|elf| Table::of(&elf));
    let table = table.map_err(|error| format!("{}: {error}", elf.display()))?;
    thread::spawn(move || {
        let mut from = 0;
        loop {
            // Before the first word there is none.
            if let Ok(bytes) = read(&file, &mut from) {
                from += say(&table, &bytes, json);
            }
            thread::sleep(LOOK);
        }
    });
    Ok(())
}

/// What is new; a file that has become shorter has begun anew.
fn read(path: &Path, from: &mut u64) -> std::io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    if file.metadata()?.len() < *from {
        *from = 0;
    }
    file.seek(SeekFrom::Start(*from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Prints the frames that are whole, and gives their length.
fn say(table: &Table, bytes: &[u8], json: bool) -> u64 {
    let mut rest = bytes;
    while let Some((len, behind)) = rest.split_first()
        && let Some((frame, behind)) = behind.split_at_checked(usize::from(*len))
    {
        let line = table.line(frame);
        let line = line.as_deref().unwrap_or("of another firmware than this ELF file's");
        if json {
            println!("{}", json!({ "defmt": line }));
        } else {
            println!("defmt {line}");
        }
        rest = behind;
    }
    (bytes.len() - rest.len()) as u64
}
