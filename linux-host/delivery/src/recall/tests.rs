use std::sync::Arc;

use super::*;
use crate::disk::{Disk, PowerCut};
use crate::journal::Journal;
use crate::testing::*;
use campanile_core::decision::EndWhy;
use campanile_core::record::CORE_REV;

const SECOND: Duration = Duration::from_secs(1);

fn decision(decision: Decision) -> Record {
    Record::Decision(decision)
}

fn run(run: u8, how: RunHow) -> Record {
    let cause = Cause::Trigger { trigger: TriggerId(2) };
    decision(Decision::Run {
        run: RunId(run),
        scenario: ScenarioId(4),
        cause,
        how,
        onset_ago: Duration::ZERO,
    })
}

fn wait(run: u8, left: Option<Duration>) -> Record {
    decision(Decision::Wait { run: RunId(run), pc: 9, left, rounds: Rounds([2, 0]) })
}

fn arm(trigger: u8, left: Option<Duration>) -> Record {
    decision(Decision::Arm { trigger: TriggerId(trigger), left })
}

fn clock(unix: i64, trusted: bool) -> Record {
    Record::Input(Input::Clock { unix, offset: 0, trusted })
}

fn boot(hash: u64) -> Record {
    Record::Input(Input::Boot { boot: 1, core_rev: CORE_REV, hash, off: None })
}

fn restore(item: Restore) -> Record {
    Record::Input(Input::Restore { item })
}

/// What is recalled of the records, 100 us apart, the first at 100 us.
fn recalled(records: &[Record]) -> Recall {
    let disk = Arc::new(Disk::new(1));
    let (mut journal, _) = open(&disk, small()).unwrap();
    Engine::default().log(&mut journal, records, false);
    journal.commit(ms(1));
    Recall::read(journal.index()).unwrap()
}

fn run_item(left: Option<Duration>, state: RunState, pc: u16, rounds: Rounds, onset_ago: u64) -> Restore {
    Restore::Run {
        run: RunId(1),
        scenario: ScenarioId(4),
        cause: Cause::Trigger { trigger: TriggerId(2) },
        state,
        pc,
        left,
        onset_ago: Duration::from_micros(onset_ago),
        rounds,
        timed_out: false,
        place: 0,
    }
}

#[test]
fn the_last_value_of_each_key() {
    let event = |on: bool| {
        decision(Decision::Event {
            source: Source::Input { input: InputId(3) },
            value: Some(i32::from(on)),
            onset_ago: Duration::ZERO,
            bounces: 0,
        })
    };
    let reply = |id, result| decision(Decision::Reply { origin: Origin::Local, id, result });
    let recall = recalled(&[
        boot(0xa),
        letting(1),
        event(true),
        letting(2),
        reply(7, ReplyResult::Done),
        event(false),
        reply(7, ReplyResult::Duplicate),
        reply(8, ReplyResult::Refused),
    ]);
    assert_eq!(recall.program, Some(0xa));
    let level = Level::Off;
    assert_eq!(
        recall.items,
        [
            Restore::Command { origin: Origin::Local, id: 7 },
            Restore::Command { origin: Origin::Local, id: 8 },
            Restore::Input { input: InputId(3), raw: level, reported: level },
            Restore::Var { var: VarId(1), value: 2 },
        ]
    );
}

/// As of a satellite that has not come back since: what was known of it before outlives the next start, too.
#[test]
fn a_level_that_nobody_has_read_since_the_start_outlives_a_checkpoint() {
    let watch = |input, flags| {
        let zero = Duration::ZERO;
        restore(Restore::Watch {
            input: InputId(input),
            flags,
            edges: 0,
            acc: 0,
            since_ago: zero,
            onset_ago: zero,
            lock_left: zero,
            due_left: None,
        })
    };
    let level = |input, level| Restore::Input { input: InputId(input), raw: level, reported: level };
    // Known before and on; known before and off; nothing known; read since.
    let recall =
        recalled(&[watch(1, 96), watch(2, 32), watch(3, 8), restore(level(4, Level::Off)), watch(4, 97)]);
    assert_eq!(recall.items, [level(1, Level::On), level(2, Level::Off), level(4, Level::Off)]);
}

