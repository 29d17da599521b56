//! Which names are ours, and whether a directory is another program's all the same: it has files by our names that are
//! none of ours.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::{cursor, program, segment, spent};

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

/// Whether this is the name of something that we began to make, and did not finish: nobody else's file is removed.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(".new").is_some_and(|name| is_a_name_of_ours(name) || segment::is_bad_name(name))
}

/// Whether a file of this name in a state directory is its journal's, or would be taken for a part of it.
pub fn is_journals_own(name: &str) -> bool {
    is_a_name_of_ours(name) || segment::is_bad_name(name) || is_unfinished(name)
}

/// In the exact form, as somebody's `program-notes.txt` is nothing to us; without parts that were set aside, whose bytes
/// do not tell who wrote them.
fn is_a_name_of_ours(name: &str) -> bool {
    ["boot", "lock", segment::SPARE].contains(&name)
        || segment::number(name).is_some()
        || cursor::is_name(name)
        || spent::is_name(name)
        || program::is_name(name)
}

fn hand(path: &Path, name: &str) -> Hand {
    if !is_a_name_of_ours(name) || !path.is_file() {
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
            ("program-notes.txt", b"nor this"),
            ("cursor-Home.png", b"nor this"),
            ("quota-", b"nor this"),
            ("1.segment", b"nor this"),
            ("lock", b"4711\n"),
            ("spare", b"\0\0\0\0\0\0\0\0"),
            ("0000000000000001.segment", b""),
        ] {
            write(dir.path().join(name), bytes).unwrap();
            assert_eq!(strangers_file(dir.path()), None, "{name}");
        }
        std::fs::create_dir(dir.path().join("boot")).unwrap();
        assert_eq!(strangers_file(dir.path()), None, "a folder is not written over");
        let program = "program-00000000000000a1-0000000000000001";
        let sinks = ["cursor-home", "retried-home", "quota-home"];
        for name in ["lock", "spare", program, "0000000000000002.segment"].into_iter().chain(sinks) {
            write(dir.path().join(name), "of another program").unwrap();
            assert_eq!(strangers_file(dir.path()).as_deref(), Some(name));
            write(dir.path().join(name), "").unwrap();
        }
        write(dir.path().join("spare"), "damage").unwrap();
        write(dir.path().join("0000000000000001.segment"), "CAMPJRNL").unwrap();
        assert_eq!(strangers_file(dir.path()), None, "the rest is ours, so this is damage");
    }

    #[test]
    fn only_what_we_began_to_make_is_unfinished() {
        for ours in [
            "boot.new",
            "spare.new",
            "cursor-home.new",
            "retried-home.new",
            "quota-home.new",
            "program-00000000000000a1-0000000000000001.new",
            "0000000000000001.segment.new",
            "0000000000000001-00000080.bad.new",
            "0000000000000001-00000080-cut.bad.new",
        ] {
            assert!(is_unfinished(ours), "{ours}");
            assert!(is_journals_own(ours) && is_journals_own(ours.strip_suffix(".new").unwrap()), "{ours}");
        }
        for theirs in [
            "boot",
            ".new",
            "what-is.new",
            "program-notes.new",
            "cursor-Home.new",
            "1-80.bad.new",
            "0000000000000001-00000080-cut-cut.bad.new",
        ] {
            assert!(!is_unfinished(theirs), "{theirs}");
            assert_eq!(is_journals_own(theirs), theirs == "boot", "{theirs}");
        }
    }
}
