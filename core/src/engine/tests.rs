//! The engine end to end, on programs put together by hand. Whole behaviours are in the scenario files.

use std::vec::Vec;

use super::*;
use crate::capacity::Tiny;
use crate::debounce::{Algorithm, Debounce};
use crate::decision::{By, Cause, Decision, EndWhy, Origin, ReplyResult, RunHow, SafetyWhy, Source};
use crate::id::{InputId, Level, MessageId, OutputId, RunId, ScenarioId, TriggerId, VarId};
use crate::input::LevelWhy;
use crate::log::Cursor;
use crate::program::code::{Op, Step as Code};
use crate::program::{InputDef, On, OutputDef, Parts, ScenarioDef, TriggerDef, VarDef, image};
use crate::record::Record;
use crate::time::Duration;
use crate::wire::{Wire, Writer};

const BUTTON: InputId = InputId(0);
const CHIME: OutputId = OutputId(0);
const RING: ScenarioId = ScenarioId(0);

/// Steps and expressions as bytes.
#[derive(Default)]
struct Asm(Vec<u8>);

impl Asm {
    fn put(mut self, item: &impl Wire) -> Self {
        let mut buf = [0; 32];
        let mut w = Writer::new(&mut buf);
        item.put(&mut w);
        let len = w.finish().unwrap();
        self.0.extend_from_slice(&buf[..len]);
        self
    }
}

/// The doorbell with the debounce that a button should have.
fn doorbell() -> Vec<u8> {
    doorbell_with(Debounce {
        press: Algorithm::Eager { t_us: 20_000, after_us: 1_000 },
        release: Algorithm::Defer { t_us: 30_000 },
        max_wait_us: 0,
    })
}

/// A press counts and drives the chime for 800 ms.
fn doorbell_with(debounce: Debounce) -> Vec<u8> {
    let body = Asm::default()
        .put(&Code::Let { var: VarId(0) })
        .put(&Op::Var { var: VarId(0) })
        .put(&Op::Const { value: 1 })
        .put(&Op::Add {})
        .put(&Op::End {})
        .put(&Code::Set { output: CHIME, level: Level::On })
        .put(&Code::Wait { span: Duration::from_millis(800) })
        .put(&Code::Set { output: CHIME, level: Level::Off })
        .0;
    let parts = Parts {
        inputs: &[InputDef { line: 1, debounce, storm: 500 }],
        outputs: &[OutputDef { line: 2, safe: Level::Off, max_on: Duration::from_secs(5) }],
        variables: &[VarDef { name: 3, initial: 0 }],
        triggers: &[TriggerDef {
            scenario: RING,
            on: On::Input { input: BUTTON, to: Some(Level::On), hold: Duration::ZERO },
        }],
        scenarios: &[ScenarioDef { hash: 4, body: u16::try_from(body.len()).unwrap(), ..Default::default() }],
        code: &body,
        ..Default::default()
    };
    let mut buf = [0; 256];
    let len = image::encode(&parts, &mut buf).unwrap();
    buf[..len].to_vec()
}

fn at(us: u64) -> Instant {
    Instant::from_micros(us)
}

/// Polls until idle; gives the effects and the next deadline.
fn settle(engine: &mut Engine<Tiny>, now: Instant) -> (Vec<Effect>, Option<Instant>) {
    let mut effects = Vec::new();
    for _ in 0..1_000 {
        match engine.poll(now) {
            Step::Do(effect) => effects.push(effect),
            Step::Again => {}
            Step::Idle { next } => return (effects, next),
        }
    }
    panic!("the engine does not settle");
}

fn feed(engine: &mut Engine<Tiny>, us: u64, input: Input) {
    settle(engine, at(us));
    assert_eq!(engine.handle(at(us), input), Ok(at(us)));
}

fn records(engine: &Engine<Tiny>, mut cursor: Cursor) -> Vec<(u64, Record)> {
    let mut records = Vec::new();
    while let Some((entry, next)) = engine.log().read(cursor).unwrap() {
        records.push((entry.at.micros(), entry.record));
        cursor = next;
    }
    records
}

fn decisions(engine: &Engine<Tiny>, cursor: Cursor) -> Vec<(u64, Decision)> {
    let only = |(at, record)| match record {
        Record::Decision(decision) => Some((at, decision)),
        Record::Input(_) => None,
    };
    records(engine, cursor).into_iter().filter_map(only).collect()
}

fn started() -> Engine<Tiny> {
    started_with(&doorbell())
}

fn started_with(image: &[u8]) -> Engine<Tiny> {
    let mut engine = Engine::new();
    engine.load(at(0), image).unwrap();
    let start = Input::Level { input: BUTTON, level: Level::Off, why: LevelWhy::Start };
    feed(&mut engine, 0, start);
    feed(&mut engine, 0, Input::Clock { unix: 0, offset: 0, trusted: false });
    settle(&mut engine, at(0));
    engine
}

