//! Syncs on a thread of their own.

use super::*;

/// Waits for the other thread; the time that passes is the journal's own.
fn settle(journal: &mut Journal<Disk>, now: &mut Instant) {
    while let Some(due) = journal.due().filter(|_| journal.health.degraded().is_none()) {
        std::thread::sleep(std::time::Duration::from_millis(1));
        *now = due.max(*now);
        journal.tick(*now);
    }
}

#[test]
fn a_sync_in_the_background_does_not_delay_what_is_published() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    journal.sync_in_background().unwrap();
    let mut engine = Engine::default();
    engine.edges(&mut journal, 30);
    let mut now = engine.time;
    journal.commit(now);
    assert_eq!(read_from(&journal, Position::START).seqs().len(), 30);
    assert!(!journal.durability.is_synced());
    settle(&mut journal, &mut now);
    assert!(journal.durability.is_synced());
    assert_eq!(journal.index.lock().tail.unsynced_bytes(), 0);
    disk.power_cut(PowerCut::Nothing);
    drop(journal);
    let (journal, _) = open(&disk, small()).unwrap();
    assert_eq!(read_from(&journal, Position::START).seqs().len(), 30);
}

#[test]
fn a_sync_that_fails_in_the_background_is_never_trusted_either() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    journal.sync_in_background().unwrap();
    let mut engine = Engine::default();
    let mut reader = journal.reader(Position::START);
    let mut now = ms(0);
    for round in 0..5 {
        engine.edges(&mut journal, 30);
        now = now.plus(Duration::from_millis(250));
        disk.set_faults(Faults { syncs: Some(ErrorKind::Other), ..Faults::default() });
        journal.commit(now);
        // More is written while the sync is under way.
        engine.edges(&mut journal, 5);
        journal.commit(now);
        settle(&mut journal, &mut now);
        assert!(journal.health.degraded().is_some(), "round {round}");
        disk.set_faults(Faults::default());
        now = now.plus(Duration::from_secs(40));
        journal.tick(now);
        settle(&mut journal, &mut now);
        assert_eq!(journal.health.degraded(), None, "round {round}");
        assert_eq!(read_all(&mut reader).engine.len(), 35, "round {round}");
    }
    disk.power_cut(PowerCut::Nothing);
    drop(journal);
    let (journal, opened) = open(&disk, small()).unwrap();
    assert!(opened.damaged.is_empty() && opened.torn.is_none());
    assert_eq!(read_from(&journal, Position::START).seqs(), (1..=175).collect::<Vec<u64>>());
}

#[test]
fn what_must_be_on_disk_waits_for_a_sync_under_way() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    journal.sync_in_background().unwrap();
    let mut engine = Engine::default();
    for _ in 0..50 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time.plus(Duration::from_secs(engine.seq)));
        engine.log(&mut journal, &[letting(1)], true);
        journal.commit(engine.time.plus(Duration::from_secs(engine.seq)));
        assert!(journal.durability.is_synced());
    }
    disk.power_cut(PowerCut::Nothing);
    drop(journal);
    let (journal, _) = open(&disk, small()).unwrap();
    assert_eq!(read_from(&journal, Position::START).seqs().len(), 200);
}

#[test]
fn what_memory_has_dropped_stays_behind_what_a_failed_sync_brings_back() {
    let (disk, mut journal, mut engine) = begin(Options { memory: 4 * 1024, ..small() });
    journal.sync_in_background().unwrap();
    let mut reader = journal.reader(Position::START);
    // Under way when the disk fills up, and failed when the journal looks after it.
    let full = Faults { writes: Some(ErrorKind::StorageFull), ..Faults::default() };
    engine.fill(&mut journal, 1);
    disk.set_faults(Faults { hold_syncs: true, ..Faults::default() });
    journal.commit(engine.time.plus(Duration::from_millis(250)));
    disk.set_faults(Faults { hold_syncs: true, ..full.clone() });
    engine.fill(&mut journal, 600);
    assert!(journal.status().counts.lost > 0);
    disk.set_faults(Faults { syncs: Some(ErrorKind::Other), ..full });
    let mut now = engine.time;
    while journal.writer.active.is_some() {
        std::thread::yield_now();
        journal.commit(now);
    }
    disk.set_faults(Faults::default());
    now = now.plus(Duration::from_secs(40));
    journal.tick(now);
    settle(&mut journal, &mut now);
    assert_eq!(journal.health.degraded(), None);
    read_all(&mut reader);
    drop(journal);
    let (journal, _) = open(&disk, small()).unwrap();
    let read = read_from(&journal, Position::START);
    assert!(read.lagged.is_empty(), "the gap says what is missing: {:?}", read.lagged);
    let gaps = read.hosts().into_iter().filter(|r| matches!(r, HostRecord::JournalGap { .. }));
    let [HostRecord::JournalGap { from: 1, to, count, .. }] = gaps.collect::<Vec<_>>()[..] else {
        panic!("{:?}", read.hosts())
    };
    assert_eq!((count, read.seqs()), (to, (to + 1..=engine.seq).collect()));
}
