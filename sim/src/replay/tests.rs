//! Journals of the simulator, replayed as they are and damaged in every way that a file can be.

use std::collections::BTreeMap;
use std::sync::Arc;

use campanile_core::decision::Decision;
use campanile_core::id::Level::{Off, On};
use campanile_core::input::Input;
use campanile_core::record::{MAX_RECORD, Record};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::{
    Archive, Batch, Body, HostRecord, Journal, Next, Options as JournalOptions, Position, Storage as _,
};

use super::*;
use crate::bounce::Model;
use crate::script::{Action, Bounce};
use crate::testing::{doorbell, input, journal, louder, script};
use crate::world::{House, Options, play_and_keep};

fn replayed(disk: &Arc<Disk>, range: &Range) -> Report {
    let archive = Archive::open(disk).expect("a journal");
    replay(&archive.index, range, |_, _| ()).expect("the disk reads")
}

#[test]
fn an_eventful_life_replays_to_itself() {
    for seed in 1..=3 {
        let report = replayed(&journal(seed), &Range::default());
        assert!(report.is_same(), "seed {seed}: {:#?}", report.pieces);
        assert!(report.records > 2_000 && report.checkpoints >= 3 && report.stretches >= 7, "{report:?}");
        let starts = report.pieces.iter().filter(|piece| piece.outcome == Outcome::Same).count();
        assert_eq!(starts, 4, "a piece for each start: {:#?}", report.pieces);
    }
}

/// The journal once more, on another disk, with its records as `edit` gives them.
fn edited(disk: &Arc<Disk>, mut edit: impl FnMut(Position, Record) -> Record) -> Arc<Disk> {
    rewritten(disk, |at, record| Some(edit(at, record)))
}

/// The journal once more, but that it never had the records for which there is none.
fn rewritten(disk: &Arc<Disk>, mut edit: impl FnMut(Position, Record) -> Option<Record>) -> Arc<Disk> {
    let archive = Archive::open(disk).expect("a journal");
    let node = archive.node.clone().expect("somebody's");
    let copy = Arc::new(Disk::new(0));
    let mut reader = archive.index.reader(Position::START);
    let mut journal: Option<Journal<Disk>> = None;
    while let Next::Item(item) = reader.next().expect("the disk reads") {
        if let Body::Host(Some(HostRecord::Started { .. })) = &item.body {
            let (random, options) = (item.at.boot.random(), JournalOptions::default());
            journal = Some(Journal::open(&copy, &node, options, random, item.time).expect("a journal").0);
        }
        let journal = journal.as_mut().expect("a start comes first");
        if let Some(program) = archive.index.program(item.program).expect("whole programs") {
            journal.keep_program(item.program, &program).expect("the disk takes it");
        }
        match &item.body {
            Body::Host(_) => {}
            Body::Checkpoint(items) => journal.checkpoint(items, item.time).expect("whole records"),
            Body::Engine(frame) => {
                let mut bytes = [0; MAX_RECORD];
                let Some(record) = edit(item.at, frame.record().expect("a known record")) else { continue };
                let len = record.encode(frame.dt, &mut bytes).expect("a record fits");
                let base = item.time.minus(frame.dt);
                let batch = Batch { first_seq: item.at.seq, base, bytes: &bytes[..len], count: 1 };
                journal.append(&batch, false, item.time).expect("whole records");
            }
        }
        journal.commit(item.time);
    }
    copy
}

#[test]
fn one_record_that_is_another_is_found_and_the_rest_is_the_same() {
    let disk = journal(1);
    let mut lets = Vec::new();
    edited(&disk, |at, record| {
        if let Record::Decision(Decision::Let { .. }) = record {
            lets.push(at);
        }
        record
    });
    assert!(lets.len() > 5, "{lets:?}");
    for &victim in lets.iter().step_by(7) {
        let copy = edited(&disk, |at, record| match record {
            Record::Decision(Decision::Let { var, value }) if at == victim => {
                Record::Decision(Decision::Let { var, value: value + 1 })
            }
            other => other,
        });
        let report = replayed(&copy, &Range::default());
        let (_, at, divergence) = report.divergences().next().expect("a difference");
        assert_eq!((at.at.boot.counter(), at.at.seq), (victim.boot.counter(), victim.seq));
        let Difference::Record { expected: Some((_, expected)), found: Some((_, found)) } = &divergence.what
        else {
            panic!("{divergence:?}")
        };
        let value = |record: &Record| match record {
            Record::Decision(Decision::Let { value, .. }) => *value,
            other => panic!("{other:?}"),
        };
        assert_eq!(value(expected), value(found) + 1);
        assert_eq!(report.divergences().count(), 1, "the other stretches are the same: {:#?}", report.pieces);
        assert!(!report.is_same());
    }
}

