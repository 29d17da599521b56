//! Faults that were found and mended, one case each, put together by hand.

use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::decision::{By, Cause, Decision, FaultKind, RunHow, SafetyWhy, Source};
use campanile_core::engine::{Engine, Rejected};
use campanile_core::id::{InputId, Level, OutputId, PeerId, RunId, ScenarioId, SensorId, TriggerId, VarId};
use campanile_core::input::{Input, LevelWhy, Op, Origin};
use campanile_core::program::code::{Op as Operation, Step};
use campanile_core::program::verify::{LoadError, TriggerError, What};
use campanile_core::program::{AfterRestart, InputDef, Mode, On, OutputDef, SensorDef, TriggerDef, VarDef};
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};

use crate::day::{Deed, Moment};
use crate::house::{Act, Expr, House, Plan};
use crate::life::{Lab, Life};

const LAMP: OutputId = OutputId(0);

const fn s(seconds: u64) -> Instant {
    Instant::from_micros(seconds * 1_000_000)
}

fn plain(step: Step) -> Act {
    Act::Plain(step, vec![])
}

fn plan(hash: u32, mode: Mode, body: Vec<Act>) -> Plan {
    Plan { condition: None, body, mode, after_restart: AfterRestart::Cancel, hash }
}

/// One scenario that lights the lamp and waits for an hour.
fn lit(max_on: Duration) -> House {
    let body = vec![
        plain(Step::Set { output: LAMP, level: Level::On }),
        plain(Step::Wait { span: Duration::from_secs(3_600) }),
    ];
    House {
        inputs: vec![InputDef::default()],
        outputs: vec![OutputDef { max_on, ..OutputDef::default() }],
        scenarios: vec![plan(1, Mode::Single, body)],
        ..House::default()
    }
}

fn feed(life: &mut Life, images: &[Vec<u8>], at: Instant, input: Input) {
    life.live(&Moment { at, deed: Deed::Feed(input) }, images);
}

fn command(id: u32, op: Op) -> Input {
    Input::Command { origin: Origin::Local, id, op }
}

fn alive(images: &[Vec<u8>]) -> Life {
    let mut life = Life::load(Instant::ZERO, images, 0);
    feed(&mut life, images, Instant::ZERO, Input::Clock { unix: 0, offset: 0, trusted: false });
    life
}

#[test]
fn a_swap_limits_an_output_that_had_no_limit() {
    let images = [lit(Duration::ZERO).image(), lit(Duration::from_secs(5)).image()];
    let mut life = alive(&images);
    feed(&mut life, &images, s(1), command(1, Op::Start { scenario: ScenarioId(0) }));
    life.live(&Moment { at: s(10), deed: Deed::Install(1) }, &images);
    let level = |life: &Life| life.engine.output(LAMP).unwrap().level;
    life.settle(Instant::from_micros(14_999_999));
    assert_eq!(level(&life), Level::On);
    life.settle(s(15));
    assert_eq!(level(&life), Level::Off);
}

#[test]
fn a_swap_tells_writers_by_their_new_ids() {
    let first = lit(Duration::ZERO);
    let mut second = first.clone();
    second.scenarios.insert(0, plan(2, Mode::Single, vec![]));
    let images = [first.image(), second.image()];
    let mut life = alive(&images);
    feed(&mut life, &images, s(1), command(1, Op::Start { scenario: ScenarioId(0) }));
    life.live(&Moment { at: s(2), deed: Deed::Install(1) }, &images);
    let by = life.engine.output(LAMP).unwrap().by;
    assert_eq!(by, By::Run { run: RunId(0), scenario: ScenarioId(1) });
}

#[test]
fn a_run_that_a_swap_ended_is_over_for_good() {
    let safe = |level, hash| {
        let mut house = lit(Duration::ZERO);
        house.outputs[0].safe = level;
        house.scenarios[0].hash = hash;
        house
    };
    // The run ends in the first swap, where the lamp has its safe level; from the second on that is the other one.
    let images = [safe(Level::Off, 1).image(), safe(Level::On, 2).image(), safe(Level::Off, 2).image()];
    let mut life = alive(&images);
    feed(&mut life, &images, s(1), command(1, Op::Start { scenario: ScenarioId(0) }));
    life.live(&Moment { at: s(2), deed: Deed::Install(1) }, &images);
    let lamp = life.engine.output(LAMP).unwrap();
    assert_eq!((lamp.level, life.engine.runs().count()), (Level::On, 0));
    assert_ne!(lamp.by, By::Run { run: RunId(0), scenario: ScenarioId(0) }, "the next run has this slot");
    life.live(&Moment { at: s(3), deed: Deed::Install(2) }, &images);
    assert_eq!(life.engine.output(LAMP).unwrap().level, Level::On, "nobody is left to take it back");
}

