//! Retention: what goes, when, and who is told.

use super::*;
use crate::cursor::CursorFile;

#[test]
fn old_segments_go_and_a_stale_block_never_passes() {
    let (disk, mut journal, mut engine) = begin(small());
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
    // Long enough for the first words to go as well, and for what was said again to go once more.
    engine.fill(&mut journal, 8000);
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
    let gone = read.seqs()[0] - 1;
    assert!(dropped.len() < 30, "words on words do not pile up: {dropped:?}");
    assert_eq!(dropped.iter().map(|(from, ..)| *from).min(), Some(100), "the first loss is still told");
    assert_eq!(dropped.iter().map(|(_, to, _)| *to).max(), Some(gone), "nothing went untold");
    let told: u64 = dropped.iter().map(|(.., count)| count).sum();
    assert_eq!(told, gone - 100, "each loss is told once: {dropped:?}");
    assert_eq!(journal.status().counts.dropped, told);
}

/// Found by the swarm: while the disk failed to read, the word on an earlier loss went with its segment, and nobody knew that
/// there had been one.
#[test]
fn a_loss_is_told_also_when_the_word_on_it_could_not_be_read_before_it_went() {
    let (disk, mut journal, mut engine) = begin(small());
    let sink: crate::SinkName = "home".parse().unwrap();
    journal.index().set_place(&sink, Position { boot: journal.boot(), seq: 100, host: 1 });
    engine.fill(&mut journal, 4000);
    assert!(journal.status().counts.dropped > 0);
    disk.set_faults(Faults { reads: Some(ErrorKind::Other), ..Faults::default() });
    engine.fill(&mut journal, 4000);
    disk.set_faults(Faults::default());
    engine.fill(&mut journal, 100);
    let read = read_from(&journal, Position::START);
    let dropped = read.hosts().into_iter().filter_map(|record| match record {
        HostRecord::Dropped { sink: name, from, to, .. } if name == sink => Some((from.seq, to.seq)),
        _ => None,
    });
    let (from, to): (Vec<u64>, Vec<u64>) = dropped.unzip();
    let gone = read.seqs()[0] - 1;
    assert_eq!((from.iter().min(), to.iter().max()), (Some(&100), Some(&gone)));
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

/// Found by the swarm: the word on a dead letter went before its sink had got it, and nothing else told of the letter.
#[test]
fn a_dead_letter_that_goes_before_its_sink_has_it_is_said_again() {
    let (_disk, mut journal, mut engine) = begin(small());
    let sink: crate::SinkName = "home".parse().unwrap();
    engine.edges(&mut journal, 10);
    journal.commit(engine.time);
    let place = journal.index().head();
    journal.index().set_place(&sink, place);
    let record = Position { seq: 5, ..place };
    journal.record(&HostRecord::DeadLetter { sink: sink.clone(), record, why: "no".to_owned() }, engine.time);
    for _ in 0..6000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    let words = read_from(&journal, Position::START).hosts();
    let again = words.iter().any(|word| match word {
        HostRecord::Dropped { from, to, .. } => from.seq == 4 && *to >= record,
        _ => false,
    });
    assert!(again, "{words:?}");
}

/// A journal at its limit, which a sink has not read, opened again; the sink does not run yet.
fn opened_again_before_its_sink(when_full: WhenFull) -> (Journal<Disk>, u64) {
    let (disk, options) = (disk(), Options { when_full, ..small() });
    let (mut journal, _) = open(&disk, options.clone()).unwrap();
    let mut cursor = CursorFile::open(&disk, &"home".parse().unwrap()).unwrap();
    cursor.set(Position::start_of(journal.boot()));
    cursor.save(Instant::ZERO).unwrap();
    let mut engine = Engine::default();
    while journal.status().segments < 7 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    drop(journal);
    let (mut journal, _) = open(&disk, options).unwrap();
    let mut engine = Engine::default();
    for _ in 0..3_000 {
        engine.edges(&mut journal, 3);
        journal.commit(engine.time);
    }
    let first = read_from(&journal, Position::START).seqs()[0];
    (journal, first)
}

#[test]
fn what_goes_before_a_sink_runs_again_is_told_to_it() {
    let (journal, first) = opened_again_before_its_sink(WhenFull::DropOldest);
    assert!(first > 1, "nothing went");
    assert!(journal.status().counts.dropped > 0, "and nobody was told");
}

#[test]
fn nothing_goes_that_a_sink_needs_which_does_not_run_yet() {
    let (journal, first) = opened_again_before_its_sink(WhenFull::Keep);
    assert_eq!((first, journal.status().counts.dropped), (1, 0));
    assert_eq!(journal.status().degraded.map(|d| d.why), Some(GapWhy::Full));
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
fn what_is_old_goes_by_the_clock_of_the_records() {
    let unix = 1_795_000_000_000_000;
    let (age, hour) = (Some(Duration::from_secs(60)), Duration::from_secs(3600));
    let options = Options { age, ..small() };
    let clock = |unix, trusted| Record::Input(Input::Clock { unix, offset: 0, trusted });
    for trusted in [true, false] {
        let (_disk, mut journal, mut engine) = begin(options.clone());
        engine.log(&mut journal, &[clock(unix, trusted)], false);
        engine.fill(&mut journal, 1500);
        let before = journal.status().segments;
        assert!(before > 3);
        engine.time = engine.time.plus(hour);
        engine.log(&mut journal, &[clock(unix + hour.micros() as i64, trusted)], false);
        journal.commit(engine.time);
        let gone = before - journal.status().segments;
        assert_eq!(gone, usize::from(trusted), "trusted {trusted}");
    }
}

const DAY: Duration = Duration::from_secs(86_400);

/// What is older than a day goes.
fn of_a_day() -> Options {
    Options { age: Some(DAY), size: 400 * 1024, ..Options::default() }
}

#[test]
fn age_counts_only_by_a_trusted_clock_and_one_segment_an_hour() {
    let (_disk, mut journal, mut engine) = begin(of_a_day());
    let unix = 1_795_000_000_000_000;
    journal.set_clock(engine.time, Some(unix));
    engine.fill(&mut journal, 20_000);
    let segments = journal.status().segments;
    assert!(segments > 3);
    let later = engine.time.plus(DAY).plus(DAY);
    journal.set_clock(later, None);
    journal.commit(later);
    assert_eq!(journal.status().segments, segments, "a clock that nobody trusts deletes nothing");
    journal.set_clock(later, Some(unix + 2 * DAY.micros() as i64));
    journal.commit(later);
    journal.commit(later.plus(Duration::from_secs(3599)));
    assert_eq!(journal.status().segments, segments - 1);
    assert_eq!(journal.due(), Some(later.plus(Duration::from_secs(3600))), "asleep until then");
    journal.tick(later.plus(Duration::from_secs(3600)));
    assert_eq!(journal.status().segments, segments - 2);
}

#[test]
fn a_segment_begun_under_a_clock_that_was_ahead_holds_up_no_age() {
    let (_disk, mut journal, mut engine) = begin(of_a_day());
    let unix = 1_795_000_000_000_000;
    let year = 365 * DAY.micros() as i64;
    engine.fill(&mut journal, 1);
    let fill_to = |journal: &mut Journal<Disk>, engine: &mut Engine, segments: usize| {
        while journal.status().segments < segments {
            engine.fill(journal, 1);
        }
    };
    let first = journal.status().segments;
    journal.set_clock(engine.time, Some(unix + year));
    fill_to(&mut journal, &mut engine, first + 1);
    journal.set_clock(engine.time, Some(unix));
    fill_to(&mut journal, &mut engine, first + 3);
    let later = engine.time.plus(DAY).plus(DAY);
    let back = unix + 2 * DAY.micros() as i64;
    journal.set_clock(later, Some(back - year));
    journal.commit(later);
    assert_eq!(journal.status().segments, first + 3, "by a clock that is behind nothing is old");
    let hour = Duration::from_secs(3600);
    journal.set_clock(later.plus(hour), Some(back));
    journal.commit(later.plus(hour));
    assert_eq!(journal.status().segments, first + 2, "the first is two days old, whatever stands behind it");
}