fn with(disk: &Arc<Disk>, house: &House, range: &Range) -> Comparison {
    let archive = Archive::open(disk).expect("a journal");
    what_if(&archive.index, range, house, None, |_, _| ()).expect("the program runs")
}

/// Visits only, with a restart between them.
fn visits() -> Arc<Disk> {
    let mut steps = Vec::new();
    for visit in 0..20 {
        steps.push((500 + visit * 3_000, input("button", On, Bounce::Drawn(Model::Switch))));
        steps.push((650 + visit * 3_000, input("button", Off, Bounce::Drawn(Model::Switch))));
    }
    steps.push((29_900, Action::Kill { off: Duration::from_secs(2) }));
    steps.sort_by_key(|(at, _)| *at);
    let played = play_and_keep(&script(1, 63_000, steps), &doorbell(), &BTreeMap::new(), &Options::default());
    played.expect("the script plays").1
}

#[test]
fn the_same_program_would_have_done_the_same() {
    let comparison = with(&visits(), &doorbell(), &Range::default());
    assert_eq!((comparison.differing, comparison.unknown), (0, 0), "{:#?}", comparison.moments);
    assert!(comparison.rows.iter().all(|row| row.journal == row.other), "{:#?}", comparison.rows);
    let runs = comparison.rows.iter().find(|row| row.count == Count::Runs && row.name == "ring");
    assert_eq!(runs.expect("the doorbell rang").journal, 19, "one visit found nobody at home");
}

#[test]
fn what_goes_on_by_itself_is_compared_however_long_no_input_comes() {
    let press = |at_ms| (at_ms, input("button", On, Bounce::None));
    let steps = vec![press(500), (700, input("button", Off, Bounce::None)), press(1_200_100)];
    let script = script(1, 1_201_000, steps);
    let played = play_and_keep(&script, &doorbell(), &BTreeMap::new(), &Options::default());
    let comparison = with(&played.expect("the script plays").1, &doorbell(), &Range::default());
    assert_eq!(comparison.differing, 0, "{:#?}", comparison.moments);
    assert!(comparison.rows.iter().all(|row| row.journal == row.other), "{:#?}", comparison.rows);
    let dark = comparison.rows.iter().find(|row| row.count == Count::Runs && row.name == "dark");
    assert!(dark.expect("it runs by itself").journal >= 4 * 1_200, "{:#?}", comparison.rows);
    assert!(comparison.is_whole(), "{:#?}", comparison.passed);
}

#[test]
fn another_program_is_shown_with_its_differences() {
    let louder = House { image: louder(), ..doorbell() };
    let comparison = with(&visits(), &louder, &Range::default());
    let row = |count, name: &str| {
        let row = comparison.rows.iter().find(|row| row.count == count && row.name == name);
        row.map(|row| (row.journal, row.other)).expect("it is counted")
    };
    assert_eq!(row(Count::Runs, "ring"), (19, 19));
    assert_eq!(row(Count::SwitchedOn, "chime"), (19, 19));
    assert_eq!(row(Count::OnFor, "chime"), (19 * 800_000, 19 * 2_000_000));
    assert_eq!(comparison.differing, 2 * 19, "each chime ends at another time");
    let first = &comparison.moments[0];
    assert_eq!((first.journal.len(), first.other.len()), (2, 0), "{first:?}");
    assert!(first.journal[0].starts_with("chime off"), "{first:?}");
    let half = Range { from: Some(Bound::Engine(Instant::from_micros(31_000_000))), until: None };
    assert_eq!(with(&visits(), &louder, &half).differing, 2 * 9);
}

#[test]
fn inputs_are_found_by_their_names() {
    let mut strange = doorbell();
    strange.symbols.inputs[0].name = "other-button".into();
    let comparison = with(&visits(), &strange, &Range::default());
    assert!(comparison.unknown > 100, "{comparison:?}");
    assert!(comparison.rows.iter().all(|row| row.name != "ring" || row.other == 0), "{:#?}", comparison.rows);
}

/// What a report says of the pieces that were not the same.
fn whys(report: &Report) -> Vec<Why> {
    passed(&report.pieces)
}

fn passed(pieces: &[Piece]) -> Vec<Why> {
    let passed = pieces.iter().filter_map(|piece| match &piece.outcome {
        Outcome::Passed(why) => Some(why.clone()),
        Outcome::Same | Outcome::Diverged { .. } => None,
    });
    passed.collect()
}

fn files(disk: &Disk, suffix: &str) -> Vec<String> {
    let mut names = disk.list().expect("the disk lists");
    names.retain(|name| name.contains(suffix));
    names.sort();
    names
}