#[test]
fn an_edge_before_a_stop_drives_nothing_behind_it() {
    let mut house = lit(Duration::ZERO);
    let press = Algorithm::Defer { t_us: 50_000 };
    house.inputs[0].debounce = Debounce { press, ..Debounce::default() };
    house.triggers = vec![TriggerDef {
        scenario: ScenarioId(0),
        on: On::Input { input: InputId(0), to: None, hold: Duration::ZERO },
    }];
    let images = [house.image()];
    let mut life = alive(&images);
    let read = Input::Level { input: InputId(0), level: Level::Off, why: LevelWhy::Start };
    feed(&mut life, &images, s(1), read);
    feed(&mut life, &images, s(1), Input::Edge { input: InputId(0), level: Level::On });
    feed(&mut life, &images, s(1), Input::Stop {});
    life.settle(s(10));
    assert_eq!(life.engine.output(LAMP).unwrap().level, Level::Off);
    feed(&mut life, &images, s(11), command(1, Op::Set { output: LAMP, level: Level::On }));
    assert_eq!(life.engine.output(LAMP).unwrap().level, Level::Off);
}

#[test]
fn an_edge_before_the_first_reading_tells_where_the_line_was() {
    let mut house = lit(Duration::ZERO);
    house.inputs[0].debounce.press = Algorithm::Defer { t_us: 20_000 };
    house.triggers = vec![TriggerDef {
        scenario: ScenarioId(0),
        on: On::Input { input: InputId(0), to: None, hold: Duration::ZERO },
    }];
    let images = [house.image()];
    let mut life = alive(&images);
    let begin = life.records().len();
    // A spike and a press: the spike alone would leave the input known, and nobody told.
    for (us, level) in [(0, Level::On), (1_000, Level::Off), (100_000, Level::On)] {
        let at = Instant::from_micros(1_000_000 + us);
        feed(&mut life, &images, at, Input::Edge { input: InputId(0), level });
    }
    let read = Input::Level { input: InputId(0), level: Level::On, why: LevelWhy::Start };
    feed(&mut life, &images, Instant::from_micros(1_110_000), read);
    life.settle(s(2));
    let told: Vec<(u64, Decision)> = life.records()[begin..]
        .iter()
        .filter_map(|&(at, record)| match record {
            Record::Decision(decision @ (Decision::Event { .. } | Decision::Run { .. })) => {
                Some((at.micros(), decision))
            }
            _ => None,
        })
        .collect();
    let event = |value, onset_us, bounces| Decision::Event {
        source: Source::Input { input: InputId(0) },
        value: Some(value),
        onset_ago: Duration::from_micros(onset_us),
        bounces,
    };
    let ring = Decision::Run {
        run: RunId(0),
        scenario: ScenarioId(0),
        cause: Cause::Trigger { trigger: TriggerId(0) },
        how: RunHow::Started,
        onset_ago: Duration::from_micros(20_000),
    };
    assert_eq!(told, [(1_000_000, event(0, 0, 0)), (1_120_000, event(1, 20_000, 2)), (1_120_000, ring)]);
}

#[test]
fn a_stop_replays_with_what_it_does_to_the_outputs() {
    let images = [lit(Duration::ZERO).image()];
    let mut life = alive(&images);
    feed(&mut life, &images, s(1), command(1, Op::Start { scenario: ScenarioId(0) }));
    feed(&mut life, &images, s(2), Input::Stop {});
    let records = life.records();
    let safe = Decision::Set { output: LAMP, level: Level::Off, by: By::Safety { why: SafetyWhy::Stop } };
    let end = [(s(2), Record::Input(Input::Stop {})), (s(2), Record::Decision(safe))];
    assert_eq!(records[records.len() - 2..], end);
    let mut again = Life::load(Instant::ZERO, &images, 0);
    for (at, record) in records {
        if let Record::Input(input) = record {
            feed(&mut again, &images, at, input);
        }
    }
    assert_eq!(life.log, again.log);
    assert_eq!(life.effects, again.effects);
}

#[test]
fn a_tick_is_for_schedules_only() {
    let mut house = lit(Duration::ZERO);
    house.triggers = vec![TriggerDef { scenario: ScenarioId(0), on: On::Started }];
    let images = [house.image()];
    let mut life = alive(&images);
    let tick = Input::Tick { trigger: TriggerId(0) };
    assert_eq!(life.engine.handle(s(1), tick), Err(Rejected::Unknown));
}

#[test]
fn a_trigger_names_a_peer_that_there_can_be() {
    let mut house = lit(Duration::ZERO);
    house.triggers =
        vec![TriggerDef { scenario: ScenarioId(0), on: On::Link { peer: PeerId(64), up: true } }];
    let why = TriggerError::Unknown { what: What::Peers, id: 64 };
    let refused = Box::<Engine<Lab>>::default().load(Instant::ZERO, &house.image());
    assert_eq!(refused, Err(LoadError::Trigger { trigger: 0, why }));
}

