//! What goes in comes out: across starts, from any place, in time.

use super::*;
use crate::{Body, Start};

#[test]
fn what_goes_in_comes_out_across_starts() {
    let disk = disk();
    let (mut journal, opened) = open(&disk, small()).unwrap();
    assert_eq!((opened.previous, opened.clean, opened.boot), (None, false, Boot::new(1, 0x9f3c_21aa)));
    let mut engine = Engine::default();
    engine.edges(&mut journal, 5);
    engine.log(&mut journal, &[letting(4)], false);
    journal.commit(ms(1));
    journal.close(ms(2)).unwrap();

    let (mut journal, opened) = open(&disk, small()).unwrap();
    let before = Position { boot: Boot::new(1, 0x9f3c_21aa), seq: 6, host: 2 };
    assert_eq!((opened.previous, opened.clean, opened.torn), (Some(before), true, None));
    assert!(opened.damaged.is_empty() && opened.repair.is_none() && opened.boot_unsynced.is_none());
    Engine::default().edges(&mut journal, 2);
    journal.commit(ms(1));

    let read = read_from(&journal, Position::START);
    assert_eq!(read.seqs(), [1, 2, 3, 4, 5, 6, 1, 2]);
    assert_eq!(read.engine[5].1, Instant::from_micros(600));
    assert_eq!(read.engine[6].0.boot.counter(), 2);
    assert_eq!(
        read.hosts(),
        [
            HostRecord::Started { previous: None, clean: false },
            HostRecord::Stopped,
            HostRecord::Started { previous: Some(before), clean: true },
        ]
    );
    assert!(read.lagged.is_empty());
    assert_eq!(journal.status().segments, 1, "starts share a segment");
}

/// A directory that somebody chose for its own may hold other things, and power goes while a file is being made.
#[test]
fn a_start_removes_what_it_began_to_make_and_nothing_of_others() {
    let disk = disk();
    for name in ["what-is.new", "program-notes.new", "quota-home.new"] {
        disk.create(name, 1).unwrap();
    }
    let _journal = open(&disk, small()).unwrap();
    let names = disk.list().unwrap();
    let left: Vec<_> = names.iter().filter(|name| name.ends_with(".new")).collect();
    assert_eq!(left, ["program-notes.new", "what-is.new"]);
}

#[test]
fn the_journal_of_a_node_that_lives_elsewhere_goes_on_in_its_start() {
    let (disk, node) = (disk(), "door".parse().unwrap());
    let open_for = |boot| Journal::open_for(&disk, &node, small(), Start::Of(boot), ms(1)).unwrap().0;
    let (mut engine, first) = (Engine::default(), Boot::new(3, 7));
    let mut journal = open_for(first);
    engine.edges(&mut journal, 5);
    journal.commit(ms(1));
    drop(journal);

    let mut journal = open_for(first);
    assert_eq!((journal.boot(), journal.last_seq()), (first, 5));
    engine.edges(&mut journal, 2);
    journal.commit(ms(1));
    drop(journal);

    let second = Boot::new(4, 9);
    let mut journal = open_for(second);
    assert_eq!(journal.last_seq(), 0);
    Engine::default().edges(&mut journal, 1);
    journal.commit(ms(1));
    let read = read_from(&journal, Position::START);
    assert_eq!(read.seqs(), [1, 2, 3, 4, 5, 6, 7, 1]);
    assert_eq!(read.engine[6].0.boot, first);
    let before = Position { boot: first, seq: 7, host: 1 };
    assert_eq!(
        read.hosts(),
        [
            HostRecord::Started { previous: None, clean: false },
            HostRecord::Started { previous: Some(before), clean: false },
        ],
        "a start is begun once"
    );
}

/// Its clock began when its power came; the one here has been running for a day.
#[test]
fn a_word_on_a_node_that_lives_elsewhere_has_the_time_of_the_record_before_it() {
    let (disk, node, day) = (disk(), "door".parse().unwrap(), Instant::from_micros(86_400_000_000));
    for start in [Start::New(7), Start::Of(Boot::new(9, 7))] {
        let (mut journal, opened) = Journal::open_for(&disk, &node, small(), start, day).unwrap();
        let mut engine = Engine::default();
        engine.edges(&mut journal, 5);
        journal.commit(day);
        engine.seq += 10;
        engine.edges(&mut journal, 1);
        journal.record(&HostRecord::Stopped, day);
        journal.commit(day);
        let mut reader = journal.reader(Position::start_of(opened.boot));
        let mut times = Vec::new();
        while let Next::Item(item) = reader.next().unwrap() {
            if let Body::Host(Some(word)) = item.body {
                times.push((word.kind(), item.time.micros()));
            }
        }
        assert_eq!(times, [(134, 0), (130, 500), (135, 600)], "{start:?}");
    }
}