#[test]
fn another_revision_is_named_and_the_starts_of_this_one_are_replayed() {
    let copy = edited(&journal(1), |at, record| match record {
        Record::Input(Input::Boot { boot, core_rev, hash, off }) if at.boot.counter() == 2 => {
            Record::Input(Input::Boot { boot, core_rev: core_rev + 1, hash, off })
        }
        other => other,
    });
    let report = replayed(&copy, &Range::default());
    let rev = Why::CoreRev(campanile_core::record::CORE_REV + 1);
    assert_eq!(whys(&report), std::slice::from_ref(&rev));
    let comparison = with(&copy, &doorbell(), &Range::default());
    assert_eq!(passed(&comparison.passed), [rev], "its decisions are compared with nobody's");
    assert_eq!(comparison.passed[0].first.at.boot.counter(), 2);
    assert!(!comparison.is_whole() && comparison.last.at.boot.counter() == 4, "{comparison:?}");
    assert!(!report.is_same() && report.divergences().count() == 0);
    let same: Vec<u32> = report
        .pieces
        .iter()
        .filter(|piece| piece.outcome == Outcome::Same)
        .map(|piece| piece.first.at.boot.counter())
        .collect();
    assert_eq!(same, [1, 3, 4]);
}

#[test]
fn a_program_that_was_not_copied_is_named_and_the_others_stretches_are_replayed() {
    let disk = journal(1);
    let whole = replayed(&disk, &Range::default());
    for program in files(&disk, "program-") {
        let hash = u64::from_str_radix(&program[8..24], 16).expect("a hash");
        disk.tamper(&program, |bytes| bytes[20] ^= 1).expect("it is there");
        let report = replayed(&disk, &Range::default());
        let is_bad = |why: &Why| matches!(why, Why::BadProgram(bad, _) if *bad == hash);
        assert!(whys(&report).iter().all(is_bad) && !report.is_same(), "{report:?}");
        disk.tamper(&program, |bytes| bytes[20] ^= 1).expect("it is there");
        let aside = format!("aside-{program}");
        disk.rename(&program, &aside).expect("it is there");
        let report = replayed(&disk, &Range::default());
        let whys = whys(&report);
        assert!(!whys.is_empty() && whys.iter().all(|why| *why == Why::NoProgram(hash)), "{whys:?}");
        assert!(report.records > 100 && report.records < whole.records, "{}", report.records);
        let comparison = with(&disk, &doorbell(), &Range::default());
        let not_compared = passed(&comparison.passed);
        assert!(not_compared.contains(&Why::NoProgram(hash)) && !comparison.is_whole(), "{not_compared:?}");
        disk.rename(&aside, &program).expect("it is there");
    }
}

#[test]
fn what_is_missing_is_said_from_its_first_record_to_its_last() {
    let disk = visits();
    let copy = rewritten(&disk, |at, record| {
        let is_lost = at.boot.counter() == 1 && (100..=140).contains(&at.seq);
        (!is_lost).then_some(record)
    });
    let gap = Why::Gap(41, campanile_delivery::GapWhy::Overrun);
    let report = replayed(&copy, &Range::default());
    let comparison = with(&copy, &doorbell(), &Range::default());
    assert_eq!(comparison.differing, 0, "{:#?}", comparison.moments);
    assert!(!report.is_same() && !comparison.is_whole());
    for pieces in [&report.pieces, &comparison.passed] {
        let is_gap = |piece: &&Piece| piece.outcome == Outcome::Passed(gap.clone());
        let gaps: Vec<_> = pieces.iter().filter(is_gap).collect();
        let [gap] = gaps.as_slice() else { panic!("{pieces:#?}") };
        assert_eq!((gap.first.at.seq, gap.last.at.seq), (100, 140), "{gap:#?}");
        assert!(gap.first.time < gap.last.time, "it took some time: {gap:#?}");
    }
    assert_eq!(report.pieces[0].last.at.seq, 99);
    // What is missing before a range is not missing in it.
    let second = Range { from: Some(Bound::Record { start: 2, seq: 0 }), until: None };
    let (report, comparison) = (replayed(&copy, &second), with(&copy, &doorbell(), &second));
    assert!(report.is_same() && report.records > 0, "{:#?}", report.pieces);
    assert!(comparison.is_whole() && comparison.inputs > 0, "{comparison:#?}");
}

