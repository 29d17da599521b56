//! Segments whose header is spoiled: their records are read all the same, and what is lost with it is named.

use super::*;

/// What lies in these segments, as the index of a healthy journal says: from its first record to the next one's.
fn bounds(journal: &Journal<Disk>) -> Vec<(u64, Position, Position)> {
    let state = journal.index().lock();
    let next = state.segments.iter().skip(1).map(|entry| entry.start.at).chain([state.head]);
    state.segments.iter().zip(next).map(|(entry, next)| (entry.id, entry.start.at, next)).collect()
}

#[test]
fn a_spoiled_header_costs_no_record() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.log(&mut journal, &[Record::Input(Input::Install { hash: 0xa })], false);
    engine.fill(&mut journal, 1300);
    let healthy = read_from(&journal, Position::START);
    let segments = bounds(&journal);
    assert!(segments.len() > 3);
    drop(journal);
    for (id, start, _) in segments.into_iter().rev() {
        for byte in [3, 8, 15, 30, 60, 90, 100, 127] {
            disk.tamper(&segment::name(id), |bytes| bytes[byte] ^= 0x5a).unwrap();
            let archive = Archive::open(&disk).unwrap();
            let look = read_all(&mut archive.index.reader(Position::START));
            assert_eq!(look.seqs(), healthy.seqs(), "who only looks reads on, too");
            assert_eq!((archive.headers, archive.damaged), (vec![(id, start)], Vec::new()));
            let (journal, opened) = open(&disk, small()).unwrap();
            assert_eq!(opened.damaged, [(start, start)], "segment {id}: no record is missing");
            assert_eq!((opened.torn, opened.repair.is_some()), (None, false));
            let read = read_from(&journal, Position::START);
            assert_eq!((&read.engine, read.lagged.len()), (&healthy.engine, 0), "segment {id}, byte {byte}");
            assert!(read.hosts().contains(&HostRecord::Damaged { from: start, to: start }));
            let mut reader = journal.reader(Position { seq: start.seq + 1, ..start });
            assert!(matches!(reader.next().unwrap(), Next::Item(item) if item.program == 0xa || id == 1));
            drop(journal);
            let bad = get(&*disk, &segment::bad_name(id, 0)).unwrap();
            assert_eq!(bad.len(), 128, "the header as it was found");
            disk.power_cut(PowerCut::Nothing);
            let (_, opened) = open(&disk, small()).unwrap();
            assert!(opened.damaged.is_empty(), "said once: {opened:?}");
            let header = segment::Header::decode(&get(&*disk, &segment::name(id)).unwrap());
            assert_eq!(header.map(|header| header.start.at), Ok(start), "and written again");
            disk.remove(&segment::bad_name(id, 0)).unwrap();
        }
    }
}

#[test]
fn what_is_lost_with_a_header_is_named_to_the_record() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 1300);
    let (id, start, _) = bounds(&journal)[2];
    drop(journal);
    disk.tamper(&segment::name(id), |bytes| bytes[100..160].fill(0xee)).unwrap();
    let (journal, opened) = open(&disk, small()).unwrap();
    let [header, (from, to)] = opened.damaged[..] else { panic!("{opened:?}") };
    assert_eq!((header, from), ((start, start), start), "behind the end of the segment before");
    let read = read_from(&journal, Position::START);
    let lost = to.seq - from.seq;
    assert!((1..400).contains(&lost), "an anchor comes every KiB: {lost}");
    assert_eq!(read.seqs(), (1..=from.seq).chain(to.seq + 1..=3900).collect::<Vec<u64>>());
    assert_eq!(read.lagged, [Lagged { after: from, resume: to, dropped: Some(lost), from_memory: false }]);
    assert_eq!(get(&*disk, &segment::bad_name(id, 0)).unwrap().len(), 128);
    assert!(get(&*disk, &segment::bad_name(id, 128)).unwrap().len() > 32);
    drop(journal);
    let (journal, opened) = open(&disk, small()).unwrap();
    read_from(&journal, Position::START);
    assert!(opened.damaged.is_empty() && journal.status().counts.damaged == 0, "said once");
}

/// Found by the swarm: with the header of a segment went the word on how far damage at the end of the one before reached.
#[test]
fn damage_reaches_up_to_a_segment_without_a_header() {
    let (disk, mut journal, mut engine) = begin(small());
    while journal.status().segments < 2 {
        engine.fill(&mut journal, 1);
    }
    let (_, _, next) = bounds(&journal)[0];
    engine.fill(&mut journal, 100);
    drop(journal);
    disk.tamper(&segment::name(1), |bytes| {
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        bytes[used - 60] ^= 1;
    })
    .unwrap();
    disk.tamper(&segment::name(2), |bytes| bytes[60] ^= 1).unwrap();
    let (_, opened) = open(&disk, small()).unwrap();
    let (from, to) = opened.damaged[0];
    assert!(from < to && to == next, "{opened:?}");
}

#[test]
fn a_header_is_spoiled_behind_a_segment_that_was_given_up() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 10);
    journal.tick(ms(300));
    // Written and lost: these stand behind the end of segment 1, and again in segment 2.
    engine.fill(&mut journal, 10);
    disk.set_faults(Faults { syncs: Some(ErrorKind::Other), ..Faults::default() });
    journal.tick(ms(600));
    disk.set_faults(Faults::default());
    journal.tick(ms(900));
    assert_eq!(journal.status().segments, 2);
    drop(journal);
    disk.tamper(&segment::name(2), |bytes| bytes[60] ^= 1).unwrap();
    for _ in 0..2 {
        let (journal, _) = open(&disk, small()).unwrap();
        let read = read_from(&journal, Position::START);
        assert_eq!(read.seqs(), (1..=60).collect::<Vec<u64>>());
        assert!(read.lagged.is_empty());
    }
}

#[test]
fn a_segment_in_which_nothing_can_be_placed_is_set_aside_whole() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 1300);
    let segments = bounds(&journal);
    drop(journal);
    let (first, middle, last) = (segments[0], segments[2], segments[segments.len() - 1]);
    for (id, ..) in [first, middle, last] {
        disk.tamper(&segment::name(id), |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x5a)).unwrap();
    }
    let (journal, opened) = open(&disk, small()).unwrap();
    // Nobody knows how far the last one reached.
    let expected = [(Position::START, first.2), (middle.1, middle.2), (last.1, last.1)];
    assert_eq!(opened.damaged, expected);
    let lost = |id| disk.list().unwrap().contains(&segment::bad_name(id, 0));
    assert!(lost(first.0) && lost(middle.0) && lost(last.0));
    let read = read_from(&journal, Position::START);
    let kept = (first.2.seq + 1..=middle.1.seq).chain(middle.2.seq + 1..=last.1.seq);
    assert_eq!(read.seqs(), kept.collect::<Vec<u64>>());
    assert_eq!(read.lagged.len(), 1, "{:?}", read.lagged);
    drop(journal);
    assert!(open(&disk, small()).unwrap().1.damaged.is_empty(), "said once");
}
