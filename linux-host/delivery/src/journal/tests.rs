use std::io::ErrorKind;

use campanile_core::id::Level;

use super::*;
use crate::disk::{Disk, Faults, PowerCut};
use crate::open::Archive;
use crate::options::{Sync, WhenFull};
use crate::reader::{Lagged, Next};
use crate::segment;
use crate::testing::*;

fn disk() -> Arc<Disk> {
    Arc::new(Disk::new(7))
}

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

#[test]
fn a_reader_goes_on_from_any_place_and_follows() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
    for _ in 0..1000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
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
        let disk = disk();
        let (mut journal, _) = open(&disk, options.clone()).unwrap();
        let mut engine = Engine::default();
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
fn a_torn_tail_is_cut_at_every_byte() {
    let setup = || {
        let disk = disk();
        let (mut journal, _) = open(&disk, small()).unwrap();
        let mut engine = Engine::default();
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
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
    for _ in 0..10 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
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
    let disk = disk();
    let (mut journal, _) = open(&disk, Options::default()).unwrap();
    let mut engine = Engine::default();
    for _ in 0..300 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
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
    assert_eq!(read.lagged, [Lagged { after: from, resume: to, dropped }]);
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
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
    for _ in 0..20 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
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
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
    for _ in 0..800 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
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

#[test]
fn a_segment_without_a_header_is_set_aside_whole() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
    for _ in 0..800 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    drop(journal);
    disk.tamper(&segment::name(2), |bytes| bytes[3] ^= 1).unwrap();
    let (journal, opened) = open(&disk, small()).unwrap();
    assert_eq!(opened.damaged.len(), 1);
    assert!(disk.list().unwrap().contains(&segment::bad_name(2, 0)));
    let read = read_from(&journal, Position::START);
    assert_eq!(read.lagged.len(), 1);
    assert_eq!(read.seqs().len() as u64 + read.lagged[0].dropped.unwrap(), 2400);
    drop(journal);
    assert!(open(&disk, small()).unwrap().1.damaged.is_empty(), "said once");
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

#[test]
fn old_segments_go_and_a_stale_block_never_passes() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
    let mut slow = journal.reader(Position::START);
    slow.next().unwrap();
    for _ in 0..6000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
        assert!(journal.status().bytes <= 40 * 1024, "{:?}", journal.status());
    }
    let read = read_all(&mut slow);
    assert_eq!(read.lagged.len(), 1, "{:?}", read.lagged);
    assert_eq!(read.lagged[0].dropped, Some(read.seqs()[0] - 1));
    assert_eq!(*read.seqs().last().unwrap(), 18_000);
    assert!(read.engine.is_sorted());
    // Segment files are used again and again; what stood in them before is full of whole old groups.
    for kept in [PowerCut::Nothing, PowerCut::Sectors, PowerCut::Bytes(3)] {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
        disk.power_cut(kept);
        let (next, opened) = open(&disk, small()).unwrap();
        journal = next;
        assert!(opened.damaged.is_empty(), "{opened:?}");
        let again = read_from(&journal, Position::START);
        let in_order = again.engine.windows(2).all(|pair| {
            let (before, after) = (pair[0].0, pair[1].0);
            after.seq == before.seq + 1 || after.boot > before.boot
        });
        assert!(in_order && again.lagged.is_empty());
        engine = Engine::default();
    }
}

#[test]
fn a_sink_is_told_before_its_records_go() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let sink: crate::SinkName = "home".parse().unwrap();
    let boot = journal.boot();
    let place = Position { boot, seq: 100, host: 1 };
    journal.index().set_place(&sink, place);
    let mut engine = Engine::default();
    for _ in 0..4000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    let read = read_from(&journal, Position::START);
    let dropped: Vec<(u64, u64, u64)> = read
        .hosts()
        .iter()
        .filter_map(|record| match record {
            HostRecord::Dropped { sink: name, from, to, count } if *name == sink => {
                Some((from.seq, to.seq, *count))
            }
            _ => None,
        })
        .collect();
    assert!(!dropped.is_empty());
    assert!(dropped.iter().all(|&(from, to, count)| count == to - from), "{dropped:?}");
    assert!(dropped.windows(2).all(|pair| pair[0].1 == pair[1].0), "each loss is told once: {dropped:?}");
    assert_eq!(dropped.last().unwrap().1 + 1, read.seqs()[0], "nothing went untold");
    let total = journal.status().counts.dropped;
    assert_eq!(total, read.seqs()[0] - 1 - 100);
}

#[test]
fn the_word_on_what_is_dropped_is_on_disk_before_it_is_gone() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    journal.index().set_place(&"home".parse().unwrap(), Position::start_of(journal.boot()));
    let mut engine = Engine::default();
    while journal.status().counts.dropped == 0 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    drop(journal);
    disk.power_cut(PowerCut::Nothing);
    let (journal, _) = open(&disk, small()).unwrap();
    let read = read_from(&journal, Position::START);
    assert!(read.seqs()[0] > 1);
    assert!(
        read.hosts().iter().any(|record| matches!(record, HostRecord::Dropped { .. })),
        "{:?}",
        read.hosts()
    );
}

