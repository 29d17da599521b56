//! What a satellite's firmware says of itself, as it comes.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::defmt::Table;
use super::elf;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(100);

/// Whose words are printed, and what is known of it.
pub(super) struct Speaker<'a> {
    /// The satellite.
    pub(super) name: &'a str,
    /// What kind of board it says it is; empty if nobody knows.
    pub(super) board: &'a str,
    /// What it says.
    pub(super) file: PathBuf,
}

/// Prints it in a thread of its own, from the oldest that is there on; a JSON object a line, if that is asked for. The texts are
/// those of this ELF file; if it is of another firmware, that is said on stderr.
pub(super) fn print(elf: &Path, speaker: Speaker<'_>, json: bool) -> Result<(), String> {
    let Speaker { name, board, file } = speaker;
    let bytes = fs::read(elf).map_err(|error| format!("{}: {error}", elf.display()))?;
    let table = Table::of(&bytes).map_err(|error| format!("{}: {error}", elf.display()))?;
    if let Some(why) = is_of_another_board(&bytes, board) {
        eprintln!("{}: {why}", elf.display());
    }
    let hint = format!("{}: {}", elf.display(), of_another_build(name));
    thread::spawn(move || {
        let (mut from, mut hint) = (0, Some(hint));
        loop {
            // Before the first word there is none.
            if let Ok(bytes) = read(&file, &mut from) {
                let (lines, len) = lines(&table, &bytes);
                if lines.contains(&None)
                    && let Some(hint) = hint.take()
                {
                    eprintln!("{hint}");
                }
                lines.iter().for_each(|line| say(line.as_deref(), json));
                from += len;
            }
            thread::sleep(LOOK);
        }
    });
    Ok(())
}

/// Every firmware has the name of its board in it, to say it in its hello.
fn is_of_another_board(elf: &[u8], board: &str) -> Option<String> {
    (!board.is_empty() && !elf::has_text(elf, board)).then(|| {
        format!("it is no firmware for a {board}, which the satellite is: give the file that was written to the board")
    })
}

fn of_another_build(satellite: &str) -> String {
    format!(
        "some messages of {satellite} are of another build than this file: give the one that was written to the board; if you \
         have, they are of before that"
    )
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

/// The frames that are whole, as lines, and their length in bytes. A frame that is not of this firmware has none.
fn lines(table: &Table, bytes: &[u8]) -> (Vec<Option<String>>, u64) {
    let (mut rest, mut lines) = (bytes, Vec::new());
    while let Some((len, behind)) = rest.split_first()
        && let Some((frame, behind)) = behind.split_at_checked(usize::from(*len))
    {
        lines.push(table.line(frame));
        rest = behind;
    }
    (lines, (bytes.len() - rest.len()) as u64)
}

fn say(line: Option<&str>, json: bool) {
    let line = line.unwrap_or("(of another build than this ELF file)");
    if json {
        println!("{}", json!({ "defmt": line }));
    } else {
        println!("defmt {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::link::elf::tests::firmware;

    const VERSION: (&str, u32) = ("_defmt_version_ = 4", 0);
    const TEXT: (&str, u32) = (r#"{"package":"p","tag":"defmt_info","data":"{=u8} rings"}"#, 7);

    #[test]
    fn frames_are_lines_and_those_of_another_build_have_none() {
        let table = Table::of(&firmware(&[VERSION, TEXT], b"")).unwrap();
        let bytes = [3, 7, 0, 2, 2, 9, 0, 3, 7, 0];
        let told = lines(&table, &bytes);
        assert_eq!(told, (vec![Some(" INFO  2 rings".to_owned()), None], 7), "the last is not whole");
    }

    #[test]
    fn the_firmware_of_another_board_is_told() {
        let elf = firmware(&[VERSION], b"..microbit..");
        assert_eq!(is_of_another_board(&elf, "microbit"), None);
        assert_eq!(is_of_another_board(&elf, ""), None, "nobody knows");
        let why = is_of_another_board(&elf, "hifive1").unwrap();
        assert!(why.contains("no firmware for a hifive1") && why.contains("written to the board"), "{why}");
    }
}
