//! What the engine refuses, and why (I8). Nothing that the host says is believed: ids, nesting, stack, steps,
//! counts and capacities are checked before the first byte of the old program is touched.

mod body;
mod count;

pub use super::refusal::{CodeError, LoadError, TriggerError, What};
pub use body::expressions;

use super::image::{Counts, Image};
use super::{InputDef, Mode, On, OutputDef, ScenarioDef, SensorDef, TriggerDef, VarDef};
use crate::calendar::Schedule;
use crate::debounce::{Algorithm, LONGEST};
use crate::id::{MAX_INPUTS, MAX_OUTPUTS, MAX_PEERS};
use crate::wire::Reader;
use body::{Body, check_expression, known};

/// How much an engine has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Room {
    /// Places for each part.
    pub counts: Counts,
    /// Slots of the pool of runs.
    pub runs: u8,
}

/// Reads a whole image and says whether this engine can run it.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(bytes: &[u8], room: &Room) -> Result<(), LoadError> {
    let mut image = Image::open(bytes)?;
    let counts = image.counts;
    check_room(&counts, &room.counts)?;
    for input in 0..counts.inputs {
        let def: InputDef = image.part();
        image.whole()?;
        if !(sane(def.debounce.press) && sane(def.debounce.release)) {
            return Err(LoadError::Debounce { input });
        }
    }
    for _ in 0..counts.outputs {
        image.part::<OutputDef>();
    }
    for _ in 0..counts.sensors {
        image.part::<SensorDef>();
    }
    for _ in 0..counts.variables {
        image.part::<VarDef>();
    }
    image.whole()?;
    let mut last = 0;
    for trigger in 0..counts.triggers {
        let def: TriggerDef = image.part();
        image.whole()?;
        check_trigger(&def, last, &counts).map_err(|why| LoadError::Trigger { trigger, why })?;
        last = def.on.key();
    }
    for schedule in 0..counts.schedules {
        let def: Schedule = image.part();
        image.whole()?;
        if !def.is_valid() {
            return Err(LoadError::Schedule { schedule });
        }
    }
    check_scenarios(image, room)
}

fn check_room(have: &Counts, max: &Counts) -> Result<(), LoadError> {
    let at_most = |limit: usize, places: u8| u8::try_from(limit).unwrap_or(u8::MAX).min(places);
    [
        (What::Inputs, have.inputs, at_most(MAX_INPUTS, max.inputs)),
        (What::Outputs, have.outputs, at_most(MAX_OUTPUTS, max.outputs)),
        (What::Sensors, have.sensors, max.sensors),
        (What::Variables, have.variables, max.variables),
        (What::Triggers, have.triggers, max.triggers),
        (What::Schedules, have.schedules, max.schedules),
        (What::Scenarios, have.scenarios, max.scenarios),
    ]
    .into_iter()
    .map(|(what, have, max)| (what, u16::from(have), u16::from(max)))
    .chain([(What::Code, have.code, max.code)])
    .try_for_each(|(what, have, max)| fits(what, have, max))
}

const fn fits(what: What, have: u16, max: u16) -> Result<(), LoadError> {
    if have > max { Err(LoadError::TooMany { what, have, max }) } else { Ok(()) }
}

const fn sane(algorithm: Algorithm) -> bool {
    algorithm.span().micros() <= LONGEST.micros()
}

fn check_trigger(def: &TriggerDef, last: u16, counts: &Counts) -> Result<(), TriggerError> {
    let about = match def.on {
        On::Input { input, .. } => known(What::Inputs, input.0, counts.inputs),
        On::Output { output, .. } => known(What::Outputs, output.0, counts.outputs),
        On::Variable { var } => known(What::Variables, var.0, counts.variables),
        On::Above { sensor, .. } | On::Below { sensor, .. } | On::Sensor { sensor } => {
            known(What::Sensors, sensor.0, counts.sensors)
        }
        On::Schedule { schedule } => known(What::Schedules, schedule, counts.schedules),
        On::Link { peer, .. } => known(What::Peers, peer.0, MAX_PEERS),
        // A message has no place of its own in the engine: every number is one.
        On::Started | On::Every { .. } | On::Message { .. } => Ok(()),
    };
    about
        .and(known(What::Scenarios, def.scenario.0, counts.scenarios))
        .map_err(|(what, id)| TriggerError::Unknown { what, id })?;
    match def.on {
        _ if def.on.key() < last => Err(TriggerError::Unsorted),
        On::Every { period } if period.is_zero() => Err(TriggerError::NoPeriod),
        On::Above { hysteresis, .. } | On::Below { hysteresis, .. } if hysteresis < 0 => {
            Err(TriggerError::Hysteresis)
        }
        _ => Ok(()),
    }
}

fn check_scenarios(mut image: Image<'_>, room: &Room) -> Result<(), LoadError> {
    let counts = image.counts;
    // The code stands behind all scenarios: one pass over these to find it, one to check each against its part.
    let mut defs = image;
    for _ in 0..counts.scenarios {
        image.part::<ScenarioDef>();
    }
    let mut code = image.code()?;
    let mut runs = 0u16;
    for scenario in 0..counts.scenarios {
        let def: ScenarioDef = defs.part();
        if matches!(def.mode, Mode::Queued(0) | Mode::Parallel(0)) {
            return Err(LoadError::Mode { scenario });
        }
        runs = runs.saturating_add(u16::from(def.mode.slots()));
        let wrong = |(at, why): (usize, CodeError)| LoadError::Code {
            scenario,
            at: u16::try_from(at).unwrap_or(u16::MAX),
            why,
        };
        let condition = take(&mut code, def.condition).map_err(wrong)?;
        let body = take(&mut code, def.body).map_err(wrong)?;
        check_code(condition, body, &counts).map_err(wrong)?;
    }
    if !code.is_empty() {
        return Err(LoadError::TrailingBytes);
    }
    fits(What::Runs, runs, u16::from(room.runs))
}

/// Checks the code of one scenario, and gives the steps of its longest slice: between two waits, at the most.
///
/// # Errors
/// The first thing that is wrong, and where in the code, in bytes from the start of the condition.
pub fn check_code(condition: &[u8], body: &[u8], counts: &Counts) -> Result<u32, (usize, CodeError)> {
    if !condition.is_empty() {
        let mut r = Reader::new(condition);
        check_expression(&mut r, counts).map_err(|why| (0, why))?;
        if !r.is_empty() {
            return Err((0, CodeError::Length));
        }
    }
    Body::new(body, counts).check().map_err(|(at, why)| (at.saturating_add(condition.len()), why))
}

fn take<'a>(code: &mut &'a [u8], len: u16) -> Result<&'a [u8], (usize, CodeError)> {
    let (taken, rest) = code.split_at_checked(usize::from(len)).ok_or((0, CodeError::Length))?;
    *code = rest;
    Ok(taken)
}
