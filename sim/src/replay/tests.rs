//! Journals of the simulator, replayed as they are, in parts, and with another record in them.

mod lacking;

use std::collections::BTreeMap;
use std::sync::Arc;

use campanile_core::decision::Decision;
use campanile_core::id::Level::{Off, On};
use campanile_core::input::Input;
use campanile_core::record::{Frame, MAX_RECORD, Record};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::{
    Archive, Batch, Body, Boot, HostRecord, Journal, Next, Options as JournalOptions, Position,
};

use super::*;
use crate::bounce::Model;
use crate::script::{Action, Bounce};
use crate::testing::{counting_by, doorbell, input, journal, louder, rewired, script};
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
fn rewritten(disk: &Arc<Disk>, edit: impl FnMut(Position, Record) -> Option<Record>) -> Arc<Disk> {
    copied(disk, &JournalOptions::default(), edit)
}

fn copied(
    disk: &Arc<Disk>,
    options: &JournalOptions,
    mut edit: impl FnMut(Position, Record) -> Option<Record>,
) -> Arc<Disk> {
    recoded(disk, options, |at, frame| {
        let record = edit(at, frame.record().expect("a known record"))?;
        let mut bytes = [0; MAX_RECORD];
        let len = record.encode(frame.dt, &mut bytes).expect("a record fits");
        Some(bytes[..len].to_vec())
    })
}

