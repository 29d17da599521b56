//! Images against postcard, with declarations of their own for serde: what the core's codec writes, postcard reads as the
//! same values, and the other way round.

use campanile_core::debounce;
use campanile_core::id::{InputId, Level, MessageId, OutputId, PeerId, ScenarioId, SensorId, VarId};
use campanile_core::program;
use campanile_core::time::Duration;
use campanile_core::wire::{Reader, Wire, Writer};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::house::House;
use crate::tape::{Tape, cases, tapes};

/// Magic number and version.
const FRONT: usize = 5;
const CHECKSUM: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Counts {
    inputs: u8,
    outputs: u8,
    sensors: u8,
    variables: u8,
    triggers: u8,
    schedules: u8,
    scenarios: u8,
    code: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Algorithm {
    None,
    Defer { t_us: u32 },
    Eager { t_us: u32, after_us: u16 },
    Integrate { t_us: u32 },
}

impl From<debounce::Algorithm> for Algorithm {
    fn from(algorithm: debounce::Algorithm) -> Self {
        match algorithm {
            debounce::Algorithm::None => Self::None,
            debounce::Algorithm::Defer { t_us } => Self::Defer { t_us },
            debounce::Algorithm::Eager { t_us, after_us } => Self::Eager { t_us, after_us },
            debounce::Algorithm::Integrate { t_us } => Self::Integrate { t_us },
        }
    }
}

/// Line, press, release, `max_wait_us`, storm.
type Input = (u32, (Algorithm, Algorithm, u32), u16);
/// Line, safe level, `max_on`.
type Output = (u32, bool, Duration);
/// Name, initial value.
type Variable = (u32, i32);
/// Scenario, occasion.
type Trigger = (ScenarioId, On);
/// Minutes, hours, days, months, weekdays, second, either day, repeating.
type Schedule = (u64, u32, u32, u16, u8, u8, bool, bool);
/// Hash, bytes of the condition, of the body, mode, after a restart.
type Scenario = (u32, u16, u16, Mode, AfterRestart);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum On {
    Started,
    Input { input: InputId, to: Option<Level>, hold: Duration },
    Output { output: OutputId, to: Option<Level> },
    Variable { var: VarId },
    Above { sensor: SensorId, limit: i32, hysteresis: i32 },
    Below { sensor: SensorId, limit: i32, hysteresis: i32 },
    Sensor { sensor: SensorId },
    Every { period: Duration },
    Schedule { schedule: u8 },
    Link { peer: PeerId, up: bool },
    Message { message: MessageId },
}

impl From<program::On> for On {
    fn from(on: program::On) -> Self {
        match on {
            program::On::Started => Self::Started,
            program::On::Input { input, to, hold } => Self::Input { input, to, hold },
            program::On::Output { output, to } => Self::Output { output, to },
            program::On::Variable { var } => Self::Variable { var },
            program::On::Above { sensor, limit, hysteresis } => Self::Above { sensor, limit, hysteresis },
            program::On::Below { sensor, limit, hysteresis } => Self::Below { sensor, limit, hysteresis },
            program::On::Sensor { sensor } => Self::Sensor { sensor },
            program::On::Every { period } => Self::Every { period },
            program::On::Schedule { schedule } => Self::Schedule { schedule },
            program::On::Link { peer, up } => Self::Link { peer, up },
            program::On::Message { message } => Self::Message { message },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Mode {
    Single,
    Restart,
    Queued(u8),
    Parallel(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum AfterRestart {
    Cancel,
    Resume,
    FireIfMissed,
}

impl From<program::Mode> for Mode {
    fn from(mode: program::Mode) -> Self {
        match mode {
            program::Mode::Single => Self::Single,
            program::Mode::Restart => Self::Restart,
            program::Mode::Queued(n) => Self::Queued(n),
            program::Mode::Parallel(n) => Self::Parallel(n),
        }
    }
}

impl From<program::AfterRestart> for AfterRestart {
    fn from(after: program::AfterRestart) -> Self {
        match after {
            program::AfterRestart::Cancel => Self::Cancel,
            program::AfterRestart::Resume => Self::Resume,
            program::AfterRestart::FireIfMissed => Self::FireIfMissed,
        }
    }
}

/// The parts of an image between its version and its code, as postcard reads them.
#[derive(Debug, PartialEq)]
struct Mirror {
    counts: Counts,
    names: u32,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    sensors: Vec<u32>,
    variables: Vec<Variable>,
    triggers: Vec<Trigger>,
    schedules: Vec<Schedule>,
    scenarios: Vec<Scenario>,
}

impl Mirror {
    /// Of what the bytes say, and the rest of them.
    fn read(mut bytes: &[u8]) -> (Self, &[u8]) {
        let counts: Counts = item(&mut bytes);
        let mirror = Self {
            counts,
            names: item(&mut bytes),
            inputs: items(&mut bytes, counts.inputs),
            outputs: items(&mut bytes, counts.outputs),
            sensors: items(&mut bytes, counts.sensors),
            variables: items(&mut bytes, counts.variables),
            triggers: items(&mut bytes, counts.triggers),
            schedules: items(&mut bytes, counts.schedules),
            scenarios: items(&mut bytes, counts.scenarios),
        };
        (mirror, bytes)
    }

    /// Of a house, but for what only its assembled code tells.
    fn of(house: &House, assembled: &Self) -> Self {
        let count = |len: usize| u8::try_from(len).unwrap();
        let plans = house.scenarios.iter().zip(&assembled.scenarios);
        Self {
            counts: Counts {
                inputs: count(house.inputs.len()),
                outputs: count(house.outputs.len()),
                sensors: count(house.sensors.len()),
                variables: count(house.variables.len()),
                triggers: count(house.triggers.len()),
                schedules: count(house.schedules.len()),
                scenarios: count(house.scenarios.len()),
                code: assembled.scenarios.iter().map(|&(_, condition, body, ..)| condition + body).sum(),
            },
            names: 0x00c0_ffee,
            inputs: (house.inputs.iter())
                .map(|def| {
                    let debounce::Debounce { press, release, max_wait_us } = def.debounce;
                    (def.line, (press.into(), release.into(), max_wait_us), def.storm)
                })
                .collect(),
            outputs: house.outputs.iter().map(|def| (def.line, def.safe.is_on(), def.max_on)).collect(),
            sensors: house.sensors.iter().map(|def| def.name).collect(),
            variables: house.variables.iter().map(|def| (def.name, def.initial)).collect(),
            triggers: house.triggers.iter().map(|def| (def.scenario, def.on.into())).collect(),
            schedules: (house.schedules.iter())
                .map(|s| {
                    (s.minutes, s.hours, s.days, s.months, s.weekdays, s.second, s.either_day, s.repeating)
                })
                .collect(),
            scenarios: plans
                .map(|(plan, &(_, condition, body, ..))| {
                    (plan.hash, condition, body, plan.mode.into(), plan.after_restart.into())
                })
                .collect(),
        }
    }

    fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, &self.counts);
        put(&mut bytes, &self.names);
        self.inputs.iter().for_each(|item| put(&mut bytes, item));
        self.outputs.iter().for_each(|item| put(&mut bytes, item));
        self.sensors.iter().for_each(|item| put(&mut bytes, item));
        self.variables.iter().for_each(|item| put(&mut bytes, item));
        self.triggers.iter().for_each(|item| put(&mut bytes, item));
        self.schedules.iter().for_each(|item| put(&mut bytes, item));
        self.scenarios.iter().for_each(|item| put(&mut bytes, item));
        bytes
    }
}

fn item<T: DeserializeOwned>(bytes: &mut &[u8]) -> T {
    let (item, rest) = postcard::take_from_bytes(bytes).unwrap();
    *bytes = rest;
    item
}

fn items<T: DeserializeOwned>(bytes: &mut &[u8], count: u8) -> Vec<T> {
    (0..count).map(|_| item(bytes)).collect()
}

fn put(bytes: &mut Vec<u8>, item: &impl Serialize) {
    bytes.extend_from_slice(postcard::to_slice(item, &mut [0; 64]).unwrap());
}

/// Both codecs give a value the same bytes, and read arbitrary bytes as the same value; but for numbers with superfluous
/// zero bytes, which only postcard takes.
fn same<T>(value: &T, bytes: &[u8]) -> Result<(), TestCaseError>
where
    T: Wire + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let mut buf = [0; 32];
    let mut w = Writer::new(&mut buf);
    value.put(&mut w);
    let len = w.finish().unwrap();
    let mut theirs = Vec::new();
    put(&mut theirs, value);
    prop_assert_eq!(&buf[..len], &theirs[..]);
    let mut r = Reader::new(bytes);
    let read = T::get(&mut r);
    match postcard::take_from_bytes::<T>(bytes) {
        Ok((theirs, rest)) => {
            let mut shortest = Vec::new();
            put(&mut shortest, &theirs);
            if shortest.len() == bytes.len() - rest.len() {
                prop_assert_eq!((read, r.rest()), (Some(theirs), rest));
            } else {
                prop_assert_eq!(read, None);
            }
        }
        Err(_) => prop_assert_eq!(read, None),
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn an_image_is_the_bytes_that_postcard_writes(tape in tapes(400)) {
        let house = House::draw(&mut Tape::new(&tape));
        let image = house.image();
        let parts = &image[FRONT..image.len() - CHECKSUM];
        let (mirror, code) = Mirror::read(parts);
        prop_assert_eq!(&mirror, &Mirror::of(&house, &mirror));
        prop_assert_eq!(code.len(), usize::from(mirror.counts.code));
        prop_assert_eq!([&mirror.write(), code].concat(), parts);
    }

    #[test]
    fn values_are_the_bytes_that_postcard_writes(
        (number, shift, small, on) in (any::<u64>(), 0u32..64, any::<u8>(), any::<bool>()),
        bytes in tapes(12),
    ) {
        let number = number >> shift;
        let signed = number.cast_signed();
        same(&small, &bytes)?;
        same(&on, &bytes)?;
        same(&(number as u16), &bytes)?;
        same(&(number as u32), &bytes)?;
        same(&number, &bytes)?;
        same(&(signed as i32), &bytes)?;
        same(&(signed.wrapping_neg() as i32), &bytes)?;
        same(&signed, &bytes)?;
        same(&signed.wrapping_neg(), &bytes)?;
        same(&Duration::from_micros(number), &bytes)?;
        same(&Level::from_bool(on), &bytes)?;
        same(&InputId(small), &bytes)?;
        same(&on.then_some(signed as i32), &bytes)?;
        same(&on.then_some(Duration::from_micros(number)), &bytes)?;
    }
}
