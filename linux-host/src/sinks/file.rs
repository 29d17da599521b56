//! JSON lines in a file, appended.
//!
//! A line is delivered when the kernel has it, and synced a second later at the latest. The file may be moved away or
//! deleted at any time (logrotate): the next write makes a new one. Its last line is always whole: what a kill or a
//! full disk left of one is cut off, as that line comes again.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::Failure;
use super::blocking::Target;

/// The file, by its path.
#[derive(Debug)]
pub struct JsonLines {
    path: PathBuf,
    file: Option<File>,
}

impl JsonLines {
    /// Does nothing yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None }
    }

    /// The file under that path, as it is now.
    fn current(&mut self) -> io::Result<&mut File> {
        let moved = match (&self.file, std::fs::metadata(&self.path)) {
            (Some(file), Ok(there)) => {
                let ours = file.metadata()?;
                (ours.dev(), ours.ino()) != (there.dev(), there.ino())
            }
            _ => true,
        };
        if moved {
            if let Some(old) = self.file.take() {
                old.sync_data()?;
            }
            self.file = Some(open(&self.path)?);
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Target for JsonLines {
    fn open(&mut self) -> io::Result<()> {
        self.file = None;
        self.current().map(|_| ())
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        let file = self.current()?;
        let before = file.metadata()?.len();
        file.write_all(lines.as_bytes()).inspect_err(|_| {
            // If that fails too, the next opening cuts it.
            let _ = file.set_len(before);
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }

    fn explain(error: &io::Error) -> Failure {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::NotFound => Failure::refused("its directory does not exist: make it, or change `path`"),
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => {
                Failure::refused("it may not be written: see the permissions of its directory")
            }
            Kind::IsADirectory => Failure::refused("`path` is a directory: name a file"),
            Kind::StorageFull | Kind::QuotaExceeded => Failure::retry("the disk is full"),
            _ => Failure::retry(error.to_string()),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    // A pipe or a terminal has no end that could be cut.
    if file.metadata()?.is_file() {
        let whole = whole_lines(&mut file)?;
        file.set_len(whole)?;
    }
    Ok(file)
}

/// The length of the file up to its last line break.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let len = file.seek(SeekFrom::End(0))?;
    let mut last = [0];
    if len == 0 || (file.read_at(&mut last, len - 1)? == 1 && last == *b"\n") {
        return Ok(len);
    }
    // No line of ours is longer than this.
    let from = len.saturating_sub(64 * 1024);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(len - from).read_to_end(&mut tail)?;
    Ok(tail.iter().rposition(|byte| *byte == b'\n').map_or(from, |at| from + at as u64 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn appends_and_makes_a_new_file_when_the_old_one_was_moved() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("events.jsonl"), dir.path().join("events.jsonl.1"));
        let mut sink = JsonLines::new(&path);
        sink.open().unwrap();
        sink.write("1\n").unwrap();
        std::fs::rename(&path, &old).unwrap();
        sink.write("2\n").unwrap();
        std::fs::remove_file(&path).unwrap();
        sink.write("3\n4\n").unwrap();
        sink.sync().unwrap();
        assert_eq!((text(&old), text(&path)), ("1\n".into(), "3\n4\n".into()));
    }

    #[test]
    fn half_a_line_is_cut_and_whole_ones_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        for (left, kept) in [("", ""), ("1\n", "1\n"), ("1\n2\n{\"val", "1\n2\n"), ("{\"val", "")] {
            std::fs::write(&path, left).unwrap();
            JsonLines::new(&path).open().unwrap();
            assert_eq!(text(&path), kept, "{left:?}");
        }
    }

    #[test]
    fn says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let error = JsonLines::new(dir.path().join("nowhere/x")).open().unwrap_err();
        assert!(JsonLines::explain(&error).why.contains("directory does not exist"));
        let error = JsonLines::new(dir.path()).open().unwrap_err();
        assert!(JsonLines::explain(&error).why.contains("name a file"));
    }
}