#[test]
fn a_comparison_says_what_cannot_be_read() {
    let disk = visits();
    let segment = files(&disk, ".segment").remove(0);
    let whole = with(&disk, &doorbell(), &Range::default());
    disk.tamper(&segment, |bytes| {
        let used = bytes.iter().rposition(|byte| *byte != 0).expect("it is written");
        bytes[used / 3] ^= 1;
    })
    .unwrap();
    let comparison = with(&disk, &doorbell(), &Range::default());
    let [Why::Missing(Some(count)), ..] = passed(&comparison.passed)[..] else {
        panic!("{:#?}", comparison.passed)
    };
    let missing = &comparison.passed[0];
    assert_eq!(missing.last.at.seq - missing.first.at.seq + 1, count, "{missing:#?}");
    assert!(missing.first.time < missing.last.time, "{missing:#?}");
    assert!(comparison.inputs < whole.inputs && comparison.differing == 0, "{comparison:#?}");
    assert!(!comparison.is_whole() && whole.is_whole());
}

/// Whatever is done to the bytes: nothing is found different, nothing panics, and what is missing is said.
#[test]
fn a_damaged_journal_is_replayed_as_far_as_it_goes() {
    let mut random = crate::prng::Prng::new(7);
    let disk = journal(2);
    let whole = replayed(&disk, &Range::default());
    let segment = files(&disk, ".segment").remove(0);
    let mut original = Vec::new();
    disk.tamper(&segment, |bytes| original.clone_from(bytes)).unwrap();
    let used = original.iter().rposition(|byte| *byte != 0).expect("it is written");
    let mut cut_short = 0;
    for round in 0..30 {
        disk.tamper(&segment, |bytes| bytes.clone_from(&original)).unwrap();
        // Its header too, from the first byte on.
        let at = if round < 9 { 15 * round } else { random.below(used as u64) as usize };
        disk.tamper(&segment, |bytes| match round % 3 {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at..].fill(0),
            _ => bytes.truncate(at),
        })
        .unwrap();
        let archive = Archive::open(&disk).expect("the disk reads");
        let report = replay(&archive.index, &Range::default(), |_, _| ()).expect("the disk reads");
        assert_eq!(report.divergences().count(), 0, "round {round}, byte {at}: {:#?}", report.pieces);
        // Zeros may be the end of a journal; whatever else was done is noticed.
        let damaged = !archive.damaged.is_empty() || !archive.headers.is_empty() || archive.lost > 0;
        let said = !report.is_same() || archive.torn.is_some() || damaged;
        // Without the header, every record is found by the groups.
        let is_header = round % 3 == 0 && at < 128;
        assert!(!is_header || report.records == whole.records, "byte {at}: {:#?}", report.pieces);
        assert!(said || round % 3 == 1 || report.records == whole.records, "round {round}, byte {at}");
        assert!(report.records <= whole.records);
        cut_short += u32::from(report.records < whole.records);
    }
    assert!(cut_short > 15, "{cut_short} of 30");
}

#[test]
fn a_range_begins_at_the_checkpoint_before_and_ends_where_it_says() {
    let disk = journal(1);
    let whole = replayed(&disk, &Range::default());
    let third = whole.pieces.iter().find(|piece| piece.first.at.boot.counter() == 3).expect("a third start");
    let middle = (third.first.at.seq + third.last.at.seq) / 2;
    let range = Range {
        from: Some(Bound::Record { start: 3, seq: middle }),
        until: Some(Bound::Record { start: 3, seq: middle + 100 }),
    };
    let report = replayed(&disk, &range);
    assert!(report.is_same(), "{:#?}", report.pieces);
    let [piece] = report.pieces.as_slice() else { panic!("{:#?}", report.pieces) };
    assert!(piece.first.at.seq > 1, "from a checkpoint on: {piece:#?}");
    assert!(piece.first.at.seq <= middle && piece.last.at.seq == middle + 100, "{piece:#?}");
    let nothing = Range { from: Some(Bound::Record { start: 9, seq: 0 }), until: None };
    assert!(replayed(&disk, &nothing).pieces.is_empty());
}

#[test]
fn a_difference_is_told_in_words() {
    let disk = edited(&journal(1), |_, record| match record {
        Record::Decision(Decision::Let { var, value: 3 }) => {
            Record::Decision(Decision::Let { var, value: 4 })
        }
        other => other,
    });
    let archive = Archive::open(&disk).expect("a journal");
    let report = replay(&archive.index, &Range::default(), |_, _| ()).expect("the disk reads");
    let Some(Outcome::Diverged { stretch, at, divergence }) = report
        .pieces
        .iter()
        .map(|piece| &piece.outcome)
        .find(|outcome| matches!(outcome, Outcome::Diverged { .. }))
    else {
        panic!("{:#?}", report.pieces)
    };
    let words = Words::of(&archive.index, *stretch, at, divergence).expect("the disk reads");
    assert!(words.expected.ends_with("rings = 4") && words.found.ends_with("rings = 3"), "{words}");
    assert_eq!(words.before.len(), 4, "{words}");
    assert!(words.before[3].contains("ring restarted"), "{words}");
}