/// The same with the bytes of records, which need not be any that this build knows.
fn recoded(
    disk: &Arc<Disk>,
    options: &JournalOptions,
    mut edit: impl FnMut(Position, &Frame<'_>) -> Option<Vec<u8>>,
) -> Arc<Disk> {
    let archive = Archive::open(disk).expect("a journal");
    let node = archive.node.clone().expect("somebody's");
    let copy = Arc::new(Disk::new(0));
    let mut reader = archive.index.reader(Position::START);
    let mut journal: Option<Journal<Disk>> = None;
    while let Next::Item(item) = reader.next().expect("the disk reads") {
        if let Body::Host(Some(HostRecord::Started { .. })) = &item.body {
            let (random, options) = (item.at.boot.random(), options.clone());
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
                let Some(bytes) = edit(item.at, frame) else { continue };
                let base = item.time.minus(frame.dt);
                let batch = Batch { first_seq: item.at.seq, base, bytes: &bytes, count: 1 };
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
    what_if(&archive.index, range, house, None, usize::MAX, |_, _| ()).expect("the program runs")
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

/// Between the edges of a press, and while it rings.
#[test]
fn the_same_program_goes_on_with_what_is_under_way() {
    for from in [12_501, 12_550, 12_651, 13_000] {
        let from = Some(Bound::Engine(Instant::from_micros(from * 1_000)));
        let comparison = with(&visits(), &doorbell(), &Range { from, until: None });
        assert_eq!((comparison.differing, comparison.unknown), (0, 0), "{from:?}: {:#?}", comparison.moments);
    }
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
    assert_eq!(row(Count::Value, "rings"), (19, 19));
    assert_eq!(row(Count::Level, "chime"), (0, 0));
    assert_eq!(comparison.differing, 2 * 19, "each chime ends at another time");
    assert_eq!(comparison.moments.len(), 2 * 19, "all that were asked for");
    let archive = Archive::open(&visits()).expect("a journal");
    let few = what_if(&archive.index, &Range::default(), &louder, None, 3, |_, _| ()).expect("it runs");
    assert_eq!((few.differing, &few.moments[..]), (2 * 19, &comparison.moments[..3]));
    let first = &comparison.moments[0];
    assert_eq!((first.journal.len(), first.other.len()), (2, 0), "{first:?}");
    assert!(first.journal[0].starts_with("chime off"), "{first:?}");
    let half = Range { from: Some(Bound::Engine(Instant::from_micros(31_000_000))), until: None };
    assert_eq!(with(&visits(), &louder, &half).differing, 2 * 9);
}

/// Written as often, with other values, over a restart too; and what stands otherwise when the range ends.
#[test]
fn what_variables_and_outputs_are_at_the_end_is_compared() {
    let ends = |image, until| {
        let until = Some(Bound::Engine(Instant::from_micros(until)));
        let comparison = with(&visits(), &House { image, ..doorbell() }, &Range { from: None, until });
        let of = |count, name: &str| {
            let row = comparison.rows.iter().find(|row| row.count == count && row.name == name);
            row.map(|row| (row.journal, row.other)).expect("it is counted")
        };
        let (rings, chime) = ("rings", "chime");
        (of(Count::Writes, rings), of(Count::Value, rings), of(Count::Level, chime))
    };
    assert_eq!(ends(counting_by(2), 29_000_000), ((10, 10), (10, 20), (0, 0)));
    assert_eq!(ends(counting_by(2), 63_000_000), ((19, 19), (19, 38), (0, 0)));
    assert_eq!(ends(counting_by(-1), 29_000_000), ((10, 10), (10, -10), (0, 0)));
    // A second behind the last press: one has fallen silent.
    assert_eq!(ends(louder(), 28_700_000), ((10, 10), (10, 10), (0, 1)));
}

/// Its lines are others, and read as those did that had their names.
#[test]
fn a_house_that_is_wired_in_another_way_knows_what_its_inputs_are() {
    let rewired = House { image: rewired(), ..doorbell() };
    for from in [0, 8_000, 12_800, 31_000] {
        let from = Some(Bound::Engine(Instant::from_micros(from * 1_000)));
        let comparison = with(&visits(), &rewired, &Range { from, until: None });
        assert_eq!((comparison.differing, comparison.unknown), (0, 0), "{from:?}: {:#?}", comparison.moments);
        assert!(comparison.rows.iter().all(|row| row.journal == row.other), "{:#?}", comparison.rows);
    }
}

#[test]
fn inputs_are_found_by_their_names() {
    let mut strange = doorbell();
    strange.symbols.inputs[0].name = "other-button".into();
    let comparison = with(&visits(), &strange, &Range::default());
    assert!(comparison.unknown > 100, "{comparison:?}");
    assert!(comparison.rows.iter().all(|row| row.name != "ring" || row.other == 0), "{:#?}", comparison.rows);
}

#[test]
fn what_was_read_for_a_range_meets_what_lies_in_it() {
    let disk = visits();
    let end = Archive::open(&disk).expect("a journal").end.expect("its end");
    let place =
        |start, seq| Position { boot: if start == 1 { Boot::new(1, 0) } else { end.boot }, seq, host: 1 };
    let bound = |start, seq| Some(Bound::Record { start, seq });
    let whole = Range::default();
    let first = Range { until: bound(1, 150), ..whole };
    let last = Range { from: bound(2, 50), ..whole };
    let none = Range { from: bound(9, 0), ..whole };
    for (range, meets) in [
        (whole, [true, true, true]),
        (first, [true, false, false]),
        (last, [false, true, true]),
        (none, [false, false, true]),
    ] {
        for extent in [replayed(&disk, &range).extent, with(&disk, &doorbell(), &range).extent] {
            let found = [
                extent.meets(place(1, 100), place(1, 110)),
                extent.meets(place(2, 100), place(2, 110)),
                extent.meets(end, end),
            ];
            assert_eq!((found, extent.has_the_end()), (meets, meets[2]), "{range:?}: {extent:?}");
        }
    }
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

/// Where the first difference is, and what is said of it.
fn told(disk: &Arc<Disk>) -> (Position, Words) {
    let archive = Archive::open(disk).expect("a journal");
    let report = replay(&archive.index, &Range::default(), |_, _| ()).expect("the disk reads");
    let mut outcomes = report.pieces.iter().map(|piece| &piece.outcome);
    let Some(Outcome::Diverged { stretch, at, divergence }) =
        outcomes.find(|outcome| matches!(outcome, Outcome::Diverged { .. }))
    else {
        panic!("{:#?}", report.pieces)
    };
    (at.at, Words::of(&archive.index, *stretch, at, divergence).expect("the disk reads"))
}

#[test]
fn a_difference_is_told_in_words() {
    let (_, words) = told(&edited(&journal(1), |_, record| match record {
        Record::Decision(Decision::Let { var, value: 3 }) => {
            Record::Decision(Decision::Let { var, value: 4 })
        }
        other => other,
    }));
    assert!(words.expected.ends_with("rings = 4") && words.found.ends_with("rings = 3"), "{words}");
    assert_eq!(words.before.len(), 4, "{words}");
    assert!(words.before[3].contains("ring restarted"), "{words}");
}

#[test]
fn a_record_that_cannot_be_read_is_told_with_what_the_replay_has_in_its_place() {
    let disk = journal(1);
    let (mut first_let, mut late_edge, mut is_behind_decision) = (None, None, false);
    edited(&disk, |at, record| {
        match record {
            Record::Decision(Decision::Let { .. }) => _ = first_let.get_or_insert(at),
            // What was due before it is expected and not compared when it comes.
            Record::Input(Input::Edge { .. }) if is_behind_decision => _ = late_edge.get_or_insert(at),
            _ => {}
        }
        is_behind_decision = matches!(record, Record::Decision(_));
        record
    });
    let (first_let, late_edge) = (first_let.expect("it rang"), late_edge.expect("it bounced"));
    let told = |victim: Position, change: &dyn Fn(&Frame<'_>) -> Vec<u8>| {
        let (at, words) = told(&recoded(&disk, &JournalOptions::default(), |at, frame| {
            Some(if at == victim { change(frame) } else { frame.bytes.to_vec() })
        }));
        assert_eq!((at.boot.counter(), at.seq), (victim.boot.counter(), victim.seq), "{words}");
        words
    };
    let of_kind = |kind: u8| move |frame: &Frame<'_>| [&[kind], &frame.bytes[1..]].concat();
    let (unknown, unfit) = (told(first_let, &of_kind(90)), told(first_let, &of_kind(64)));
    assert!(unknown.expected.contains("kind 90, which this campanile does not know"), "{unknown}");
    assert!(unfit.expected.contains("kind 64, whose content is not what this kind has: 40 "), "{unfit}");
    for words in [&unknown, &unfit] {
        assert!(words.found.ends_with("rings = 1"), "{words}");
        assert_eq!(words.expected.split("  ").next(), words.found.split("  ").next(), "its time: {words}");
    }
    let input = told(late_edge, &|frame| {
        let dt = &frame.bytes[1..];
        [&[40, dt.len() as u8], dt].concat()
    });
    assert!(input.expected.contains("kind 40, which"), "{input}");
    assert_eq!(input.found, "(an input that cannot be read cannot be fed)");
}
