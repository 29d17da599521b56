//! What is taken and what is refused: batches, gaps in the numbers, checkpoints.

use super::*;
use crate::group::{Found, Kind, decode};

#[test]
fn an_overrun_of_the_ring_is_a_gap_and_a_new_stretch() {
    let (_, mut journal, mut engine) = begin(small());
    engine.edges(&mut journal, 3);
    journal.checkpoint(&checkpoint(1), engine.time).unwrap();
    engine.seq += 7;
    engine.edges(&mut journal, 2);
    assert!(journal.wants_checkpoint());
    journal.commit(engine.time);
    let read = read_from(&journal, Position::START);
    assert_eq!(read.seqs(), [1, 2, 3, 11, 12]);
    assert!(read.hosts().contains(&HostRecord::JournalGap {
        from: 4,
        to: 10,
        count: 7,
        why: GapWhy::Overrun
    }));
    assert!(read.lagged.is_empty());
    assert_eq!(read.checkpoints.len(), 1);
    assert_eq!(journal.status().counts.lost, 7);
}

/// Edges that come in torrents would fill the memory for as long as they may wait.
#[test]
fn edges_that_fill_a_group_wait_for_no_company() {
    let options = Options { linger: Duration::from_secs(10), ..small() };
    let (_, mut journal, mut engine) = begin(options.clone());
    journal.commit(engine.time);
    engine.edges(&mut journal, 3);
    assert!(journal.due().is_some_and(|due| due > engine.time), "three of them may wait");
    while journal.due().is_some_and(|due| due > engine.time) {
        engine.edges(&mut journal, 3);
    }
    assert!(engine.seq < options.body_max() as u64, "{} edges waited", engine.seq);
    journal.tick(engine.time);
    assert_eq!(journal.status().memory, 0);
}

#[test]
fn wrong_batches_are_refused_whole() {
    let (_, mut journal, mut engine) = begin(small());
    engine.edges(&mut journal, 3);
    let head = |journal: &mut Journal<Disk>| {
        journal.commit(ms(1));
        read_from(journal, Position::START).seqs()
    };
    let batch = |first_seq, bytes: &'static [u8], count| Batch { first_seq, base: ms(1), bytes, count };
    let mut refuse = |batch| journal.append(&batch, false, ms(1)).unwrap_err();
    assert_eq!(refuse(batch(3, &[0x81, 1], 1)), AppendError::Repeated(3));
    assert_eq!(refuse(batch(4, &[0x81, 1], 2)), AppendError::Malformed);
    assert_eq!(refuse(batch(4, &[0x81, 1, 70, 9], 1)), AppendError::Malformed);
    assert_eq!(journal.checkpoint(&[70, 9], ms(1)), Err(AppendError::Malformed));
    assert_eq!(journal.checkpoint(&[0; 2000], ms(1)), Err(AppendError::TooLarge));
    assert_eq!(head(&mut journal), [1, 2, 3]);
}

#[test]
fn checkpoints_come_in_time_and_stand_at_the_start_of_segments() {
    let (disk, mut journal, mut engine) = begin(small());
    for _ in 0..2500 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
        if journal.wants_checkpoint() {
            journal.checkpoint(&checkpoint(1), engine.time).unwrap();
            journal.commit(engine.time);
        }
    }
    let segments: Vec<u64> = journal.index().lock().segments.iter().skip(1).map(|entry| entry.id).collect();
    assert!(segments.len() > 3);
    for id in segments {
        let bytes = get(&*disk, &segment::name(id)).unwrap();
        let found = decode(&bytes[128..], id, 128);
        let Found::Group(block) = found else { panic!("{found:?}") };
        assert_eq!(block.kind, Kind::Checkpoint, "segment {id}");
    }
}

/// Found by the swarm: what such a commit put into the first of its segments was never shown to anybody; and records
/// that came together grew into a group that no segment had room for.
#[test]
fn a_commit_over_several_segments_is_shown_whole() {
    let (_disk, mut journal, mut engine) = begin(small());
    let mut reader = journal.reader(Position::START);
    for count in [700, 1_400, 2_100, 4_200] {
        for _ in 0..7 {
            engine.edges(&mut journal, count / 7);
        }
        journal.commit(engine.time);
        assert_eq!(journal.degraded(), None, "{count} records");
        let read = read_all(&mut reader);
        assert_eq!(read.seqs().len() as u64, count, "{:?}", read.lagged);
        assert!(read.lagged.is_empty(), "{count} records: {:?}", read.lagged);
    }
}
