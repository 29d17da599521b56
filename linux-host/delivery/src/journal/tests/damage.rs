//! Torn tails, damaged groups and spoiled headers: the good part is kept, the bad part set aside and said.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::reader::Body;

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

#[test]
fn damage_in_the_last_segment_is_set_aside_and_reading_goes_on() {
    let (disk, mut journal, mut engine) = begin(Options::default());
    engine.fill(&mut journal, 300);
    drop(journal);
    let name = segment::name(1);
    disk.tamper(&name, |bytes| bytes[1500] ^= 0x10).unwrap();

    let (journal, opened) = open(&disk, Options::default()).unwrap();
    let [(from, to)] = opened.damaged[..] else { panic!("{opened:?}") };
    assert_eq!(opened.torn, None);
    assert_eq!(opened.previous.map(|at| at.seq), Some(900), "what comes behind is there");
    let read = read_from(&journal, Position::START);
    let expected: Vec<u64> = (1..=900).filter(|seq| !(from.seq + 1..=to.seq).contains(seq)).collect();
    assert!(expected.len() > 600, "an anchor comes every KiB: {}", expected.len());
    assert_eq!(read.seqs(), expected);
    let dropped = Some(to.seq - from.seq);
    assert_eq!(read.lagged, [Lagged { after: from, resume: to, dropped, from_memory: false }]);
    assert!(read.hosts().contains(&HostRecord::Damaged { from, to }));
    let bad: Vec<String> = disk.list().unwrap().into_iter().filter(|name| name.ends_with(".bad")).collect();
    assert_eq!(bad.len(), 1, "{bad:?}");
    let copy = get(&*disk, &bad[0]).unwrap();
    assert!(copy.len() > 100 && copy.len() < 2048, "{}", copy.len());

    drop(journal);
    let (journal, opened) = open(&disk, Options::default()).unwrap();
    assert!(opened.damaged.is_empty(), "said once: {opened:?}");
    assert_eq!(read_from(&journal, Position::START).seqs(), expected);
}

#[test]
fn whole_groups_that_nobody_can_place_are_set_aside_and_never_come_back() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 20);
    let end = journal.writer.active.as_ref().map(|active| active.end as usize).unwrap();
    drop(journal);
    // Less than a KiB since the last anchor: what follows the damage cannot be told from anything.
    disk.tamper(&segment::name(1), |bytes| bytes[end - 100] ^= 1).unwrap();
    for round in 0..3 {
        let (mut journal, opened) = open(&disk, small()).unwrap();
        assert_eq!(opened.damaged.len(), usize::from(round == 0), "round {round}: {opened:?}");
        // A short start each time: the stale groups behind it would be whole if they were left.
        Engine::default().edges(&mut journal, 1);
        journal.commit(ms(1));
        let read = read_from(&journal, Position::START);
        let first = read.engine.iter().filter(|(at, ..)| at.boot.counter() == 1).count();
        assert!((30..57).contains(&first), "{first}");
        assert_eq!(read.engine.len() - first, round + 1);
    }
    let bad = disk.list().unwrap().into_iter().find(|name| name.ends_with(".bad")).unwrap();
    assert!((90..130).contains(&get(&*disk, &bad).unwrap().len()));
}

#[test]
fn damage_in_an_old_segment_is_found_by_its_reader_and_said_once() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 800);
    drop(journal);
    disk.tamper(&segment::name(2), |bytes| bytes[700] ^= 1).unwrap();
    let (mut journal, opened) = open(&disk, small()).unwrap();
    assert!(opened.damaged.is_empty(), "a start does not read old segments");
    for _ in 0..3 {
        let read = read_from(&journal, Position::START);
        assert_eq!(read.lagged.len(), 1);
        let lost = read.lagged[0].dropped.unwrap();
        assert!(lost > 0 && lost < 600, "{lost}");
        assert_eq!(read.seqs().len() as u64 + lost, 2400);
        journal.commit(ms(5));
    }
    let hosts = read_from(&journal, Position::START).hosts();
    assert_eq!(
        hosts.iter().filter(|record| matches!(record, HostRecord::Damaged { .. })).count(),
        1,
        "{hosts:?}"
    );
    assert_eq!(journal.status().counts.damaged, 1);
    assert_eq!(disk.list().unwrap().iter().filter(|name| name.ends_with(".bad")).count(), 1);
}

/// Found by the swarm: what a second fault took behind the first was known as the first, and missing without a word.
#[test]
fn damage_that_grows_is_said_again() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 800);
    let mut reaches = Vec::new();
    for (round, spoiled) in [700..701, 800..2000, 900..901, 2000..3200].into_iter().enumerate() {
        disk.tamper(&segment::name(2), |bytes| bytes[spoiled].iter_mut().for_each(|byte| *byte ^= 1))
            .unwrap();
        let before = read_from(&journal, Position::START);
        assert_eq!(before.lagged.len(), 1);
        journal.commit(ms(5));
        let said = read_from(&journal, Position::START).hosts().into_iter().filter_map(|word| match word {
            HostRecord::Damaged { to, .. } => Some(to),
            _ => None,
        });
        reaches = said.collect();
        assert_eq!(reaches.last(), Some(&before.lagged[0].resume), "round {round}");
        // A start knows how far what it has set aside reached.
        (journal, _) = open(&disk, small()).unwrap();
    }
    assert_eq!(reaches.len(), 3, "and not where nothing more is missing: {reaches:?}");
    assert!(reaches.is_sorted());
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

