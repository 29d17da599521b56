//! Journals of the simulator, replayed as they are and damaged in every way that a file can be.

use std::collections::BTreeMap;
use std::sync::Arc;

use campanile_core::decision::Decision;
use campanile_core::id::Level::{Off, On};
use campanile_core::record::{MAX_RECORD, Record};
use campanile_core::time::Duration;
use campanile_delivery::disk::Disk;
use campanile_delivery::{
    Archive, Batch, Body, HostRecord, Journal, Next, Options as JournalOptions, Position,
};

use super::*;
use crate::bounce::Model;
use crate::script::{Action, Bounce, Command, Script};
use crate::testing::{doorbell, input, louder, script};
use crate::world::{House, Options, play_and_keep};

const SWITCH: Bounce = Bounce::Drawn(Model::Switch);

/// Visits, a restart, a kill, a stall, a storm, a swap, a lost edge, broken hardware: whatever can happen to a house.
fn eventful(seed: u64) -> Script {
    let mut steps = Vec::new();
    for visit in 0..30 {
        steps.push((100 + visit * 700, input("button", On, SWITCH)));
        steps.push((250 + visit * 700, input("button", Off, SWITCH)));
        steps.push((300 + visit * 700, input("door", On, Bounce::Drawn(Model::Reed))));
        steps.push((600 + visit * 700, input("door", Off, Bounce::Drawn(Model::Wet))));
    }
    let storm = |every_us, edges| Action::Storm {
        input: "button".into(),
        edges,
        every: Duration::from_micros(every_us),
    };
    steps.extend([
        (1_000, Action::Clock { unix: 1_795_000_000_000_000, offset: 3600, trusted: true }),
        (2_000, storm(100, 2_000)),
        (3_100, Action::Stall { span: Duration::from_millis(900) }),
        (4_200, Action::Kill { off: Duration::from_millis(300) }),
        (6_000, Action::Swap { house: "louder".into() }),
        (7_050, Action::Restart { off: Duration::from_secs(1), known: true }),
        (9_000, Action::Lose { input: "door".into(), edges: 3, to: On }),
        (9_500, Action::Hardware { output: "chime".into(), works: false }),
        (10_500, Action::Hardware { output: "chime".into(), works: true }),
        (11_000, Action::Link { peer: "home".into(), up: true }),
        (12_000, Action::Swap { house: "doorbell".into() }),
        (12_100, storm(150, 20_000)),
        (15_400, Action::Restart { off: Duration::from_secs(2), known: false }),
        (
            19_000,
            Action::Command {
                command: Command::Press { input: "button".into(), span: None },
                id: None,
                late: Duration::ZERO,
            },
        ),
    ]);
    steps.sort_by_key(|(at, _)| *at);
    script(seed, 22_000, steps)
}

fn journal(seed: u64) -> Arc<Disk> {
    let louder = House { image: louder(), ..doorbell() };
    let others = BTreeMap::from([("louder".to_owned(), louder), ("doorbell".to_owned(), doorbell())]);
    let played = play_and_keep(&eventful(seed), &doorbell(), &others, &Options::default());
    played.expect("the script plays").1
}

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
