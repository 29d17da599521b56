//! That a log which is not what it should be does not pass.

use campanile_core::decision::{By, Decision, SafetyWhy};
use campanile_core::id::{InputId, Level, OutputId, ScenarioId};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::program::code::Step;
use campanile_core::program::{InputDef, On, OutputDef, Parts, ScenarioDef, TriggerDef, image};
use campanile_core::record::{MAX_RECORD, Record};
use campanile_core::time::{Duration, Instant};
use campanile_core::wire::{Wire, Writer};

use super::super::{Programs, Reference, programs};
use super::{Failed, check};

const DOOR: InputId = InputId(0);
const LAMP: OutputId = OutputId(0);
const END: Instant = Instant::from_micros(10_000_000);

/// The lamp follows the door, for three seconds at the most.
fn house() -> (u64, Programs) {
    let mut body = [0; 16];
    let mut w = Writer::new(&mut body);
    Step::Set { output: LAMP, level: Level::On }.put(&mut w);
    let len = w.finish().expect("a short body");
    let max_on = Duration::from_secs(3);
    let on = On::Input { input: DOOR, to: Some(Level::On), hold: Duration::ZERO };
    let parts = Parts {
        inputs: &[InputDef::default()],
        outputs: &[OutputDef { max_on, ..OutputDef::default() }],
        triggers: &[TriggerDef { scenario: ScenarioId(0), on }],
        scenarios: &[ScenarioDef { body: len as u16, ..ScenarioDef::default() }],
        code: &body[..len],
        ..Parts::default()
    };
    let mut bytes = [0; 256];
    let len = image::encode(&parts, &mut bytes).expect("a small house");
    let programs = programs([&bytes[..len]]).expect("an image");
    (image::hash(&bytes[..len]), programs)
}

/// The door opens after a second; what the reference itself makes of it.
fn log(hash: u64, programs: &Programs) -> Vec<(Instant, Record)> {
    let mut reference = Reference::load(Instant::ZERO, programs[&hash].clone(), Programs::clone(programs));
    let read = Input::Level { input: DOOR, level: Level::Off, why: LevelWhy::Start };
    let clock = Input::Clock { unix: 0, offset: 0, trusted: false };
    let open = Input::Edge { input: DOOR, level: Level::On };
    let mut log = Vec::new();
    for (s, input) in [(0, read), (0, clock), (1, open)] {
        let at = Instant::from_micros(s * 1_000_000);
        reference.advance(at);
        log.extend(reference.expected().map(|(at, decision)| (at, Record::Decision(decision))));
        log.push((at, Record::Input(input)));
        reference.feed(at, &input);
    }
    reference.advance(END);
    log.extend(reference.expected().map(|(at, decision)| (at, Record::Decision(decision))));
    log
}

fn bytes(log: &[(Instant, Record)]) -> Vec<u8> {
    let (mut bytes, mut last) = (Vec::new(), Instant::ZERO);
    for (at, record) in log {
        let mut buf = [0; MAX_RECORD];
        let len = record.encode(at.since(last), &mut buf).expect("a record fits");
        bytes.extend_from_slice(&buf[..len]);
        last = *at;
    }
    bytes
}

fn result(log: &[(Instant, Record)]) -> Result<(), Failed> {
    let (hash, programs) = house();
    check(&bytes(log), hash, &programs, Some(END))
}

fn mismatch(log: &[(Instant, Record)]) -> super::Mismatch {
    match result(log) {
        Err(Failed::Mismatch(mismatch)) => *mismatch,
        other => panic!("{other:?} of {log:?}"),
    }
}

#[test]
fn a_log_as_it_should_be_passes() {
    let (hash, programs) = house();
    let log = log(hash, &programs);
    assert_eq!(result(&log), Ok(()));
    let safe = By::Safety { why: SafetyWhy::MaxOn };
    let off = Decision::Set { output: LAMP, level: Level::Off, by: safe };
    assert_eq!(log.last(), Some(&(Instant::from_micros(4_000_000), Record::Decision(off))));
}

#[test]
fn whatever_decision_is_missing_or_doubled_or_late_is_found() {
    let (hash, programs) = house();
    let whole = log(hash, &programs);
    let decisions = (0..whole.len()).filter(|&place| matches!(whole[place].1, Record::Decision(_)));
    for place in decisions {
        let seq = place as u64 + 1;
        let mut missing = whole.clone();
        let (at, _) = missing.remove(place);
        let found = mismatch(&missing);
        assert_eq!((found.seq, found.expected.map(|(at, _)| at)), (seq, Some(at)), "{missing:?}");
        let mut doubled = whole.clone();
        doubled.insert(place, whole[place]);
        assert_eq!(mismatch(&doubled).seq, seq + 1, "{doubled:?}");
        if at == Instant::ZERO {
            // All of it a microsecond later is as good.
            continue;
        }
        let mut late = whole.clone();
        late[place].0 = at.plus(Duration::from_micros(1));
        late[place + 1..].iter_mut().for_each(|(then, _)| *then = late_at_least(*then, at));
        assert!(mismatch(&late).seq >= seq, "{late:?}");
    }
}

fn late_at_least(then: Instant, at: Instant) -> Instant {
    then.max(at.plus(Duration::from_micros(1)))
}

#[test]
fn a_mismatch_says_where_and_what() {
    let (hash, programs) = house();
    let mut log = log(hash, &programs);
    log.pop();
    let text = mismatch(&log).to_string();
    assert!(text.contains("at record 10, 10.000000"), "{text}");
    assert!(text.contains("- 4.000000 Set"), "{text}");
    assert!(text.contains("+ (nothing more)"), "{text}");
}

#[test]
fn what_cannot_be_compared_says_why() {
    let (hash, programs) = house();
    let log = bytes(&log(hash, &programs));
    assert_eq!(check(&log, 7, &programs, None), Err(Failed::NoProgram { hash: 7 }));
    let cut = check(&log[..log.len() - 1], hash, &programs, None);
    assert!(matches!(cut, Err(Failed::Bytes { seq: 10 })), "{cut:?}");
}