#[test]
fn a_start_that_goes_on_goes_on_in_its_program() {
    let (disk, node) = (disk(), "door".parse().unwrap());
    let start = Start::Of(Boot::new(3, 7));
    let open_for = || Journal::open_for(&disk, &node, small(), start, ms(1)).unwrap().0;
    let mut engine = Engine::default();
    let mut journal = open_for();
    engine.log(&mut journal, &[Record::Input(Input::Install { hash: 0xa })], false);
    journal.commit(ms(1));
    drop(journal);

    // Over anchors and into other segments, which say the program again.
    let mut journal = open_for();
    engine.fill(&mut journal, 1000);
    drop(journal);
    let journal = open_for();
    let mut reader = journal.reader(Position::START);
    let mut programs = Vec::new();
    while let Next::Item(item) = reader.next().unwrap() {
        if matches!(item.body, Body::Engine(_)) {
            programs.push(item.program);
        }
    }
    assert_eq!(programs, vec![0xa; 3001]);
    let headers: Vec<u64> =
        journal.index().lock().segments.iter().skip(1).map(|entry| entry.program).collect();
    assert!(headers.len() > 1 && headers.iter().all(|&program| program == 0xa), "{headers:x?}");
}

#[test]
fn a_reader_goes_on_from_any_place_and_follows() {
    let (_, mut journal, mut engine) = begin(small());
    engine.fill(&mut journal, 1000);
    assert!(journal.status().segments > 3, "{:?}", journal.status());
    let all = read_from(&journal, Position::START);
    assert_eq!(all.seqs(), (1..=3000).collect::<Vec<u64>>());
    for skip in [0, 1, 2, 1500, 2998, 2999] {
        let read = read_from(&journal, all.engine[skip].0);
        assert_eq!(read.engine, all.engine[skip + 1..]);
        assert!(read.lagged.is_empty());
    }
    let (mut one, mut two) = (journal.reader(Position::START), journal.reader(journal.index().head()));
    assert_eq!(read_all(&mut one).engine.len(), 3000);
    engine.edges(&mut journal, 2);
    assert_eq!(read_all(&mut two), Read::default(), "not before the commit");
    journal.commit(engine.time);
    assert_eq!(read_all(&mut one).seqs(), [3001, 3002]);
    assert_eq!(read_all(&mut two).seqs(), [3001, 3002]);
}

#[test]
fn edges_wait_for_company_and_decisions_do_not() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    while let Some(due) = journal.due() {
        journal.tick(due);
        if journal.due() == Some(due) {
            break;
        }
    }
    assert_eq!(journal.due(), None, "nothing to do in a quiet house");
    let mut engine = Engine { seq: 0, time: ms(1000) };
    engine.edges(&mut journal, 1);
    assert_eq!(journal.due(), Some(engine.time.plus(Duration::from_millis(20))));
    engine.log(&mut journal, &[letting(1)], false);
    assert!(journal.due().is_some_and(|due| due <= engine.time), "{:?}", journal.due());
    let before = journal.status();
    journal.tick(engine.time);
    let after = journal.status();
    assert_eq!((after.writes - before.writes, after.syncs - before.syncs), (1, 0), "one write, no sync yet");
    assert_eq!(journal.due(), Some(engine.time.plus(Duration::from_millis(200))));
    journal.tick(engine.time.plus(Duration::from_millis(200)));
    assert_eq!(journal.status().syncs, before.syncs + 1);
    assert_eq!(journal.due(), None);
}

#[test]
fn a_durable_record_and_sync_always_survive_a_power_cut_once_published() {
    for (options, durable) in [(small(), true), (Options { sync: Sync::Always, ..small() }, false)] {
        let (disk, mut journal, mut engine) = begin(options.clone());
        engine.log(&mut journal, &[edge(Level::On)], durable);
        journal.commit(engine.time);
        assert_eq!(read_from(&journal, Position::START).seqs(), [1]);
        disk.power_cut(PowerCut::Nothing);
        let (journal, opened) = open(&disk, options).unwrap();
        assert_eq!(opened.previous.map(|at| at.seq), Some(1));
        assert_eq!(read_from(&journal, Position::START).seqs(), [1]);
    }
}

#[test]
fn programs_are_kept_and_named_with_the_records() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let image = |n| StoredProgram { image: vec![n; 4], symbols: vec![n] };
    let mut engine = Engine::default();
    journal.keep_program(0xa, &image(1)).unwrap();
    engine.log(&mut journal, &[Record::Input(Input::Install { hash: 0xa }), letting(1)], false);
    journal.commit(engine.time);
    assert!(journal.wants_checkpoint(), "a swap begins a stretch");
    journal.keep_program(0xb, &image(2)).unwrap();
    engine.log(&mut journal, &[letting(2), Record::Input(Input::Install { hash: 0xb }), letting(3)], false);
    journal.commit(engine.time);
    let mut reader = journal.reader(Position { boot: journal.boot(), seq: 1, host: 1 });
    let mut programs = Vec::new();
    while let Next::Item(item) = reader.next().unwrap() {
        programs.push(item.program);
    }
    assert_eq!(programs, [0xa, 0xa, 0xb, 0xb]);
    assert_eq!(journal.index().program(0xa).unwrap(), Some(image(1)));
    engine.fill(&mut journal, 6000);
    assert_eq!(journal.index().program(0xa).unwrap(), None, "no segment names it any more");
    assert_eq!(journal.index().program(0xb).unwrap(), Some(image(2)));
    let mut reader = journal.reader(Position::START);
    assert!(matches!(reader.next().unwrap(), Next::Item(item) if item.program == 0xb));
}