#[test]
fn runs_keep_what_is_left_and_only_their_outputs() {
    let by = By::Run { run: RunId(1), scenario: ScenarioId(4) };
    let set = |output, by| decision(Decision::Set { output: OutputId(output), level: Level::On, by });
    let recall = recalled(&[
        run(0, RunHow::Started),
        run(1, RunHow::Started),
        set(1, by),
        set(2, By::Run { run: RunId(0), scenario: ScenarioId(4) }),
        set(3, By::Command { origin: Origin::Local }),
        wait(1, Some(SECOND)),
        decision(Decision::End { run: RunId(0), why: EndWhy::Done }),
        letting(1),
    ]);
    let mut run =
        run_item(Some(SECOND.minus(Duration::from_micros(200))), RunState::Waiting, 9, Rounds([2, 0]), 600);
    if let Restore::Run { place, .. } = &mut run {
        *place = 1;
    }
    let output = Restore::Output {
        output: OutputId(1),
        level: Level::On,
        by,
        max_left: None,
        failed: false,
        held: false,
    };
    assert_eq!(recall.items[1..], [run, output]);
}

#[test]
fn a_run_that_has_not_waited_begins_anew_and_one_without_an_end_waits_for_its_condition() {
    let only = |records: &[Record]| recalled(records).items[0];
    let zero = Rounds::default();
    assert_eq!(
        only(&[run(1, RunHow::Started)]),
        run_item(Some(Duration::ZERO), RunState::Queued, 0, zero, 0)
    );
    assert_eq!(only(&[run(1, RunHow::Queued)]), run_item(None, RunState::Queued, 0, zero, 0));
    let until = run_item(None, RunState::Until, 9, Rounds([2, 0]), 100);
    assert_eq!(only(&[run(1, RunHow::Started), wait(1, None)]), until);
}

#[test]
fn a_run_knows_what_its_last_wait_told_over_two_starts() {
    let told = decision(Decision::TimedOut { run: RunId(1), timed_out: true });
    let waits = [run(1, RunHow::Started), wait(1, None), told, wait(1, Some(SECOND))];
    let knows = |recall: &Recall| {
        let told = |item: &Restore| matches!(item, Restore::Run { timed_out: true, .. });
        recall.items.iter().any(told)
    };
    let first = recalled(&waits);
    assert!(knows(&first), "{:?}", first.items);
    assert!(!knows(&recalled(&waits[..2])));
    let anew = [&waits[..], &[run(1, RunHow::Restarted)]].concat();
    assert!(!knows(&recalled(&anew)), "another run in its slot knows nothing");
    let item = first.items[0];
    let second = recalled(&[boot(1), restore(item), run(1, RunHow::Resumed), wait(1, Some(SECOND))]);
    assert!(knows(&second), "{:?}", second.items);
}

#[test]
fn armed_triggers_keep_what_is_left_until_they_fire() {
    let us = Duration::from_micros;
    let recall = recalled(&[
        arm(1, Some(SECOND)),
        arm(2, Some(SECOND)),
        arm(3, Some(SECOND)),
        arm(5, Some(us(250))),
        arm(3, None),
        run(1, RunHow::Started),
        decision(Decision::End { run: RunId(1), why: EndWhy::Done }),
    ]);
    // 2 has fired as the run's cause, 5 ran out before the last record.
    let left = Some(SECOND.minus(us(600)));
    assert_eq!(recall.items, [Restore::Trigger { trigger: TriggerId(1), armed: false, left }]);
}

