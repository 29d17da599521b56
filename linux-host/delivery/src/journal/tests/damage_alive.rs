//! Damage that readers come upon while the journal goes on: it keeps nobody from what comes next, and has its word at once.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Found by the swarm: readers stood still up to the next anchor, a KiB away, and the word on the damage did not say how far
/// it reached.
#[test]
fn damage_at_the_live_end_keeps_nobody_from_what_comes_next() {
    let (disk, mut journal, mut engine) = begin(small());
    let mut reader = journal.reader(Position::START);
    engine.fill(&mut journal, 20);
    assert_eq!(read_all(&mut reader).seqs().len(), 60);
    engine.fill(&mut journal, 2);
    let end = journal.writer.active.as_ref().map(|active| active.end as usize).unwrap();
    disk.tamper(&segment::name(1), |bytes| bytes[end - 3] ^= 1).unwrap();
    let before = read_all(&mut reader);
    assert_eq!(before.seqs(), [61, 62, 63]);
    engine.fill(&mut journal, 1);
    let after = read_all(&mut reader);
    assert_eq!(after.seqs(), [67, 68, 69]);
    assert_eq!(after.lagged.iter().map(|lagged| lagged.dropped).collect::<Vec<_>>(), [Some(3)]);
    let damaged = after.hosts().into_iter().find_map(|record| match record {
        HostRecord::Damaged { from, to } => Some((from.seq, to.seq)),
        _ => None,
    });
    assert_eq!(damaged, Some((63, 66)));
    // And nobody who comes from before it is kept either.
    let all: Vec<u64> = (1..=69).filter(|seq| !(64..=66).contains(seq)).collect();
    engine.fill(&mut journal, 1);
    assert_eq!(read_from(&journal, Position::START).seqs(), [all, vec![70, 71, 72]].concat());
}

/// A segment with damage at its end, given up by a disk that takes no more; no other has begun.
fn given_up_behind_damage() -> (Arc<Disk>, Journal<Disk>, Engine) {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 20);
    journal.tick(engine.time.plus(Duration::from_secs(1)));
    let end = journal.writer.active.as_ref().map(|active| active.end as usize).unwrap();
    disk.tamper(&segment::name(1), |bytes| bytes[end - 3] ^= 1).unwrap();
    disk.set_faults(Faults { writes: Some(ErrorKind::Other), ..Faults::default() });
    engine.fill(&mut journal, 1);
    assert!(journal.writer.active.is_none());
    (disk, journal, engine)
}

/// Found by the swarm: damage that was read while its segment had been given up, and no other begun, was said to end where it
/// begins.
#[test]
fn damage_at_the_end_of_a_segment_that_was_given_up_is_said_with_its_end() {
    let (disk, mut journal, mut engine) = given_up_behind_damage();
    let mut reader = journal.reader(Position::START);
    let before = read_all(&mut reader).seqs();
    disk.set_faults(Faults::default());
    journal.tick(engine.time.plus(Duration::from_secs(60)));
    read_from(&journal, Position::START);
    engine.fill(&mut journal, 1);
    let damaged = read_from(&journal, Position::START).hosts().into_iter().find_map(|record| match record {
        HostRecord::Damaged { from, to } => Some((from.seq, to.seq)),
        _ => None,
    });
    assert_eq!(damaged, Some((57, 60)), "{before:?}");
}

/// Found by the swarm: a reader that went on from memory behind such damage saved its place there, and the process died
/// before any segment told where the damage ends. Nobody ever had a word on it.
#[test]
fn damage_behind_which_only_memory_goes_on_is_said_at_once() {
    let (_, mut journal, mut engine) = given_up_behind_damage();
    assert_eq!(read_from(&journal, Position::START).seqs().last(), Some(&engine.seq), "from memory");
    engine.fill(&mut journal, 1);
    let words = read_from(&journal, Position::START).hosts();
    let damaged = words.iter().filter_map(|record| match record {
        HostRecord::Damaged { from, to } => Some((from.seq, to.seq)),
        _ => None,
    });
    assert_eq!(damaged.collect::<Vec<_>>(), [(57, 60)]);
}

/// Found by the swarm: in a house in which nothing happens any more nobody wrote the word on damage that a sink had passed.
#[test]
fn a_journal_to_which_nothing_comes_any_more_says_what_its_readers_found() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 20);
    journal.tick(engine.time.plus(Duration::from_secs(1)));
    assert_eq!(journal.due(), None, "all is synced");
    let end = journal.writer.active.as_ref().map(|active| active.end as usize).unwrap();
    disk.tamper(&segment::name(1), |bytes| bytes[end - 3] ^= 1).unwrap();
    let told = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&told);
    journal.index().on_damage(move || tell.store(true, Ordering::Relaxed));
    read_from(&journal, Position::START);
    assert!(told.load(Ordering::Relaxed));
    assert!(journal.due().is_some());
    journal.tick(engine.time.plus(Duration::from_secs(2)));
    let words = read_from(&journal, Position::START).hosts();
    let is_damage = |word: &&HostRecord| matches!(word, HostRecord::Damaged { .. });
    assert_eq!(words.iter().filter(is_damage).count(), 1);
}

/// Found by the swarm: a word that came behind damage which nobody had seen yet was lost with it.
#[test]
fn a_word_stands_by_itself() {
    let (disk, mut journal, mut engine) = begin(Options::default());
    engine.fill(&mut journal, 20);
    let end = journal.writer.active.as_ref().map(|active| active.end as usize).unwrap();
    disk.tamper(&segment::name(1), |bytes| bytes[end - 100] ^= 1).unwrap();
    let record = Position { seq: 5, ..journal.index().head() };
    let word = HostRecord::DeadLetter { sink: "home".parse().unwrap(), record, why: "no".to_owned() };
    journal.record(&word, engine.time);
    engine.fill(&mut journal, 1);
    let read = read_from(&journal, Position::START);
    assert!(read.hosts().contains(&word), "{read:?}");
    assert_eq!(read.seqs().last(), Some(&63));
}
