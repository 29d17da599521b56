//! The bytes of records: golden, the same there and back, short enough, and nothing behind them (I9).

use std::collections::{BTreeMap, BTreeSet};

use campanile_core::id::TriggerId;
use campanile_core::input::Input;
use campanile_core::record::{CLASSES, FIRST_HOST_KIND, Frame, MAX_RECORD, Record, class};
use campanile_core::time::Duration;
use proptest::prelude::*;

use crate::golden::{assert_golden, hex};
use crate::specimens::{LONGEST, fed, specimens};
use crate::tape::{cases, tapes};

/// What the engine writes: inputs, then decisions.
fn all_kinds() -> BTreeSet<u8> {
    (0..=14).chain(64..=76).collect()
}

fn bytes_of(record: &Record, dt: Duration) -> Vec<u8> {
    let mut buf = [0; MAX_RECORD];
    let len = record.encode(dt, &mut buf).unwrap_or_else(|| panic!("{record:?} is longer than MAX_RECORD"));
    buf[..len].to_vec()
}

fn read(bytes: &[u8]) -> Option<Record> {
    let (frame, rest) = Frame::split(bytes)?;
    assert!(rest.is_empty());
    frame.record()
}

#[test]
fn records_are_the_golden_bytes() {
    let dt = Duration::from_micros(300);
    let lines: Vec<String> =
        specimens().iter().map(|record| format!("{} {record:?}", hex(&bytes_of(record, dt)))).collect();
    assert_golden("records.txt", &lines);
    let kinds: BTreeSet<u8> = specimens().iter().map(Record::kind).collect();
    assert_eq!(kinds, all_kinds(), "a kind has no specimen");
    let classes: BTreeSet<usize> = (0..=u8::MAX).filter_map(class).collect();
    assert_eq!(classes, (0..CLASSES).collect(), "a class for each, and none twice");
    assert!(kinds.iter().all(|kind| class(*kind).is_some()));
}

#[test]
fn a_record_survives_its_bytes() {
    for record in specimens() {
        for dt in [Duration::ZERO, Duration::from_micros(127), LONGEST] {
            let bytes = bytes_of(&record, dt);
            assert!(bytes.len() <= MAX_RECORD);
            assert_eq!(read(&bytes), Some(record));
            let (frame, _) = Frame::split(&bytes).unwrap();
            assert_eq!((frame.dt, frame.kind(), frame.bytes), (dt, record.kind(), &bytes[..]));
            assert!(
                (0..bytes.len()).all(|end| Frame::split(&bytes[..end]).is_none()),
                "a piece of {record:?}"
            );
            assert!(
                (0..bytes.len()).all(|room| record.encode(dt, &mut vec![0; room]).is_none()),
                "{record:?}"
            );
        }
    }
}

/// What a record is, and of a restore which piece.
fn variant(record: &Record) -> (u8, u8) {
    let piece = if let Record::Input(Input::Restore { item }) = record { item.tag() } else { 0 };
    (record.kind(), piece)
}

/// Room is asked for once, for the longest record of a sort: one that was longer would lose its end, and nothing would tell.
#[test]
fn room_is_asked_for_the_longest_record_of_a_sort_and_no_more() {
    let mut sorts: BTreeMap<u8, (BTreeSet<usize>, usize)> = BTreeMap::new();
    for record in specimens() {
        let sort = match record {
            Record::Input(Input::Edge { .. }) => 0,
            Record::Input(_) => 1,
            Record::Decision(_) => 2,
        };
        let takes = |room: &usize| record.encode(LONGEST, &mut vec![0; *room]).is_some();
        let (rooms, longest) = sorts.entry(sort).or_default();
        rooms.extend((0..=MAX_RECORD).find(takes));
        *longest = bytes_of(&record, LONGEST).len().max(*longest);
    }
    assert_eq!(sorts.len(), 3);
    for (sort, (rooms, longest)) in sorts {
        assert_eq!(rooms, BTreeSet::from([longest]), "sort {sort}");
    }
}

/// A longer one would have a byte more somewhere: of a number, or of something that is missing in the specimen.
#[test]
fn no_record_is_longer_than_the_longest_specimen_of_its_variant() {
    let mut longest: BTreeMap<(u8, u8), Vec<u8>> = BTreeMap::new();
    for record in specimens().iter().filter(|record| record.kind() != 0) {
        let bytes = bytes_of(record, LONGEST);
        let known = longest.entry(variant(record)).or_default();
        if bytes.len() > known.len() {
            *known = bytes;
        }
    }
    assert_eq!(longest.len(), all_kinds().len() - 1 + 15, "a piece of a restore has no specimen");
    for (of, bytes) in longest {
        let payload = bytes_of(&fed(Input::Stop {}), LONGEST).len();
        for (at, byte) in (payload..=bytes.len()).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
            let mut longer = bytes.clone();
            longer.insert(at, byte);
            longer[1] += 1;
            let longer = read(&longer).filter(|record| variant(record) == of);
            assert_eq!(longer, None, "{byte} at {at}");
        }
    }
}

#[test]
fn bytes_behind_a_payload_are_refused() {
    let framed = specimens().into_iter().filter(|record| record.kind() != 0);
    for record in framed {
        let mut bytes = bytes_of(&record, Duration::ZERO);
        bytes[1] += 1;
        bytes.push(0);
        assert_eq!(read(&bytes), None, "{record:?} with a byte more");
    }
}

#[test]
fn an_unknown_kind_is_stepped_over() {
    let known = fed(Input::Tick { trigger: TriggerId(7) });
    for kind in (0..FIRST_HOST_KIND).filter(|kind| !all_kinds().contains(kind)) {
        let bytes = [&[kind, 4, 1, 9, 9, 9], &bytes_of(&known, Duration::ZERO)[..]].concat();
        let (frame, rest) = Frame::split(&bytes).unwrap();
        assert_eq!((frame.record(), frame.kind()), (None, kind));
        assert_eq!(read(rest), Some(known));
    }
}

proptest! {
    #![proptest_config(cases(20_000))]

    /// Whatever is taken for a record has these bytes and no others: equal logs are equal bytes.
    #[test]
    fn a_record_has_one_form(kind in 0..FIRST_HOST_KIND, payload in tapes(40)) {
        let bytes = [&[kind, payload.len() as u8], &payload[..]].concat();
        if let Some((frame, rest)) = Frame::split(&bytes) {
            prop_assert!(rest.is_empty());
            if let Some(record) = frame.record() {
                prop_assert_eq!(bytes_of(&record, frame.dt), bytes);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_split_into_frames_or_not(bytes in tapes(60)) {
        let mut left = &bytes[..];
        while let Some((frame, rest)) = Frame::split(left) {
            prop_assert!(rest.len() < left.len());
            let _ = frame.record();
            left = rest;
        }
    }
}