#[test]
fn an_archive_reads_what_is_there_and_changes_nothing() {
    let (disk, mut journal, mut engine) = begin(small());
    engine.edges(&mut journal, 30);
    journal.commit(engine.time);
    let written = disk.written();
    let archive = Archive::open(&disk).unwrap();
    assert_eq!(archive.node, Some(node()));
    assert_eq!(archive.end.map(|at| at.seq), Some(30));
    assert!(!archive.clean);
    assert_eq!(read_all(&mut archive.index.reader(Position::START)).seqs().len(), 30);
    assert_eq!(disk.written(), written);
}

#[test]
fn a_later_version_and_another_node_are_refused_untouched() {
    let disk = disk();
    let (journal, _) = open(&disk, small()).unwrap();
    journal.close(ms(1)).unwrap();
    let written = disk.written();
    let other = Journal::open(&disk, &"back-door".parse().unwrap(), small(), 1, ms(0)).err().unwrap();
    assert!(other.to_string().contains("belongs to the node front-door, not to back-door"), "{other}");
    disk.tamper(&segment::name(1), |bytes| {
        bytes[8] = 9;
        let crc = crate::checksum::CRC32C.checksum(&bytes[..124]);
        bytes[124..128].copy_from_slice(&crc.to_le_bytes());
    })
    .unwrap();
    let newer = open(&disk, small()).err().unwrap();
    assert!(newer.to_string().contains("format 9, this one knows up to 1"), "{newer}");
    assert!(Archive::open(&disk).is_err());
    assert_eq!(disk.written(), written);
}

/// One of many, wherever it stands: it is named, and the others are read around it.
#[test]
fn a_segment_of_a_later_version_is_left_out_for_whoever_asks_for_the_rest() {
    let (disk, mut journal, mut engine) = begin(small());
    while journal.index().lock().segments.len() < 4 {
        engine.edges(&mut journal, 30);
        journal.commit(engine.time);
    }
    journal.close(engine.time).unwrap();
    let whole = read_all(&mut Archive::open(&disk).unwrap().index.reader(Position::START)).seqs();
    let ids: Vec<u64> = disk.list().unwrap().iter().filter_map(|name| segment::number(name)).collect();
    assert!(ids.len() >= 4, "{ids:?}");
    for id in ids {
        let mut before = Vec::new();
        disk.tamper(&segment::name(id), |bytes| {
            before.clone_from(bytes);
            bytes[8] = 9;
            let crc = crate::checksum::CRC32C.checksum(&bytes[..124]);
            bytes[124..128].copy_from_slice(&crc.to_le_bytes());
        })
        .unwrap();
        assert!(Archive::open(&disk).is_err(), "{id}: not in silence");
        let archive = Archive::open_known(&disk).unwrap();
        let [newer] = archive.newer[..] else { panic!("{id}: {:?}", archive.newer) };
        assert_eq!((newer.segment, newer.version, newer.known), (id, 9, segment::VERSION));
        assert_eq!((archive.lost, archive.damaged.len(), archive.headers.len()), (0, 0, 0), "{id}");
        let rest = read_all(&mut archive.index.reader(Position::START)).seqs();
        let is_in = |seq: u64| newer.from.seq < seq && (seq <= newer.to.seq || newer.from == newer.to);
        let expected: Vec<u64> = whole.iter().copied().filter(|seq| !is_in(*seq)).collect();
        assert!(rest.len() < whole.len(), "{id}: its own are not read");
        assert_eq!(rest, expected, "{id}: {newer:?}");
        assert_eq!(archive.end.map(|end| end.seq), rest.last().copied(), "{id}");
        disk.tamper(&segment::name(id), |bytes| *bytes = before).unwrap();
    }
}

#[test]
fn bytes_per_edge_stay_small() {
    let disk = disk();
    let (mut journal, _) = open(&disk, Options::default()).unwrap();
    let before = disk.written();
    let mut engine = Engine::default();
    // Two edges a commit is as bad as a bouncing button gets.
    for _ in 0..1000 {
        engine.edges(&mut journal, 2);
        journal.commit(engine.time);
    }
    let each = (disk.written() - before) as f64 / engine.seq as f64;
    assert!(each < 7.0, "{each}");
}