#[test]
fn a_checkpoint_begins_anew_unless_its_start_is_not_over() {
    let disk = Arc::new(Disk::new(1));
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
    engine.log(&mut journal, &[boot(0xa), letting(5), arm(1, Some(SECOND))], false);
    let head = |starting| Restore::Head {
        now: Instant::ZERO,
        logged_ago: Duration::ZERO,
        seq: 4,
        occurrences: 0,
        starting,
    };
    journal.checkpoint(&bytes_of(&[restore(head(true))]), engine.time).unwrap();
    let values = |journal: &mut Journal<Disk>| {
        journal.commit(ms(1));
        Recall::read(journal.index()).unwrap()
    };
    assert_eq!(values(&mut journal).items.len(), 2);
    let items = [restore(head(false)), restore(Restore::Var { var: VarId(9), value: 1 })];
    journal.checkpoint(&bytes_of(&items), engine.time).unwrap();
    engine.log(&mut journal, &[letting(6)], false);
    let recall = values(&mut journal);
    assert_eq!(recall.program, Some(0xa));
    let vars = [Restore::Var { var: VarId(1), value: 6 }, Restore::Var { var: VarId(9), value: 1 }];
    assert_eq!(recall.items, vars);
}

#[test]
fn a_start_that_is_cut_in_the_middle_loses_nothing() {
    let disk = Arc::new(Disk::new(1));
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine { seq: 0, time: ms(5000) };
    let unix = 1_795_000_000_000_000;
    let records = [boot(0xa), clock(unix, true), letting(5), run(1, RunHow::Started), wait(1, Some(SECOND))];
    engine.log(&mut journal, &records, false);
    journal.close(engine.time).unwrap();
    // The second start gets as far as its first item.
    let (mut journal, _) = open(&disk, small()).unwrap();
    let first = Recall::read(journal.index()).unwrap();
    assert_eq!(first.unix, Some(unix + 300));
    let mut engine = Engine { seq: 0, time: ms(10) };
    engine.log(&mut journal, &[boot(0xa), restore(first.items[0])], false);
    journal.close(engine.time).unwrap();
    let (journal, _) = open(&disk, small()).unwrap();
    let second = Recall::read(journal.index()).unwrap();
    assert_eq!(second.unix, None, "the clock of the second start was never set");
    assert_eq!(second.items.len(), first.items.len());
    assert_eq!(second.items.last(), first.items.last(), "when it stopped is still known: {:?}", second.items);
    let left = |recall: &Recall| match recall.items[1] {
        Restore::Run { left: Some(left), .. } => left,
        other => panic!("{other:?}"),
    };
    assert_eq!(left(&first), SECOND);
    assert_eq!(left(&second), SECOND.minus(Duration::from_micros(100)), "time off does not count");
}

#[test]
fn a_swap_without_its_checkpoint_did_not_happen() {
    let recall = recalled(&[boot(0xa), letting(5), Record::Input(Input::Install { hash: 0xb }), letting(6)]);
    assert_eq!(recall.program, Some(0xa));
    assert_eq!(recall.items, [Restore::Var { var: VarId(1), value: 5 }]);
}

#[test]
fn it_reads_back_to_a_checkpoint_and_no_further() {
    let disk = Arc::new(Disk::new(1));
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut engine = Engine::default();
    engine.log(&mut journal, &[boot(0xa), letting(1)], false);
    let item = |value| restore(Restore::Var { var: VarId(2), value });
    for n in 0..1200 {
        engine.edges(&mut journal, 3);
        if n == 600 {
            journal.checkpoint(&bytes_of(&[item(n)]), engine.time).unwrap();
        }
        journal.commit(engine.time);
    }
    assert!(journal.status().segments > 3);
    let recall = Recall::read(journal.index()).unwrap();
    assert_eq!(recall.items, [Restore::Var { var: VarId(2), value: 600 }]);
    assert_eq!(recall.program, Some(0xa));
}

