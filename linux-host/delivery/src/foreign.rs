//! Whether a directory is another program's: it has files by our names that are none of ours.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// All that we write begins so, but for zeros, of which a spare segment is made, and the lock.
const OURS: &[u8] = b"CAMP";

/// What the beginning of a file tells of who wrote it.
#[derive(PartialEq, Eq)]
enum Hand {
    Ours,
    /// Empty, zeros, a process number, or not to be read: so it may be behind a power cut, too.
    Unknown,
    Anothers,
}

/// The name of a file of another program that would be written over; none where anything is ours already, as then the
/// rest is damaged and no stranger's.
pub(crate) fn strangers_file(directory: &Path) -> Option<String> {
    let mut found = None;
    for entry in directory.read_dir().ok()?.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        match hand(&entry.path(), &name) {
            Hand::Ours => return None,
            Hand::Anothers => found = Some(name),
            Hand::Unknown => {}
        }
    }
    found
}

fn hand(path: &Path, name: &str) -> Hand {
    let is_a_name_of_ours = ["boot", "lock", "spare"].contains(&name)
        || ["cursor-", "program-", "quota-"].iter().any(|head| name.starts_with(head))
        || name.ends_with(".segment");
    if !is_a_name_of_ours || !path.is_file() {
        return Hand::Unknown;
    }
    let mut start = Vec::new();
    if File::open(path).and_then(|file| file.take(OURS.len() as u64).read_to_end(&mut start)).is_err() {
        return Hand::Unknown;
    }
    let number =
        name == "lock" && start.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace());
    match start.as_slice() {
        OURS => Hand::Ours,
        [] | [0, ..] => Hand::Unknown,
        _ if number => Hand::Unknown,
        _ => Hand::Anothers,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::write;

    use super::*;

    #[test]
    fn a_strangers_file_is_found_where_nothing_is_ours() {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in [
            ("notes.txt", &b"not by a name of ours"[..]),
            ("lock", b"4711\n"),
            ("spare", b"\0\0\0\0\0\0\0\0"),
            ("0000000000000001.segment", b""),
        ] {
            write(dir.path().join(name), bytes).unwrap();
            assert_eq!(strangers_file(dir.path()), None, "{name}");
        }
        std::fs::create_dir(dir.path().join("boot")).unwrap();
        assert_eq!(strangers_file(dir.path()), None, "a folder is not written over");
        for name in ["lock", "spare", "cursor-home", "0000000000000002.segment"] {
            write(dir.path().join(name), "of another program").unwrap();
            assert_eq!(strangers_file(dir.path()).as_deref(), Some(name));
            write(dir.path().join(name), "").unwrap();
        }
        write(dir.path().join("spare"), "damage").unwrap();
        write(dir.path().join("0000000000000001.segment"), "CAMPJRNL").unwrap();
        assert_eq!(strangers_file(dir.path()), None, "the rest is ours, so this is damage");
    }
}
