//! Disks that are full, read-only or broken.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::reader::Move;

#[test]
fn a_full_disk_costs_nothing_while_memory_lasts() {
    let disk = disk();
    let options = Options { size: 200 * 1024, ..Options::default() };
    let (mut journal, _) = open(&disk, options.clone()).unwrap();
    disk.set_faults(Faults { room: Some(0), ..Faults::default() });
    let mut engine = Engine::default();
    let mut reader = journal.reader(Position::START);
    engine.fill(&mut journal, 5000);
    let status = journal.status();
    assert_eq!(status.degraded.as_ref().map(|d| d.why), Some(GapWhy::NoSpace));
    assert!(!status.spare && status.memory > 0);
    assert_eq!(read_all(&mut reader).engine.len(), 15_000, "delivery goes on from memory");
    disk.set_faults(Faults::default());
    journal.tick(engine.time.plus(Duration::from_secs(31)));
    assert_eq!(journal.status().degraded, None);
    assert_eq!((journal.status().memory, journal.status().counts.lost), (0, 0));
    drop(journal);
    let (journal, _) = open(&disk, options.clone()).unwrap();
    let read = read_from(&journal, Position::START);
    assert_eq!(read.seqs(), (1..=15_000).collect::<Vec<u64>>());
    assert!(read.lagged.is_empty());
}

#[test]
fn what_memory_cannot_hold_is_counted_and_recorded() {
    let (disk, mut journal, mut engine) = begin(Options { memory: 8 * 1024, ..small() });
    engine.edges(&mut journal, 10);
    journal.commit(engine.time);
    journal.checkpoint(&checkpoint(1), engine.time).unwrap();
    assert!(!journal.wants_checkpoint());
    journal.tick(ms(300));
    disk.set_faults(Faults::read_only());
    let mut quick = journal.reader(Position::START);
    for _ in 0..3000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
        read_all(&mut quick);
        assert!(journal.status().memory <= 8 * 1024 + 512, "{}", journal.status().memory);
    }
    assert_eq!(journal.status().degraded.map(|d| d.why), Some(GapWhy::ReadOnly));
    disk.set_faults(Faults::default());
    let lost = journal.status().counts.lost;
    assert!(lost > 1000);
    journal.tick(engine.time.plus(Duration::from_secs(31)));
    assert!(journal.wants_checkpoint(), "a gap begins a new stretch");
    let read = read_from(&journal, Position::START);
    let gaps: Vec<HostRecord> =
        read.hosts().into_iter().filter(|r| matches!(r, HostRecord::JournalGap { .. })).collect();
    let [HostRecord::JournalGap { from, to, count, why: GapWhy::ReadOnly }] = gaps[..] else {
        panic!("{gaps:?}")
    };
    assert_eq!((from, count), (11, lost));
    assert_eq!(to - from + 1, lost);
    assert_eq!(read.seqs(), (1..=10).chain(to + 1..=9010).collect::<Vec<u64>>());
    assert!(read.lagged.is_empty(), "the gap says it: {:?}", read.lagged);
    assert_eq!(read_all(&mut quick), Read::default(), "who was quick enough has seen all");
}

/// Found by the swarm: memory that filled up dropped the word on a dead letter, which the cursor was past.
#[test]
fn a_dead_letter_outlives_a_full_memory() {
    let (disk, mut journal, mut engine) = begin(Options { memory: 2048, ..small() });
    engine.edges(&mut journal, 10);
    journal.commit(engine.time);
    disk.set_faults(Faults::read_only());
    let record = Position { seq: 5, ..journal.index().head() };
    let why = "no".to_owned();
    journal.record(&HostRecord::DeadLetter { sink: "home".parse().unwrap(), record, why }, engine.time);
    for _ in 0..1000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    assert!(journal.status().memory < 2048 + 512);
    disk.set_faults(Faults::default());
    journal.tick(engine.time.plus(Duration::from_secs(31)));
    let words = read_from(&journal, Position::START).hosts();
    let again = HostRecord::Dropped {
        sink: "home".parse().unwrap(),
        from: Position { seq: 4, ..record },
        to: record,
        count: 1,
    };
    assert!(words.contains(&again), "{words:?}");
}

