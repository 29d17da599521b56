//! Journals of the simulator, replayed as they are and damaged in every way that a file can be.

use std::collections::BTreeMap;
use std::sync::Arc;

use campanile_core::decision::Decision;
use campanile_core::id::Level::{Off, On};
use campanile_core::record::{MAX_RECORD, Record};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::{
    Archive, Batch, Body, HostRecord, Journal, Next, Options as JournalOptions, Position,
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
    for seed in 1..=5 {
        let report = replayed(&journal(seed), &Range::default());
        assert!(report.is_same(), "seed {seed}: {:#?}", report.pieces);
        assert!(report.records > 2_000 && report.checkpoints >= 3 && report.stretches >= 7, "{report:?}");
        let starts = report.pieces.iter().filter(|piece| piece.outcome == Outcome::Same).count();
        assert_eq!(starts, 4, "a piece for each start: {:#?}", report.pieces);
    }
}

/// The journal once more, on another disk, with its records as `edit` gives them.
fn edited(disk: &Arc<Disk>, mut edit: impl FnMut(Position, Record) -> Record) -> Arc<Disk> {
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
                let record = edit(item.at, frame.record().expect("a known record"));
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