#[test]
fn a_quiet_house_in_which_something_waits_leaves_signs_of_life() {
    let disk = Arc::new(Disk::new(1));
    let (mut journal, _) = open(&disk, small()).unwrap();
    let quiet = |journal: &mut Journal<Disk>, until: Instant| {
        let mut signs = 0;
        while let Some(due) = journal.due().filter(|&due| due <= until) {
            signs += 1;
            journal.tick(due);
        }
        signs
    };
    let minutes = |n: u64| ms(n * 60_000);
    let mut engine = Engine::default();
    engine.log(&mut journal, &[letting(1)], false);
    quiet(&mut journal, ms(1000));
    assert_eq!(quiet(&mut journal, minutes(5)), 0, "nothing waits");

    engine.time = minutes(5);
    let waiting = run(1, RunHow::Started);
    engine.log(&mut journal, &[waiting, wait(1, Some(Duration::from_secs(3590)))], false);
    quiet(&mut journal, minutes(5).plus(SECOND));
    let written = disk.written();
    assert_eq!(quiet(&mut journal, minutes(65)), 59, "one a minute");
    assert_eq!(disk.written() - written, 59 * 64);
    assert_eq!(quiet(&mut journal, minutes(300)), 0, "what waited is over");

    // The power goes in the middle of the next one.
    engine.time = minutes(300);
    engine.log(&mut journal, &[wait(1, Some(Duration::from_secs(3600)))], false);
    quiet(&mut journal, minutes(320).plus(Duration::from_secs(59)));
    disk.power_cut(PowerCut::Nothing);
    let (journal, _) = open(&disk, small()).unwrap();
    let recall = Recall::read(journal.index()).unwrap();
    let Some(Restore::Run { left: Some(left), .. }) =
        recall.items.iter().find(|item| matches!(item, Restore::Run { .. }))
    else {
        panic!("{:?}", recall.items)
    };
    let exact = 3600 - 20 * 60 - 59;
    let told = left.micros() / 1_000_000;
    assert!((exact..=exact + 61).contains(&told), "{told} s left, and really {exact}");
    assert_eq!(recall.off, None, "another run of the kernel has another clock");
}

#[test]
fn the_time_off_is_known_while_the_kernel_runs() {
    let disk = Arc::new(Disk::new(1));
    let (mut journal, _) = open(&disk, small()).unwrap();
    Engine::default().log(&mut journal, &[boot(7), letting(1)], false);
    journal.commit(ms(1));
    drop(journal);
    let again = |now| Journal::open(&disk, &node(), small(), 1, now).unwrap().0;
    let journal = again(ms(90_000));
    let recall = Recall::read(journal.index()).unwrap();
    assert_eq!((recall.at, recall.unix), (Instant::from_micros(200), None));
    assert_eq!(recall.off, Some(ms(90_000).since(recall.at)), "though nobody trusts the time of day");
    drop(journal);
    // A start without a record of the engine's: whether the last one before it was on this kernel, nobody says.
    let recall = Recall::read(again(ms(95_000)).index()).unwrap();
    assert_eq!(recall.off, None);
}

/// Found by the swarm: what a run did whose beginning was lost in damage was taken for what the last run of its slot did, and
/// after the next start that one went on in the middle of a step.
#[test]
fn a_run_whose_beginning_is_lost_is_not_taken_for_the_one_before_it() {
    let mut fold = Fold::default();
    let see = |fold: &mut Fold, records: &[Record]| {
        records.iter().for_each(|record| fold.take(record, Instant::ZERO));
    };
    see(&mut fold, &[boot(1), run(0, RunHow::Started), run(1, RunHow::Started), wait(1, None)]);
    fold.miss();
    see(&mut fold, &[wait(0, None), run(2, RunHow::Started), wait(2, None)]);
    assert_eq!(fold.runs.keys().copied().collect::<Vec<_>>(), [RunId(1), RunId(2)]);
}
