//! One truth: the lives of the doorbell come to the bytes that were committed. `ci/firmware.sh` holds each board to the same
//! bytes, and `ci/aarch64.sh` a Pi's processor.
//!
//! `CAMPANILE_BLESS=1` writes the journal that came out; that is another engine, with a `CORE_REV` of its own, or another trace.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so by failing")]

use std::fs;
use std::sync::Arc;

use campanile_core::decision::Decision;
use campanile_core::input::Input;
use campanile_core::record::{Frame, Record};
use campanile_core::restore::Restore;
use campanile_delivery::{Archive, Directory};
use campanile_sim::replay::{Range, replay};
use campanile_tests::golden;

#[test]
fn the_lives_come_to_the_bytes_that_were_committed() {
    let (folder, lived) = (golden::folder(), golden::live().unwrap());
    if std::env::var_os("CAMPANILE_BLESS").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        lived.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
    }
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.iter().eq(lived.keys()), "{names:?} are committed, and {:?} came out", lived.keys());
    for (name, bytes) in &lived {
        let committed = fs::read(folder.join(name)).unwrap();
        let differs = committed.iter().zip(bytes).position(|(one, other)| one != other);
        assert_eq!((committed.len(), None), (bytes.len(), differs), "{name}");
    }
}

#[test]
fn what_was_committed_has_in_it_what_it_is_for_and_replays() {
    let lives = golden::lives().unwrap();
    assert_eq!(lives.len(), 3, "starts");
    let mut counts = (0, 0, 0, 0);
    for life in &lives {
        let mut rest = life.log.as_slice();
        while let Some((frame, behind)) = Frame::split(rest) {
            rest = behind;
            match frame.record() {
                Some(Record::Input(Input::Edge { .. })) => counts.0 += 1,
                Some(Record::Input(Input::Restore { item: Restore::Var { .. } })) => counts.1 += 1,
                Some(Record::Decision(Decision::Run { .. })) => counts.2 += 1,
                Some(Record::Decision(Decision::Send { .. })) => counts.3 += 1,
                _ => {}
            }
        }
        assert!(rest.is_empty());
    }
    // Of seven visits one is cut off in the middle of its ring.
    assert_eq!(counts, (90, 2, 7, 6), "edges, variables taken up again, rings, messages");
    let archive = Archive::open(&Arc::new(Directory::open_read_only(&golden::folder()).unwrap())).unwrap();
    let report = replay(&archive.index, &Range::default(), |_, _| {}).unwrap();
    assert!(report.is_same(), "{report:?}");
}