/// Found by the swarm: the word on what memory had dropped took the place of another word, which a sink had got from memory.
#[test]
fn no_two_words_have_one_place() {
    let (disk, mut journal, mut engine) = begin(Options { memory: 2048, ..small() });
    engine.edges(&mut journal, 10);
    journal.commit(engine.time);
    let mut live = journal.reader(Position::START);
    let mut known = BTreeMap::new();
    for round in 0..600 {
        disk.set_faults(if round % 150 < 100 { Faults::read_only() } else { Faults::default() });
        engine.edges(&mut journal, round % 4);
        if round % 3 == 0 {
            let record = Position { seq: round + 1, ..journal.index().head() };
            let letter =
                HostRecord::DeadLetter { sink: "home".parse().unwrap(), record, why: "no".to_owned() };
            journal.record(&letter, engine.time);
        }
        journal.commit(engine.time);
        engine.time = engine.time.plus(Duration::from_secs(1));
        // What comes live, and what somebody reads who comes back.
        let again = read_from(&journal, Position::START);
        for (at, word) in read_all(&mut live).host.into_iter().chain(again.host) {
            let before = known.insert(at, word.clone());
            assert!(before.as_ref().is_none_or(|before| *before == word), "{at}: {before:?}, {word:?}");
        }
    }
    assert!(journal.status().counts.lost > 100 && known.len() > 100);
}

/// Found by the swarm: the cursor was past what the receiver had refused, and the power cut took the word on it.
#[test]
fn what_only_a_word_tells_of_is_synced_before_anybody_relies_on_it() {
    let (disk, mut journal, mut engine) =
        begin(Options { sync: Sync::Within(ms(60_000).since(ms(0))), ..small() });
    engine.fill(&mut journal, 400);
    let record = Position { seq: 5, ..journal.index().head() };
    let letter = HostRecord::DeadLetter { sink: "home".parse().unwrap(), record, why: "no".to_owned() };
    journal.record(&letter, engine.time);
    journal.commit(engine.time);
    disk.tamper(&segment::name(1), |bytes| bytes[700] ^= 1).unwrap();
    read_from(&journal, Position::START);
    journal.commit(engine.time);
    disk.power_cut(PowerCut::Nothing);
    let (journal, _) = open(&disk, small()).unwrap();
    let words = read_from(&journal, Position::START).hosts();
    assert!(words.contains(&letter), "{words:?}");
    assert!(words.iter().any(|word| matches!(word, HostRecord::Damaged { .. })), "{words:?}");
}

/// Found by the swarm: a sink that is slower than the memory of a failing disk is past the place of the word on what was
/// dropped when that is written, and nobody told it.
#[test]
fn a_sink_that_lags_behind_memory_has_a_word_of_its_own() {
    let (disk, mut journal, mut engine) = begin(Options { memory: 2048, ..small() });
    let mut slow = journal.reader(Position::START);
    engine.edges(&mut journal, 10);
    journal.commit(engine.time);
    assert_eq!(read_all(&mut slow).seqs().len(), 10);
    disk.set_faults(Faults::read_only());
    for _ in 0..1000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    let read = read_all(&mut slow);
    let (sink, lagged) = ("home".parse().unwrap(), read.lagged[0]);
    let Some(HostRecord::Dropped { from, to, count, .. }) = lagged.word(&sink) else { panic!("{lagged:?}") };
    assert_eq!((from.seq, count), (10, to.seq - 10));
    assert_eq!(read.seqs(), (to.seq + 1..=engine.seq).collect::<Vec<u64>>());
    disk.set_faults(Faults::default());
    journal.tick(engine.time.plus(Duration::from_secs(31)));
    assert_eq!(read_all(&mut slow), Read::default(), "the word stands where it has been");
    let others = read_from(&journal, Position::START);
    assert!(others.lagged.is_empty(), "and whoever comes later reads it there: {others:?}");
}

