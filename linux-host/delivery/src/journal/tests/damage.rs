//! Damaged groups: the good part is kept, the bad part set aside and said.

use super::*;
use crate::reader::Body;

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
