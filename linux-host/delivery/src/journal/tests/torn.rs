//! Tails that a power cut or a hand has torn: cut where the whole part ends.

use super::*;

#[test]
fn a_torn_tail_is_cut_at_every_byte() {
    let setup = || {
        let (disk, mut journal, mut engine) = begin(small());
        engine.edges(&mut journal, 10);
        engine.log(&mut journal, &[edge(Level::On)], true);
        journal.commit(engine.time);
        let before = disk.written();
        engine.edges(&mut journal, 12);
        journal.commit(engine.time);
        (disk.clone(), usize::try_from(disk.written() - before).unwrap())
    };
    let (_, len) = setup();
    assert!((30..40).contains(&len), "{len}");
    for kept in 0..=len {
        let (disk, _) = setup();
        disk.power_cut(PowerCut::Bytes(kept));
        let (mut journal, opened) = open(&disk, small()).unwrap();
        // The last byte of a write is the zero behind the group.
        let whole = kept + 1 >= len;
        let expected: Vec<u64> = (1..=if whole { 23 } else { 11 }).collect();
        assert_eq!(opened.torn.is_some(), kept > 0 && !whole, "{kept} bytes: {opened:?}");
        assert_eq!((opened.clean, opened.damaged.len()), (false, 0));
        let mut engine = Engine::default();
        engine.edges(&mut journal, 30);
        journal.commit(engine.time);
        let read = read_from(&journal, Position::START);
        let expected: Vec<u64> = expected.into_iter().chain(1..=30).collect();
        assert_eq!(read.seqs(), expected, "{kept} bytes");
        assert!(read.lagged.is_empty(), "{kept} bytes: {:?}", read.lagged);
        assert_eq!(read.hosts().iter().any(|r| matches!(r, HostRecord::Torn { .. })), opened.torn.is_some());
        // And once more: what was cut stays cut.
        drop(journal);
        let (journal, opened) = open(&disk, small()).unwrap();
        assert_eq!((opened.torn, opened.damaged.len()), (None, 0), "{kept} bytes");
        assert_eq!(read_from(&journal, Position::START).seqs(), expected);
    }
}

#[test]
fn a_file_that_was_cut_short_is_torn() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 10);
    let end = journal.writer.active.as_ref().map(|active| active.end as usize).unwrap();
    drop(journal);
    disk.tamper(&segment::name(1), |bytes| bytes.truncate(end - 20)).unwrap();
    let (mut journal, opened) = open(&disk, small()).unwrap();
    assert!(opened.torn.is_some(), "{opened:?}");
    Engine::default().edges(&mut journal, 3);
    journal.commit(ms(1));
    let read = read_from(&journal, Position::START);
    assert_eq!(read.seqs().len(), 24 + 3);
    assert!(read.lagged.is_empty());
}
