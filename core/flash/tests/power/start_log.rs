//! The records of one start, as a link takes them, held against the same list.

use campanile_core::link::Source as _;
use campanile_core::log::{Cursor, Lagged};
use campanile_core::record::{CORE_REV, Frame, MAX_RECORD};
use campanile_flash::{Flash, Item, Of, Refused, Start, StartLog, Store};

use crate::log::{Book, Entry, PAGES, group, live, read};
use crate::model::Model;

/// What is there from a cursor on, through a buffer of this size, up to a gap.
fn pull<F: Flash>(
    log: &StartLog<'_, F>,
    boot: u64,
    mut from: Cursor,
    size: usize,
) -> (Vec<Entry>, Option<u64>) {
    let mut entries = Vec::new();
    loop {
        let mut buf = vec![0; size];
        let (len, next) = match log.copy(from, &mut buf) {
            Ok((0, next)) => {
                assert_eq!(next, from, "nothing was copied, and the cursor moved");
                return (entries, None);
            }
            Ok(copied) => copied,
            Err(Lagged { resume }) => return (entries, Some(resume.seq)),
        };
        let (mut seq, mut at, mut rest) = (from.seq, from.at, &buf[..len]);
        while let Some((frame, behind)) = Frame::split(rest) {
            at = at.plus(frame.dt);
            entries.push(Entry { boot, seq, at, bytes: frame.bytes.to_vec() });
            (seq, rest) = (seq + 1, behind);
        }
        assert!(rest.is_empty(), "half a record was copied");
        assert_eq!((seq, at), (next.seq, next.at));
        from = next;
    }
}

const fn start(boot: u64) -> Start {
    Start { boot, of: Of { program: 1, core_rev: CORE_REV } }
}

#[test]
fn each_start_is_read_by_itself() {
    let (mut flash, mut book) = (Model::<4>::new(PAGES + 2), Book::default());
    for _ in 0..6 {
        live(&mut flash, &mut book, 14);
    }
    let store = Store::open(&mut flash, 1).unwrap();
    let found = read(&store, store.tail()).records;
    let mut boots: Vec<u64> = found.iter().map(|entry| entry.boot).collect();
    boots.dedup();
    assert!(boots.len() > 2, "too few starts to tell apart: {boots:x?}");
    let mut next = 0;
    for &boot in &boots {
        assert_eq!(store.start_from(next), boot);
        next = boot + 1;
        let log = store.log_of(boot);
        let of: Vec<Entry> = found.iter().filter(|entry| entry.boot == boot).cloned().collect();
        let (first, last) = (of.first().unwrap().seq, of.last().unwrap().seq);
        for size in [MAX_RECORD, 61, 250] {
            assert_eq!(pull(&log, boot, log.tail(), size), (of.clone(), None), "{size} bytes at a time");
        }
        assert_eq!((log.tail().seq, log.head().seq), (first, last + 1));
        for (n, entry) in of.iter().enumerate() {
            let from = log.seek(entry.seq).unwrap();
            assert_eq!(pull(&log, boot, from, 61).0, of[n..], "from {} on", entry.seq);
            let elsewhere = Cursor { pos: 17, ..from };
            assert_eq!(pull(&log, boot, elsewhere, 61).0, of[n..], "by the number of {}", entry.seq);
        }
        assert_eq!(log.seek(last + 1), Ok(log.head()));
        assert!(first == 1 || log.seek(first - 1).is_err(), "what is gone is said to be");
    }
    assert_eq!(store.start_from(next), store.head().boot, "behind the last there is none");
    let nobody = store.log_of(77 << 32);
    assert_eq!((nobody.head().seq, pull(&nobody, 0, nobody.tail(), 61)), (0, (Vec::new(), None)));
}

#[test]
fn what_is_missing_and_what_is_overwritten_is_a_gap() {
    let (mut flash, mut book) = (Model::<4>::new(PAGES + 2), Book::default());
    live(&mut flash, &mut book, 3);
    let mut store = Store::open(&mut flash, 1).unwrap();
    let boot = store.next_boot(7);
    store.begin(start(boot)).unwrap();
    let mut append = |store: &mut Store<&mut Model<4>>, lost: u64, n: u64| {
        let entries = group(&book, boot, n);
        let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.bytes.clone()).collect();
        store.append_records(entries[0].seq + lost, store.head().at, &bytes).unwrap();
        let moved = entries.iter().cloned().map(|entry| Entry { seq: entry.seq + lost, ..entry });
        book.records.extend(moved);
    };
    append(&mut store, 0, 3);
    let young = store.log_of(boot).tail();
    append(&mut store, 5, 4);
    let log = store.log_of(boot);
    let (before, gap) = pull(&log, boot, young, 250);
    assert_eq!((before.len(), gap), (4, Some(10)));
    let behind = log.seek(7).unwrap_err().resume;
    assert_eq!((behind.seq, pull(&log, boot, behind, 250).0.len()), (10, 5));
    (0..150).for_each(|n| append(&mut store, 0, n));
    let log = store.log_of(boot);
    assert_eq!(log.copy(young, &mut [0; 250]), Err(Lagged { resume: log.tail() }));
}

/// A start of so many records, and then one behind a gap, as far as the power lasts. Gives its number.
fn live_with_a_gap(flash: &mut Model<4>, records: u64) -> Result<u64, Refused> {
    let mut store = Store::open(flash, 1).unwrap();
    let boot = store.next_boot(7);
    store.begin(start(boot))?;
    let record = group(&Book::default(), boot, 0)[0].bytes.clone();
    for _ in 0..records {
        store.append_records(store.head().seq, store.head().at, &record)?;
    }
    // Where this is cut is what the test is about.
    let _ = store.append_records(store.head().seq + 10, store.head().at, &record);
    Ok(boot)
}

#[test]
fn a_start_ends_with_its_last_record_though_more_were_said_to_be_lost() {
    let mut cut_between = 0;
    for records in 30..60 {
        let mut whole = Model::<4>::new(PAGES + 2);
        live_with_a_gap(&mut whole, records).unwrap();
        for steps in whole.made - 40..whole.made {
            let mut flash = Model::<4>::new(PAGES + 2).again(steps, steps);
            let Ok(boot) = live_with_a_gap(&mut flash, records) else { continue };
            let mut flash = flash.again(u64::MAX, 0);
            let mut store = Store::open(&mut flash, 1).unwrap();
            let next = store.next_boot(8);
            store.begin(start(next)).unwrap();
            let (mut place, mut is_lost_last) = (store.tail(), false);
            while let Some((at, item, behind)) = store.next(place) {
                if at.boot == boot {
                    is_lost_last = match item {
                        Item::Lost { .. } => true,
                        Item::Records(_) => false,
                        _ => is_lost_last,
                    };
                }
                place = behind;
            }
            cut_between += usize::from(is_lost_last);
            let log = store.log_of(boot);
            let found = read(&store, store.tail()).records;
            let last = found.iter().rfind(|entry| entry.boot == boot).unwrap();
            assert_eq!(log.head().seq, last.seq + 1, "after {records} records and {steps} steps");
            assert_eq!(log.seek(last.seq + 1), Ok(log.head()));
        }
    }
    assert!(cut_between > 20, "{cut_between} were cut where it counts");
}