#[test]
fn a_queue_outlives_the_one_that_an_instant_had_no_room_for() {
    // Two runs queue; the wait of the one at work ends in an instant that a flood has filled.
    let queue = plan(1, Mode::Queued(3), vec![plain(Step::Wait { span: Duration::from_secs(1) })]);
    let flood = plan(2, Mode::Single, vec![plain(Step::Start { scenario: ScenarioId(1) })]);
    let house = House {
        scenarios: vec![queue, flood],
        triggers: vec![TriggerDef {
            scenario: ScenarioId(1),
            on: On::Every { period: Duration::from_secs(2) },
        }],
        ..House::default()
    };
    let images = [house.image()];
    let mut life = alive(&images);
    for id in 0..3 {
        feed(&mut life, &images, s(1), command(id, Op::Start { scenario: ScenarioId(0) }));
    }
    life.settle(s(3));
    let full = |(_, record): &(Instant, Record)| {
        matches!(record, Record::Decision(Decision::Fault { what: FaultKind::Cascade, .. }))
    };
    assert_eq!(life.records().iter().filter(|entry| full(entry)).count(), 4, "the flood and the three");
    assert_eq!(life.engine.runs().count(), 0, "nobody is stuck");
    feed(&mut life, &images, s(3), command(9, Op::Start { scenario: ScenarioId(0) }));
    assert_eq!(life.engine.runs().count(), 1, "the next one starts");
}

#[test]
fn a_checkpoint_before_the_inputs_are_read_keeps_what_was_left() {
    let mut house = lit(Duration::ZERO);
    house.scenarios[0].after_restart = AfterRestart::Resume;
    house.triggers = vec![TriggerDef {
        scenario: ScenarioId(0),
        on: On::Input { input: InputId(0), to: Some(Level::On), hold: Duration::from_secs(10) },
    }];
    let images = [house.image()];
    let mut life = Life::load(Instant::ZERO, &images, 0);
    let boot = Input::Boot { boot: 1, core_rev: 1, hash: 0, off: None };
    let before = Restore::Input { input: InputId(0), raw: Level::On, reported: Level::On };
    let left = Restore::Trigger { trigger: TriggerId(0), armed: false, left: Some(Duration::from_secs(3)) };
    feed(&mut life, &images, Instant::ZERO, boot);
    feed(&mut life, &images, Instant::ZERO, Input::Restore { item: before });
    feed(&mut life, &images, Instant::ZERO, Input::Restore { item: left });
    let mut again = Life::resume(&images, 0, &life.checkpoint());
    for life in [&mut life, &mut again] {
        let read = Input::Level { input: InputId(0), level: Level::On, why: LevelWhy::Start };
        feed(life, &images, s(1), read);
        feed(life, &images, s(1), Input::Clock { unix: 0, offset: 0, trusted: false });
        life.settle(s(4));
        assert_eq!(life.engine.output(LAMP).unwrap().level, Level::On, "three seconds behind the reading");
    }
}

#[test]
fn minutes_are_those_of_local_time() {
    // An offset of half a minute, as local mean times had them.
    let until = Expr::Binary(
        Operation::Eq {},
        Box::new(Expr::Leaf(Operation::Minute {})),
        Box::new(Expr::Leaf(Operation::Const { value: 1 })),
    );
    let body = vec![
        Act::Plain(Step::Until { timeout: None }, vec![until]),
        Act::Plain(Step::Let { var: VarId(0) }, vec![Expr::Leaf(Operation::Const { value: 1 })]),
    ];
    let house = House {
        variables: vec![VarDef::default()],
        scenarios: vec![plan(1, Mode::Single, body)],
        triggers: vec![TriggerDef { scenario: ScenarioId(0), on: On::Started }],
        ..House::default()
    };
    let images = [house.image()];
    let mut life = Life::load(Instant::ZERO, &images, 0);
    feed(&mut life, &images, Instant::ZERO, Input::Clock { unix: 0, offset: 30, trusted: true });
    life.settle(s(100));
    let set = life.records().into_iter().find_map(|(at, record)| match record {
        Record::Decision(Decision::Let { .. }) => Some(at),
        _ => None,
    });
    assert_eq!(set, Some(s(30)));
    let started = Record::Decision(Decision::Run {
        run: RunId(0),
        scenario: ScenarioId(0),
        cause: Cause::Trigger { trigger: TriggerId(0) },
        how: RunHow::Started,
        onset_ago: Duration::ZERO,
    });
    assert!(life.records().contains(&(Instant::ZERO, started)));
}

#[test]
fn a_new_threshold_knows_the_value_that_its_sensor_kept() {
    let sensor = SensorId(0);
    let mut second = lit(Duration::ZERO);
    second.sensors = vec![SensorDef { name: 1 }];
    let first = second.clone();
    let on = On::Above { sensor, limit: 80, hysteresis: 5 };
    second.triggers = vec![TriggerDef { scenario: ScenarioId(0), on }];
    second.scenarios[0].hash = 2;
    let images = [first.image(), second.image()];
    for (kept, lit) in [(Some(40), true), (Some(90), false), (None, false)] {
        let mut life = alive(&images);
        feed(&mut life, &images, s(1), Input::Reading { sensor, value: kept });
        life.live(&Moment { at: s(2), deed: Deed::Install(1) }, &images);
        feed(&mut life, &images, s(3), Input::Reading { sensor, value: Some(91) });
        assert_eq!(life.engine.output(LAMP).unwrap().level.is_on(), lit, "from {kept:?}");
    }
}
