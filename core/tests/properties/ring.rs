//! The log's ring against a queue that forgets nothing.

use campanile_core::capacity::Tiny;
use campanile_core::decision::{Decision, Source};
use campanile_core::engine::{Engine, Step};
use campanile_core::id::{InputId, Level, SensorId};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::log::{Cursor, Lagged};
use campanile_core::program::{InputDef, SensorDef};
use campanile_core::record::{CLASSES, MAX_RECORD, Record, class};
use campanile_core::time::{Duration, Instant};
use proptest::prelude::*;

use crate::house::House;
use crate::tape::{Tape, cases, tapes};

/// All records since the start, with the place in front of each.
#[derive(Default)]
struct Model {
    records: Vec<(Cursor, Instant, Record, Vec<u8>)>,
    head: Cursor,
    counters: [u32; CLASSES],
}

impl Model {
    fn push(&mut self, at: Instant, record: Record) {
        let mut buf = [0; MAX_RECORD];
        let len = record.encode(at.since(self.head.at), &mut buf).unwrap();
        self.records.push((self.head, at, record, buf[..len].to_vec()));
        self.counters[class(record.kind()).unwrap()] += 1;
        self.head = Cursor { pos: self.head.pos + len as u64, seq: self.head.seq + 1, at };
    }

    fn bytes(&self, from: Cursor) -> Vec<u8> {
        self.records
            .iter()
            .filter(|(place, ..)| place.pos >= from.pos)
            .flat_map(|(.., bytes)| bytes.clone())
            .collect()
    }
}

fn compare(engine: &Engine<Tiny>, model: &Model) -> Result<(), TestCaseError> {
    let log = engine.log();
    prop_assert_eq!(log.head(), model.head);
    prop_assert_eq!(log.counters(), model.counters);
    let tail = log.tail();
    let left = (model.head.pos - tail.pos) as usize;
    prop_assert!(left <= log.capacity(), "{} bytes in a ring of {}", left, log.capacity());
    let gone = model.records.iter().any(|(place, ..)| place.pos < tail.pos);
    prop_assert!(!gone || left + log.capacity() / 8 + 2 * MAX_RECORD >= log.capacity(), "{} left", left);
    // Every reader: one that kept up, one that lagged, one that comes from nowhere.
    for (place, at, record, bytes) in &model.records {
        if place.pos < tail.pos {
            prop_assert_eq!(log.read(*place), Err(Lagged { resume: tail }));
            continue;
        }
        let (entry, next) = log.read(*place).unwrap().unwrap();
        prop_assert_eq!((entry.seq, entry.at, entry.record), (place.seq, *at, *record));
        prop_assert_eq!(next.pos, place.pos + bytes.len() as u64);
    }
    prop_assert_eq!(log.read(model.head), Ok(None));
    let ahead = Cursor { pos: model.head.pos + 1, ..model.head };
    prop_assert!(log.read(ahead).is_err() && log.copy(ahead, &mut []).is_err());
    // A place in the middle of a record is no place of this log's; reading there does no harm.
    for pos in tail.pos..model.head.pos {
        let _ = log.read(Cursor { pos, ..tail });
        let _ = log.copy(Cursor { pos, ..tail }, &mut [0; 100]);
    }
    // As much as fits, in whole records.
    for room in [0, 2, 3, 10, 60, MAX_RECORD, 200, 1_000] {
        copies(engine, model, tail, room)?;
    }
    Ok(())
}

/// Reads on in pieces of at most `room` bytes.
fn copies(engine: &Engine<Tiny>, model: &Model, tail: Cursor, room: usize) -> Result<(), TestCaseError> {
    let whole = model.bytes(tail);
    let mut buf = vec![0; room];
    let (mut at, mut read) = (tail, Vec::new());
    loop {
        let (len, next) = engine.log().copy(at, &mut buf).unwrap();
        let fits = model.records.iter().filter(|(place, ..)| place.pos >= at.pos);
        let fits = fits.scan(0, |sum, (.., bytes)| {
            *sum += bytes.len();
            Some(*sum)
        });
        prop_assert_eq!(len, fits.take_while(|&sum| sum <= buf.len()).last().unwrap_or(0));
        read.extend_from_slice(&buf[..len]);
        at = next;
        if len == 0 {
            break;
        }
    }
    prop_assert!(whole.starts_with(&read));
    prop_assert!(
        buf.len() < MAX_RECORD || (read == whole && at == model.head),
        "a buffer for any record reads all"
    );
    Ok(())
}

fn the_ring_forgets_only_the_oldest(tape: &[u8]) -> Result<(), TestCaseError> {
    let mut tape = Tape::new(tape);
    let inputs = vec![InputDef::default(); 4];
    let house = House { inputs, sensors: vec![SensorDef::default()], ..House::default() };
    let mut engine: Box<Engine<Tiny>> = Box::new(Engine::new());
    let mut at = Instant::from_micros(5);
    engine.load(at, &house.image()).unwrap();
    let mut model = Model { head: engine.log().head(), ..Model::default() };
    let mut feed = |at, fed, model: &mut Model, decided: Option<Record>| {
        while !matches!(engine.poll(at), Step::Idle { .. }) {}
        engine.handle(at, fed).unwrap();
        model.push(at, Record::Input(fed));
        decided.into_iter().for_each(|decision| model.push(at, decision));
    };
    let level = |input: InputId| Level::from_bool(input.0 > 1);
    for input in (0..4).map(InputId) {
        let fed = Input::Level { input, level: level(input), why: LevelWhy::Start };
        let event = event(Source::Input { input }, Some(level(input).into()));
        feed(at, fed, &mut model, Some(event));
    }
    feed(at, Input::Clock { unix: 0, offset: 0, trusted: false }, &mut model, None);
    let mut value = None;
    while !tape.is_empty() {
        // Every length of `dt`: one byte for each seven bits.
        let bits = tape.one(&[20, 20, 20, 50]);
        let gap = (1u64 << tape.below(bits)) + tape.below(3) as u64 - 1;
        at = at.plus(Duration::from_micros(gap));
        if tape.chance(4) {
            let new = (!tape.chance(4)).then(|| tape.number());
            let fed = Input::Reading { sensor: SensorId(0), value: new };
            let event = event(Source::Sensor { sensor: SensorId(0) }, new);
            feed(at, fed, &mut model, (new != value).then_some(event));
            value = new;
        } else {
            // Edges that repeat the level decide nothing: the log has them and nothing else.
            let input = InputId(tape.id(4));
            feed(at, Input::Edge { input, level: level(input) }, &mut model, None);
        }
    }
    compare(&engine, &model)
}

const fn event(source: Source, value: Option<i32>) -> Record {
    Record::Decision(Decision::Event { source, value, onset_ago: Duration::ZERO, bounces: 0 })
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn the_ring_is_the_end_of_the_queue(tape in tapes(600)) {
        the_ring_forgets_only_the_oldest(&tape)?;
    }
}