/// Found by the swarm: what had been written where others were cut off was damaged, and passed for those.
#[test]
fn what_was_cut_off_is_not_what_comes_in_its_place() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 20);
    let end = journal.writer.active.as_ref().map(|active| active.end as usize).unwrap();
    drop(journal);
    disk.tamper(&segment::name(1), |bytes| bytes[end - 100] ^= 1).unwrap();
    let (mut journal, opened) = open(&disk, small()).unwrap();
    assert_eq!(opened.damaged.len(), 1, "{opened:?}");
    Engine::default().fill(&mut journal, 200);
    let cut = disk.list().unwrap().into_iter().find(|name| name.ends_with("-cut.bad")).unwrap();
    let offset = usize::from_str_radix(&cut[17..25], 16).unwrap();
    disk.tamper(&segment::name(1), |bytes| bytes[offset + 6] ^= 1).unwrap();
    read_from(&journal, Position::START);
    journal.commit(ms(60_000));
    let words = read_from(&journal, Position::START).hosts();
    let said = words.iter().filter(|word| matches!(word, HostRecord::Damaged { .. })).count();
    assert_eq!(said, 1, "the first went with what is damaged now: {words:?}");
    assert_eq!(journal.status().counts.damaged, 2);
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

/// Found by the swarm: what the disk did not give for a while was set aside as damage, all of it.
#[test]
fn a_disk_that_gives_nothing_is_not_taken_for_damage() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 800);
    let healthy = read_from(&journal, Position::START);
    journal.close(engine.time).unwrap();
    disk.set_faults(Faults { reads: Some(ErrorKind::Other), ..Faults::default() });
    assert!(matches!(open(&disk, small()), Err(crate::OpenError::Io { .. })));
    disk.set_faults(Faults::default());
    let (journal, opened) = open(&disk, small()).unwrap();
    assert!(opened.damaged.is_empty() && opened.clean, "{opened:?}");
    assert_eq!(read_from(&journal, Position::START).seqs(), healthy.seqs());
}

/// Found by the swarm: with the record of a swap its program was lost, and what came behind it was taken for the old one's,
/// names and checkpoints too.
#[test]
fn what_stands_behind_damage_knows_its_program() {
    let (disk, mut journal, mut engine) = begin(Options::default());
    let install = |hash| [Record::Input(Input::Install { hash })];
    engine.log(&mut journal, &install(0xa), false);
    engine.fill(&mut journal, 100);
    let from = journal.writer.active.as_ref().map(|active| active.end as usize).unwrap();
    engine.log(&mut journal, &install(0xb), false);
    engine.fill(&mut journal, 200);
    disk.tamper(&segment::name(1), |bytes| bytes[from + 8] ^= 1).unwrap();
    let look = |journal: &Journal<Disk>| {
        let mut reader = journal.reader(Position::START);
        let (mut lagged, mut programs) = (0, Vec::new());
        loop {
            match reader.next().unwrap() {
                Next::Item(item) if matches!(item.body, Body::Engine(_)) => programs.push(item.program),
                Next::Item(_) => {}
                Next::Lagged(_) => lagged = programs.len(),
                Next::End => break,
            }
        }
        let (before, behind) = programs.split_at(lagged);
        assert!(before.iter().skip(1).all(|program| *program == 0xa), "{before:x?}");
        assert!(behind.len() > 300 && behind.iter().all(|program| *program == 0xb), "{behind:x?}");
    };
    look(&journal);
    drop(journal);
    look(&open(&disk, Options::default()).unwrap().0);
}

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

#[test]
fn a_block_that_cannot_be_read_costs_its_own_records_only() {
    let (disk, mut journal, mut engine) = begin(Options::default());
    engine.fill(&mut journal, 3000);
    journal.close(engine.time).unwrap();
    disk.spoil(&segment::name(1), 4096).unwrap();
    let (journal, opened) = open(&disk, Options::default()).unwrap();
    assert_eq!(opened.damaged.len(), 1, "{opened:?}");
    let mut reader = journal.reader(Position::START);
    let (mut seqs, mut failures) = (Vec::new(), 0);
    loop {
        match reader.next() {
            Ok(Next::Item(item)) if matches!(item.body, Body::Engine(_)) => seqs.push(item.at.seq),
            Ok(Next::End) => break,
            Ok(_) => {}
            Err(_) => failures += 1,
        }
    }
    assert!(failures > 1, "it may pass: asked again");
    let lost = 9000 - seqs.len();
    assert!((500..2000).contains(&lost), "{lost}");
    assert_eq!(seqs.last(), Some(&9000));
}

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
