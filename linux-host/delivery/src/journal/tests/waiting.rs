//! How long a journal that goes on from memory waits for its disk, in virtual time.

use super::*;
use crate::storage::File as _;

/// A file that is nobody's business takes all the room that there is.
const BALLAST: &str = "ballast";

fn full() -> Faults {
    Faults { room: Some(0), ..Faults::default() }
}

/// Does what is due until `end`, with three edges every second. Gives how often the disk refused.
fn live(journal: &mut Journal<Disk>, engine: &mut Engine, end: Instant) -> u64 {
    let before = journal.status().counts.failures;
    while engine.time < end {
        let second = Duration::from_secs(1);
        engine.time = engine.time.plus(second);
        engine.edges(journal, 3);
        while let Some(due) = journal.due().filter(|due| *due <= engine.time) {
            journal.tick(due.max(engine.time.minus(second)));
        }
    }
    journal.status().counts.failures - before
}

/// A journal on a full disk, which has refused so often that it is asked twice a minute.
fn long_degraded() -> (Arc<Disk>, Journal<Disk>, Engine) {
    let (disk, mut journal, mut engine) = begin(small());
    disk.set_faults(full());
    engine.fill(&mut journal, 2000);
    let minutes = engine.time.plus(Duration::from_secs(300));
    let tries = live(&mut journal, &mut engine, minutes);
    assert!(journal.degraded().is_some_and(|degraded| degraded.why == GapWhy::NoSpace));
    assert!(tries < 20, "a look is no try: {tries} in five minutes");
    (disk, journal, engine)
}

/// Found by chaos: room was there again, and the memory ran over while the journal still waited out its half minute.
#[test]
fn room_on_a_full_disk_is_seen_within_a_second() {
    let (disk, mut journal, engine) = long_degraded();
    disk.set_faults(Faults::default());
    let due = journal.due().expect("a degraded journal has something to wait for");
    assert!(due <= engine.time.plus(Duration::from_secs(1)), "{due:?} at {:?}", engine.time);
    journal.tick(due);
    assert_eq!(journal.degraded(), None);
    assert_eq!(journal.status().memory, 0);
    assert!(journal.due().is_none_or(|next| next > due), "and then nobody looks any more");
}

#[test]
fn room_that_is_not_enough_is_no_reason_to_try() {
    let (disk, mut journal, mut engine) = long_degraded();
    let (minute, taken) = (Duration::from_secs(60), 20 * 4096);
    let Err(full) = disk.create(BALLAST, taken) else { panic!("it is full") };
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    disk.set_faults(Faults::default());
    disk.create(BALLAST, taken).unwrap();
    // A byte less than a segment.
    let used: u64 = disk.list().unwrap().iter().map(|name| disk.open(name).unwrap().len().unwrap()).sum();
    let segment = u64::from(small().segment_len());
    disk.set_faults(Faults { room: Some(used + segment - 1), ..Faults::default() });
    let end = engine.time.plus(minute);
    let tries = live(&mut journal, &mut engine, end);
    assert!((1..=3).contains(&tries), "{tries} tries in a minute");
    disk.remove(BALLAST).unwrap();
    let end = engine.time.plus(Duration::from_secs(2));
    assert_eq!(live(&mut journal, &mut engine, end), 0, "the first try is the last");
    assert_eq!(journal.degraded(), None);
}

/// A disk with room that says all the same that it is full, as one without a free inode does, or behind a quota: the room
/// that others make on it all the time means nothing.
#[test]
fn a_disk_that_refuses_whatever_room_it_has_is_not_asked_every_second() {
    let (disk, mut journal, mut engine) = long_degraded();
    let tries: u64 = (0..120)
        .map(|second| {
            let room = Some((1 << 30) + second);
            disk.set_faults(Faults { names: Some(ErrorKind::StorageFull), room, ..Faults::default() });
            let end = engine.time.plus(Duration::from_secs(1));
            live(&mut journal, &mut engine, end)
        })
        .sum();
    assert!((1..=6).contains(&tries), "{tries} tries in two minutes");
}

/// With `when-full = "keep"` nothing but a sink has to come on, and that costs no disk anything.
#[test]
fn a_limit_of_its_own_is_looked_at_every_second() {
    let options = Options { when_full: WhenFull::Keep, ..small() };
    let (_, mut journal, mut engine) = begin(options);
    let sink: crate::SinkName = "home".parse().unwrap();
    journal.index().set_place(&sink, Position::start_of(journal.boot()));
    engine.fill(&mut journal, 10_000);
    // What was written before the limit was reached is synced in its time.
    let soon = engine.time.plus(Duration::from_secs(2));
    live(&mut journal, &mut engine, soon);
    let wear = |journal: &Journal<Disk>| (journal.status().writes, journal.status().syncs);
    let before = wear(&journal);
    let minute = engine.time.plus(Duration::from_secs(60));
    live(&mut journal, &mut engine, minute);
    assert_eq!(wear(&journal), before, "with a sink away the card has a rest");
    assert!(journal.degraded().is_some_and(|degraded| degraded.why == GapWhy::Full));
    journal.index().set_place(&sink, journal.index().head());
    let soon = engine.time.plus(Duration::from_secs(2));
    live(&mut journal, &mut engine, soon);
    assert_eq!(journal.degraded(), None);
}