#[test]
fn keep_goes_on_from_memory_until_the_sinks_have_passed() {
    let disk = disk();
    let options = Options { when_full: WhenFull::Keep, ..small() };
    let (mut journal, _) = open(&disk, options).unwrap();
    let sink: crate::SinkName = "home".parse().unwrap();
    journal.index().set_place(&sink, Position::start_of(journal.boot()));
    let mut engine = Engine::default();
    let mut reader = journal.reader(Position::START);
    let mut seen = 0;
    while journal.status().degraded.is_none() {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
        assert!(engine.seq < 100_000);
    }
    assert_eq!(journal.status().degraded.map(|d| d.why), Some(GapWhy::Full));
    engine.edges(&mut journal, 3);
    journal.commit(engine.time);
    seen += read_all(&mut reader).engine.len();
    assert_eq!(seen as u64, engine.seq, "delivery goes on from memory");
    assert!(journal.status().bytes <= 40 * 1024);

    journal.index().set_place(&sink, reader.place());
    journal.commit(engine.time.plus(Duration::from_secs(60)));
    assert_eq!(journal.status().degraded, None);
    engine.edges(&mut journal, 3);
    journal.commit(engine.time.plus(Duration::from_secs(61)));
    assert_eq!(read_all(&mut reader).engine.len(), 3);
    assert_eq!(journal.status().counts.lost, 0);
}

#[test]
fn age_counts_only_by_a_trusted_clock_and_one_segment_an_hour() {
    let disk = disk();
    let day = Duration::from_secs(86_400);
    let options = Options { age: Some(day), size: 400 * 1024, ..Options::default() };
    let (mut journal, _) = open(&disk, options).unwrap();
    let mut engine = Engine::default();
    let unix = 1_795_000_000_000_000;
    journal.set_clock(engine.time, Some(unix));
    for _ in 0..20_000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    let segments = journal.status().segments;
    assert!(segments > 3);
    let later = engine.time.plus(day).plus(day);
    journal.set_clock(later, None);
    journal.commit(later);
    assert_eq!(journal.status().segments, segments, "a clock that nobody trusts deletes nothing");
    journal.set_clock(later, Some(unix + 2 * day.micros() as i64));
    journal.commit(later);
    journal.commit(later.plus(Duration::from_secs(3599)));
    assert_eq!(journal.status().segments, segments - 1);
    assert_eq!(journal.due(), Some(later.plus(Duration::from_secs(3600))), "asleep until then");
    journal.tick(later.plus(Duration::from_secs(3600)));
    assert_eq!(journal.status().segments, segments - 2);
}

#[test]
fn a_full_disk_costs_nothing_while_memory_lasts() {
    let disk = disk();
    let options = Options { size: 200 * 1024, ..Options::default() };
    let (mut journal, _) = open(&disk, options.clone()).unwrap();
    disk.set_faults(Faults { room: Some(0), ..Faults::default() });
    let mut engine = Engine::default();
    let mut reader = journal.reader(Position::START);
    for _ in 0..5000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
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
    let disk = disk();
    let (mut journal, _) = open(&disk, Options { memory: 8 * 1024, ..small() }).unwrap();
    let mut engine = Engine::default();
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

#[test]
fn a_failed_sync_is_never_trusted_again() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
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
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
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
fn a_stop_with_a_full_disk_says_what_is_lost() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    disk.set_faults(Faults { room: Some(0), ..Faults::default() });
    let mut engine = Engine::default();
    while journal.status().degraded.is_none() {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    engine.edges(&mut journal, 500);
    journal.commit(engine.time);
    journal.close(engine.time).unwrap();
    disk.set_faults(Faults::default());
    let (journal, opened) = open(&disk, small()).unwrap();
    assert!(opened.clean);
    let read = read_from(&journal, Position::START);
    let Some(HostRecord::JournalGap { from, to, count, why }) =
        read.hosts().into_iter().find(|r| matches!(r, HostRecord::JournalGap { .. }))
    else {
        panic!("{:?}", read.hosts())
    };
    assert_eq!((to, count, why), (engine.seq, engine.seq - from + 1, GapWhy::NoSpace));
    assert_eq!(*read.seqs().last().unwrap(), from - 1);
}

#[test]
fn an_overrun_of_the_ring_is_a_gap_and_a_new_stretch() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
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

#[test]
fn wrong_batches_are_refused_whole() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
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
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
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
        let found = crate::group::decode(&bytes[128..], id, 128);
        let crate::group::Found::Group(block) = found else { panic!("{found:?}") };
        assert_eq!(block.kind, Kind::Checkpoint, "segment {id}");
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
    for _ in 0..6000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    assert_eq!(journal.index().program(0xa).unwrap(), None, "no segment names it any more");
    assert_eq!(journal.index().program(0xb).unwrap(), Some(image(2)));
    let mut reader = journal.reader(Position::START);
    assert!(matches!(reader.next().unwrap(), Next::Item(item) if item.program == 0xb));
}

#[test]
fn an_archive_reads_what_is_there_and_changes_nothing() {
    let disk = disk();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
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