#[test]
fn a_bouncing_press_rings_once() {
    let mut engine = started();
    let begin = engine.log().head();
    for (us, level) in [(10_000, Level::On), (10_300, Level::Off), (10_900, Level::On), (11_500, Level::On)] {
        feed(&mut engine, us, Input::Edge { input: BUTTON, level });
    }
    let (effects, next) = settle(&mut engine, at(20_000));
    assert_eq!(effects, [Effect::SetOutput { output: CHIME, level: Level::On }]);
    assert!(next.is_some());
    let (effects, _) = settle(&mut engine, at(2_000_000));
    assert_eq!(
        effects,
        [Effect::ReadInput { input: BUTTON }, Effect::SetOutput { output: CHIME, level: Level::Off }]
    );
    let run = RunId(0);
    let by = By::Run { run, scenario: RING };
    assert_eq!(
        decisions(&engine, begin),
        [
            (
                12_500,
                Decision::Event {
                    source: Source::Input { input: BUTTON },
                    value: Some(1),
                    onset_ago: Duration::from_micros(2_500),
                    bounces: 3
                }
            ),
            (
                12_500,
                Decision::Run {
                    run,
                    scenario: RING,
                    cause: Cause::Trigger { trigger: TriggerId(0) },
                    how: RunHow::Started,
                    onset_ago: Duration::from_micros(2_500)
                }
            ),
            (12_500, Decision::Let { var: VarId(0), value: 1 }),
            (12_500, Decision::Set { output: CHIME, level: Level::On, by }),
            (812_500, Decision::Set { output: CHIME, level: Level::Off, by }),
            (812_500, Decision::End { run, why: EndWhy::Done }),
        ]
    );
}

#[test]
fn an_input_waits_for_what_is_due() {
    let mut engine = started();
    feed(&mut engine, 10_000, Input::Edge { input: BUTTON, level: Level::On });
    let edge = Input::Edge { input: BUTTON, level: Level::Off };
    assert_eq!(engine.handle(at(11_000), edge), Err(Rejected::Busy));
    settle(&mut engine, at(11_000));
    assert_eq!(engine.handle(at(11_000), edge), Ok(at(11_000)));
}

#[test]
fn a_late_edge_is_taken_now_and_says_so() {
    let mut engine = started();
    feed(&mut engine, 50_000, Input::Clock { unix: 0, offset: 0, trusted: true });
    let begin = engine.log().head();
    assert_eq!(engine.handle(at(49_000), Input::Edge { input: BUTTON, level: Level::On }), Ok(at(50_000)));
    settle(&mut engine, at(60_000));
    let late = Input::Late { input: BUTTON, level: Level::On, by: Duration::from_micros(1_000) };
    assert_eq!(records(&engine, begin)[0], (50_000, Record::Input(late)));
    let Decision::Event { onset_ago, .. } = decisions(&engine, begin)[0].1 else { panic!("no event") };
    assert_eq!(onset_ago, Duration::from_micros(2_000));
}

/// What a late edge sets off is due at the engine's time, and the next late edge is stamped before that.
#[test]
fn a_late_edge_does_not_keep_out_the_next_one() {
    let (press, release) = (Algorithm::None, Algorithm::None);
    let mut engine = started_with(&doorbell_with(Debounce { press, release, max_wait_us: 0 }));
    feed(&mut engine, 50_000, Input::Clock { unix: 0, offset: 0, trusted: true });
    for (us, level) in [(49_000, Level::On), (49_100, Level::Off), (49_200, Level::On)] {
        settle(&mut engine, at(us));
        assert_eq!(engine.handle(at(us), Input::Edge { input: BUTTON, level }), Ok(at(50_000)));
    }
    settle(&mut engine, at(49_200));
    assert_eq!(engine.input(BUTTON).unwrap().reported, Some(Level::On));
}

#[test]
fn a_stopped_engine_is_safe() {
    let mut engine = started();
    feed(&mut engine, 10_000, Input::Edge { input: BUTTON, level: Level::On });
    settle(&mut engine, at(100_000));
    assert_eq!(engine.output(CHIME).unwrap().level, Level::On);
    assert_eq!(engine.handle(at(200_000), Input::Stop {}), Ok(at(200_000)));
    let (effects, next) = settle(&mut engine, at(10_000_000));
    assert_eq!(effects, [Effect::SetOutput { output: CHIME, level: Level::Off }]);
    assert_eq!(next, None, "a stopped engine sleeps for ever");
    assert_eq!(engine.output(CHIME).unwrap().by, By::Safety { why: SafetyWhy::Stop });
}

#[test]
fn a_wrong_image_leaves_the_old_program() {
    let mut engine = started();
    let mut image = doorbell();
    let last = image.len() - 1;
    image[last] ^= 1;
    assert_eq!(engine.load(at(5), &image), Err(LoadError::Checksum));
    assert_eq!(engine.install(at(5), &image), Err(InstallError::Load(LoadError::Checksum)));
    assert_eq!(engine.program(), Some(image::hash(&doorbell())));
}

#[test]
fn the_same_program_swaps_in_without_a_trace() {
    let mut engine = started();
    feed(&mut engine, 10_000, Input::Edge { input: BUTTON, level: Level::On });
    settle(&mut engine, at(100_000));
    let begin = engine.log().head();
    engine.install(at(100_000), &doorbell()).unwrap();
    settle(&mut engine, at(2_000_000));
    let by = By::Run { run: RunId(0), scenario: RING };
    assert_eq!(
        decisions(&engine, begin),
        [
            (811_000, Decision::Set { output: CHIME, level: Level::Off, by }),
            (811_000, Decision::End { run: RunId(0), why: EndWhy::Done }),
        ]
    );
    assert_eq!(engine.variable(VarId(0)), Some(1));
}

#[test]
fn a_message_that_no_trigger_waits_for_is_answered_as_unknown() {
    let mut engine = started();
    let begin = engine.log().head();
    let op = crate::input::Op::Message { message: MessageId(0) };
    let origin = Origin::Message;
    feed(&mut engine, 10_000, Input::Command { origin, id: 1, op });
    let unknown = Decision::Reply { origin, id: 1, result: ReplyResult::Unknown };
    assert_eq!(decisions(&engine, begin), [(10_000, unknown)]);
}