#[test]
fn a_failed_sync_is_never_trusted_again() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.edges(&mut journal, 30);
    journal.commit(engine.time);
    let mut reader = journal.reader(Position::START);
    assert_eq!(read_all(&mut reader).engine.len(), 30);
    disk.set_faults(Faults { syncs: Some(ErrorKind::Other), ..Faults::default() });
    journal.tick(ms(300));
    assert!(journal.status().degraded.is_some());
    engine.edges(&mut journal, 1);
    journal.commit(ms(301));
    assert_eq!(read_all(&mut reader).seqs(), [31], "nothing twice, nothing missing");
    disk.set_faults(Faults::default());
    journal.tick(ms(600));
    assert_eq!(journal.status().degraded, None);
    journal.tick(ms(900));
    assert_eq!(journal.status().segments, 2);
    disk.power_cut(PowerCut::Nothing);
    let (journal, opened) = open(&disk, small()).unwrap();
    assert!(opened.damaged.is_empty() && opened.torn.is_none(), "{opened:?}");
    let read = read_from(&journal, Position::START);
    assert_eq!(read.seqs(), (1..=31).collect::<Vec<u64>>());
    assert!(read.lagged.is_empty());
}

#[test]
fn a_broken_write_goes_into_another_segment() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.edges(&mut journal, 30);
    journal.commit(engine.time);
    disk.set_faults(Faults { write_budget: Some(5), ..Faults::default() });
    engine.edges(&mut journal, 30);
    journal.commit(engine.time);
    disk.set_faults(Faults::default());
    journal.tick(ms(1000));
    journal.tick(ms(2000));
    let read = read_from(&journal, Position::START);
    assert_eq!(read.seqs(), (1..=60).collect::<Vec<u64>>());
    assert_eq!(journal.status().segments, 2);
}

/// Found by the swarm: memory that filled up dropped the word on where the start before had ended, and what only that
/// one's memory had held was missing unsaid.
#[test]
fn the_first_word_of_a_start_outlives_a_full_memory() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.edges(&mut journal, 5);
    journal.commit(engine.time);
    let ended = journal.index().head();
    drop(journal);
    disk.set_faults(Faults::read_only());
    let (mut journal, _) = open(&disk, Options { memory: 2048, ..small() }).unwrap();
    let mut engine = Engine::default();
    for _ in 0..1000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    disk.set_faults(Faults::default());
    journal.tick(engine.time.plus(Duration::from_secs(31)));
    assert_eq!(journal.status().degraded, None);
    let words = read_from(&journal, ended).hosts();
    let [HostRecord::Started { previous, .. }, HostRecord::JournalGap { from: 1, count, .. }] = words[..]
    else {
        panic!("{words:?}")
    };
    assert_eq!(previous, Some(ended));
    assert_eq!(count, journal.status().counts.lost);
}

#[test]
fn a_start_on_a_read_only_disk_goes_on_from_memory_under_its_own_name() {
    let disk = disk();
    let (mut journal, opened) = open(&disk, small()).unwrap();
    Engine::default().edges(&mut journal, 5);
    let first = opened.boot;
    journal.close(ms(1)).unwrap();
    disk.set_faults(Faults::read_only());
    let (mut journal, opened) = open(&disk, small()).unwrap();
    assert!(opened.boot_unsynced.is_some());
    assert!(opened.boot > first);
    let mut engine = Engine::default();
    engine.edges(&mut journal, 5);
    journal.commit(engine.time);
    assert_eq!(journal.status().degraded.map(|d| d.why), Some(GapWhy::ReadOnly));
    assert_eq!(read_from(&journal, Position::START).seqs(), [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
    assert!(journal.close(ms(2)).is_err());
}

#[test]
fn what_was_published_survives_a_failed_sync_a_kill_and_a_power_cut() {
    // The kernel forgets the pages of a failed sync, but whoever reads them still finds them: the next process must
    // not take that for the disk.
    for restart_fails in [false, true] {
        let (disk, mut journal, mut engine) = begin(small());
        engine.fill(&mut journal, 10);
        assert_eq!(read_from(&journal, Position::START).seqs().len(), 30);
        disk.set_faults(Faults { syncs: Some(ErrorKind::Other), ..Faults::default() });
        journal.tick(ms(300));
        assert!(journal.status().degraded.is_some());
        drop(journal);
        disk.set_faults(if restart_fails { Faults::read_only() } else { Faults::default() });
        let (mut journal, opened) = open(&disk, small()).unwrap();
        assert_eq!(opened.repair.is_some(), restart_fails);
        assert_eq!(read_from(&journal, Position::START).seqs().len(), 30);
        disk.set_faults(Faults::default());
        journal.tick(ms(60_000));
        journal.tick(ms(70_000));
        assert!(journal.degraded().is_none());
        drop(journal);
        disk.power_cut(PowerCut::Nothing);
        let (journal, opened) = open(&disk, small()).unwrap();
        assert!(opened.damaged.is_empty() && opened.torn.is_none(), "{opened:?}");
        assert_eq!(read_from(&journal, Position::START).seqs().len(), 30);
    }
}

#[test]
fn only_what_is_in_doubt_is_written_again() {
    let written = |prepare: &dyn Fn(&Arc<Disk>, Journal<Disk>)| {
        let (disk, mut journal, mut engine) = begin(Options::default());
        engine.fill(&mut journal, 3000);
        prepare(&disk, journal);
        let before = disk.written();
        let (journal, _) = open(&disk, Options::default()).unwrap();
        (disk.written() - before, journal.writer.active.as_ref().map_or(0, |active| active.end))
    };
    let (killed, end) = written(&|_, journal| drop(journal));
    assert!(killed > u64::from(end - segment::HEADER_LEN), "{killed}");
    for prepare in [
        &|_: &Arc<Disk>, journal: Journal<Disk>| journal.close(ms(60_000)).unwrap(),
        &|disk: &Arc<Disk>, mut journal: Journal<Disk>| {
            journal.commit(ms(60_000));
            disk.power_cut(PowerCut::Nothing);
        },
    ] as [&dyn Fn(&Arc<Disk>, Journal<Disk>); 2]
    {
        let (bytes, _) = written(prepare);
        assert!(bytes < 300, "{bytes}");
    }
}

/// A journal that a full disk has degraded, with a hundred records more in memory.
fn degraded(faults: Faults) -> (Arc<Disk>, Journal<Disk>, Engine) {
    let (disk, mut journal, mut engine) = begin(small());
    journal.checkpoint(&checkpoint(1), engine.time).unwrap();
    journal.commit(engine.time);
    disk.set_faults(faults);
    while journal.status().degraded.is_none() {
        engine.fill(&mut journal, 1);
    }
    engine.edges(&mut journal, 100);
    journal.commit(engine.time);
    (disk, journal, engine)
}

fn variable(journal: &Journal<Disk>) -> Option<i32> {
    let recall = crate::Recall::read(journal.index()).unwrap();
    recall.items.iter().find_map(|item| match item {
        Restore::Var { value, .. } => Some(*value),
        _ => None,
    })
}

#[test]
fn a_stop_with_a_full_disk_says_what_is_lost_and_keeps_the_state() {
    for last_checkpoint in [false, true] {
        let (disk, mut journal, mut engine) = degraded(Faults { room: Some(0), ..Faults::default() });
        engine.log(&mut journal, &[letting(41)], false);
        let lost_to = engine.seq;
        if last_checkpoint {
            journal.checkpoint(&checkpoint(41), engine.time).unwrap();
            engine.edges(&mut journal, 3);
        }
        let unwritten = journal.close(engine.time).unwrap_err();
        assert_eq!(
            (unwritten.said, unwritten.state, unwritten.why),
            (true, last_checkpoint, GapWhy::NoSpace)
        );
        let text = unwritten.to_string();
        assert!(text.contains("records, from ") && text.contains("the disk is full"), "{text}");
        disk.set_faults(Faults::default());
        let (journal, opened) = open(&disk, small()).unwrap();
        assert!(opened.clean);
        let read = read_from(&journal, Position::START);
        let gaps = read.hosts().into_iter().filter(|r| matches!(r, HostRecord::JournalGap { .. }));
        let [HostRecord::JournalGap { from, to, count, why: GapWhy::NoSpace }] = gaps.collect::<Vec<_>>()[..]
        else {
            panic!("{:?}", read.hosts())
        };
        assert_eq!((to, count), (lost_to, lost_to - from + 1));
        assert_eq!(count, unwritten.count());
        let kept = if last_checkpoint { 3 } else { 0 };
        assert_eq!(read.seqs().len() as u64, from - 1 + kept, "what came behind the checkpoint is there");
        assert_eq!(variable(&journal), Some(if last_checkpoint { 41 } else { 1 }));
    }
}

#[test]
fn a_stop_with_a_read_only_disk_says_all_that_is_lost() {
    let (disk, journal, engine) = degraded(Faults::read_only());
    let unwritten = journal.close(engine.time).unwrap_err();
    assert_eq!((unwritten.said, unwritten.state, unwritten.why), (false, false, GapWhy::ReadOnly));
    disk.set_faults(Faults::default());
    let (journal, opened) = open(&disk, small()).unwrap();
    assert!(!opened.clean);
    let read = read_from(&journal, Position::START);
    assert_eq!(read.seqs().len() as u64, engine.seq - unwritten.count());
}

/// Found by the swarm: a reader that the disk had failed often enough to be careful said that there was nothing more, and
/// its sink waited for the next record, which in a quiet house may take a day.
#[test]
fn a_disk_that_fails_to_read_is_no_end() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 100);
    journal.commit(engine.time);
    let mut reader = journal.reader(Position::START);
    while let Move::Item | Move::Lagged(_) = reader.advance().unwrap() {}
    engine.fill(&mut journal, 10);
    journal.commit(engine.time);
    disk.set_faults(Faults { reads: Some(ErrorKind::Other), ..Faults::default() });
    for _ in 0..5 {
        assert!(!matches!(reader.advance(), Ok(Move::End)), "at {}", reader.place());
    }
    disk.set_faults(Faults::default());
    while let Move::Item | Move::Lagged(_) = reader.advance().unwrap() {}
    assert_eq!(reader.place(), journal.index().head());
}

#[test]
fn whoever_reads_while_the_disk_takes_what_waited_in_memory_misses_nothing() {
    let (disk, mut journal, mut engine) = begin(Options { size: 200 * 1024, ..Options::default() });
    engine.fill(&mut journal, 10);
    disk.set_faults(Faults { room: Some(0), ..Faults::default() });
    // More groups than go into one write, and more bytes than into one segment.
    engine.fill(&mut journal, 5000);
    assert!(journal.status().degraded.is_some());
    disk.set_faults(Faults::default());
    let (index, moments) = (Arc::clone(journal.index()), Arc::new(AtomicUsize::new(0)));
    let (all, count) = ((1..=engine.seq).collect::<Vec<u64>>(), Arc::clone(&moments));
    disk.watch(move || {
        let read = read_all(&mut index.reader(Position::START));
        assert_eq!((read.seqs().len(), &read.lagged[..]), (all.len(), &[][..]));
        assert_eq!(read.seqs(), all);
        count.fetch_add(1, Ordering::Relaxed);
    });
    journal.tick(engine.time.plus(Duration::from_secs(31)));
    assert_eq!((journal.status().degraded, journal.status().memory), (None, 0));
    assert!(moments.load(Ordering::Relaxed) > 10, "somebody looked on");
}
