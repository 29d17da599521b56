//! What the engine refuses, and why (I8). Nothing that the host says is believed: ids, nesting, stack, steps,
//! counts and capacities are checked before the first byte of the old program is touched.

use super::code::{MAX_BLOCKS, MAX_LOOPS, MAX_STACK, MAX_STEPS, Op, Step};
use super::image::{Counts, Image};
use super::{InputDef, Mode, On, OutputDef, ScenarioDef, SensorDef, TriggerDef, VarDef};
use crate::calendar::Schedule;
use crate::debounce::Algorithm;
use crate::decision::Values;
use crate::id::MAX_INPUTS;
use crate::time::Duration;
use crate::wire::{Reader, Wire};

/// What a program has too much of, or what an id does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum What {
    /// Inputs.
    Inputs,
    /// Outputs.
    Outputs,
    /// Sensors.
    Sensors,
    /// Variables.
    Variables,
    /// Triggers.
    Triggers,
    /// Schedules.
    Schedules,
    /// Scenarios.
    Scenarios,
    /// Slots of the pool of runs.
    Runs,
    /// Bytes of code.
    Code,
}

/// Why a program is refused. Ids are those of the image; the host turns them into names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are something else.
    NotAnImage,
    /// An image of another version.
    Version {
        /// The image's.
        have: u8,
        /// The one that this engine reads.
        want: u8,
    },
    /// The bytes end too soon, or a part does not decode.
    Truncated,
    /// More bytes than parts.
    TrailingBytes,
    /// The checksum does not fit.
    Checksum,
    /// More than this engine has room for.
    TooMany {
        /// Of what.
        what: What,
        /// In the program.
        have: u16,
        /// In the engine.
        max: u16,
    },
    /// A trigger names something that the program has not, or of which it makes no sense.
    Trigger {
        /// Which trigger.
        trigger: u8,
        /// What is wrong.
        why: TriggerError,
    },
    /// An input whose debounce makes no sense.
    Debounce {
        /// Which input.
        input: u8,
    },
    /// A schedule that is none.
    Schedule {
        /// Which.
        schedule: u8,
    },
    /// A scenario with a mode of no runs.
    Mode {
        /// Which scenario.
        scenario: u8,
    },
    /// A scenario whose code is wrong.
    Code {
        /// Which scenario.
        scenario: u8,
        /// Where in its code, in bytes.
        at: u16,
        /// What is wrong there.
        why: CodeError,
    },
}

/// What is wrong with a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TriggerError {
    /// No such id.
    Unknown {
        /// Of what.
        what: What,
        /// The id.
        id: u8,
    },
    /// The table is not sorted by key.
    Unsorted,
    /// A period of zero.
    NoPeriod,
    /// A negative hysteresis.
    Hysteresis,
}

/// What is wrong with code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CodeError {
    /// No instruction.
    NotAnInstruction,
    /// No such id.
    Unknown {
        /// Of what.
        what: What,
        /// The id.
        id: u8,
    },
    /// The stack of an expression runs over or dry.
    Stack,
    /// Blocks that do not nest.
    Nesting,
    /// Blocks nested too deep.
    TooDeep,
    /// Loops nested too deep, or with the wrong counter.
    Loops,
    /// More steps than allowed between two waits.
    TooManySteps {
        /// At the most.
        have: u32,
    },
    /// A loop without a wait whose count is not a constant.
    UnboundedLoop,
    /// More values than a message has.
    TooManyValues,
    /// The code is not as long as its scenario says.
    Length,
}

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
        let def: InputDef = image.item()?;
        if !(sane(def.debounce.press) && sane(def.debounce.release)) {
            return Err(LoadError::Debounce { input });
        }
    }
    for _ in 0..counts.outputs {
        image.item::<OutputDef>()?;
    }
    for _ in 0..counts.sensors {
        image.item::<SensorDef>()?;
    }
    for _ in 0..counts.variables {
        image.item::<VarDef>()?;
    }
    let mut last = (0, 0);
    for trigger in 0..counts.triggers {
        let def: TriggerDef = image.item()?;
        check_trigger(&def, last, &counts).map_err(|why| LoadError::Trigger { trigger, why })?;
        last = def.on.key();
    }
    for schedule in 0..counts.schedules {
        if !image.item::<Schedule>()?.is_valid() {
            return Err(LoadError::Schedule { schedule });
        }
    }
    check_scenarios(image, room)
}

fn check_room(have: &Counts, max: &Counts) -> Result<(), LoadError> {
    let most_inputs = u8::try_from(MAX_INPUTS).unwrap_or(u8::MAX).min(max.inputs);
    [
        (What::Inputs, have.inputs, most_inputs),
        (What::Outputs, have.outputs, max.outputs),
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

/// Spans of more than an hour are a mistake of unit, and would overflow the sums of `integrate`.
const fn sane(algorithm: Algorithm) -> bool {
    algorithm.span().micros() <= Duration::from_secs(3600).micros()
}

fn known(what: What, id: u8, count: u8) -> Result<(), (What, u8)> {
    if id < count { Ok(()) } else { Err((what, id)) }
}

fn check_trigger(def: &TriggerDef, last: (u8, u8), counts: &Counts) -> Result<(), TriggerError> {
    let about = match def.on {
        On::Input { input, .. } => known(What::Inputs, input.0, counts.inputs),
        On::Output { output, .. } => known(What::Outputs, output.0, counts.outputs),
        On::Variable { var } => known(What::Variables, var.0, counts.variables),
        On::Above { sensor, .. } | On::Below { sensor, .. } | On::Sensor { sensor } => {
            known(What::Sensors, sensor.0, counts.sensors)
        }
        On::Schedule { schedule } => known(What::Schedules, schedule, counts.schedules),
        On::Started | On::Every { .. } | On::Link { .. } => Ok(()),
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
        image.item::<ScenarioDef>()?;
    }
    let mut code = image.code()?;
    let mut runs = 0u16;
    for scenario in 0..counts.scenarios {
        let def: ScenarioDef = defs.item()?;
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
        if !condition.is_empty() {
            let mut r = Reader::new(condition);
            check_expression(&mut r, &counts).map_err(|why| wrong((0, why)))?;
            if !r.is_empty() {
                return Err(wrong((0, CodeError::Length)));
            }
        }
        Body::new(body, &counts)
            .check()
            .map_err(|(at, why)| wrong((at.saturating_add(condition.len()), why)))?;
    }
    if !code.is_empty() {
        return Err(LoadError::TrailingBytes);
    }
    fits(What::Runs, runs, u16::from(room.runs))
}

fn take<'a>(code: &mut &'a [u8], len: u16) -> Result<&'a [u8], (usize, CodeError)> {
    let (taken, rest) = code.split_at_checked(usize::from(len)).ok_or((0, CodeError::Length))?;
    *code = rest;
    Ok(taken)
}

const fn unknown((what, id): (What, u8)) -> CodeError {
    CodeError::Unknown { what, id }
}

/// Checks one expression and gives its value if it is a constant.
fn check_expression(r: &mut Reader<'_>, counts: &Counts) -> Result<Option<i32>, CodeError> {
    let mut depth = 0usize;
    let mut constant = None;
    let mut ops = 0u32;
    loop {
        let op = Op::get(r).ok_or(CodeError::NotAnInstruction)?;
        match op {
            Op::Input { input } => known(What::Inputs, input.0, counts.inputs),
            Op::Output { output } => known(What::Outputs, output.0, counts.outputs),
            Op::Sensor { sensor } => known(What::Sensors, sensor.0, counts.sensors),
            Op::Var { var } => known(What::Variables, var.0, counts.variables),
            _ => Ok(()),
        }
        .map_err(unknown)?;
        let (takes, gives) = op.arity();
        depth = depth.checked_sub(takes).ok_or(CodeError::Stack)?.saturating_add(gives);
        if depth > MAX_STACK {
            return Err(CodeError::Stack);
        }
        match op {
            Op::End {} if depth != 0 => return Err(CodeError::Stack),
            Op::End {} => return Ok(if ops == 1 { constant } else { None }),
            Op::Const { value } => constant = Some(value),
            _ => constant = None,
        }
        ops = ops.saturating_add(1);
    }
}

/// A block of a body: where it ends, and what it is.
struct Block {
    end: usize,
    /// Steps of this slice before the loop, for a loop.
    repeat: Option<Loop>,
}

struct Loop {
    slot: u8,
    start: usize,
    /// Steps since the last wait when the loop began.
    before: u32,
    /// Steps of a round up to its first sure wait, once there was one.
    head: Option<u32>,
    rounds: Option<u32>,
}

/// Walks a body once, in the order of its bytes, with the stack of blocks it is in.
struct Body<'a> {
    code: &'a [u8],
    at: usize,
    counts: &'a Counts,
    blocks: heapless::Vec<Block, MAX_BLOCKS>,
    /// Steps since the last sure wait, within the innermost loop.
    steps: u32,
}

impl<'a> Body<'a> {
    const fn new(code: &'a [u8], counts: &'a Counts) -> Self {
        Self { code, at: 0, counts, blocks: heapless::Vec::new(), steps: 0 }
    }

    fn check(mut self) -> Result<(), (usize, CodeError)> {
        while self.at < self.code.len() {
            let at = self.at;
            self.step().map_err(|why| (at, why))?;
        }
        if self.blocks.is_empty() { Ok(()) } else { Err((self.at, CodeError::Nesting)) }
    }

    fn step(&mut self) -> Result<(), CodeError> {
        let mut r = Reader::new(self.code.get(self.at..).unwrap_or_default());
        let step = Step::get(&mut r).ok_or(CodeError::NotAnInstruction)?;
        let mut constant = None;
        for _ in 0..expressions(&step) {
            constant = check_expression(&mut r, self.counts)?;
        }
        self.at = self.code.len().saturating_sub(r.rest().len());
        self.check_ids(&step)?;
        self.steps = self.steps.saturating_add(1);
        self.check_slice()?;
        match step {
            Step::Wait { .. } => self.sure_wait()?,
            Step::If { skip } => self.open(skip, None)?,
            Step::Else { skip } => {
                let then = self.blocks.pop().ok_or(CodeError::Nesting)?;
                if then.repeat.is_some() || then.end != self.at {
                    return Err(CodeError::Nesting);
                }
                self.open(skip, None)?;
            }
            Step::Repeat { slot, skip } => {
                let outer = self.blocks.iter().filter(|block| block.repeat.is_some()).count();
                if outer >= MAX_LOOPS || usize::from(slot) != outer {
                    return Err(CodeError::Loops);
                }
                let rounds = constant.map(|n| n.clamp(0, i32::from(u16::MAX)).cast_unsigned());
                let (start, before) = (self.at, self.steps);
                self.open(skip, Some(Loop { slot, start, before, head: None, rounds }))?;
                self.steps = 0;
            }
            Step::Again { slot, back } => self.close_loop(slot, back)?,
            _ => {}
        }
        // A block of conditions ends where its bytes do; a loop ends with its `Again`, and only so.
        while let Some(block) = self.blocks.last() {
            match block.end {
                end if end == self.at && block.repeat.is_none() => drop(self.blocks.pop()),
                end if end <= self.at => return Err(CodeError::Nesting),
                _ => break,
            }
        }
        Ok(())
    }

    fn check_ids(&self, step: &Step) -> Result<(), CodeError> {
        match *step {
            Step::Set { output, .. } => known(What::Outputs, output.0, self.counts.outputs),
            Step::Let { var } => known(What::Variables, var.0, self.counts.variables),
            Step::Start { scenario } | Step::Stop { scenario } => {
                known(What::Scenarios, scenario.0, self.counts.scenarios)
            }
            Step::Send { values, .. } if usize::from(values) > Values::MAX => {
                return Err(CodeError::TooManyValues);
            }
            _ => Ok(()),
        }
        .map_err(unknown)
    }

    fn open(&mut self, skip: u16, repeat: Option<Loop>) -> Result<(), CodeError> {
        let end = self.at.saturating_add(usize::from(skip));
        let limit = self.blocks.last().map_or(self.code.len(), |outer| outer.end);
        if end > limit {
            return Err(CodeError::Nesting);
        }
        self.blocks.push(Block { end, repeat }).map_err(|_| CodeError::TooDeep)
    }

    /// A wait that every path through the innermost loop, or through the body, comes by.
    fn sure_wait(&mut self) -> Result<(), CodeError> {
        match self.blocks.last_mut() {
            None => self.steps = 0,
            Some(Block { repeat: Some(repeat), .. }) => {
                repeat.head = repeat.head.or(Some(self.steps));
                self.steps = 0;
            }
            Some(Block { repeat: None, .. }) => {}
        }
        Ok(())
    }

    fn close_loop(&mut self, slot: u8, back: u16) -> Result<(), CodeError> {
        let Some(Block { end, repeat: Some(repeat) }) = self.blocks.pop() else {
            return Err(CodeError::Nesting);
        };
        if end != self.at || slot != repeat.slot || usize::from(back) != self.at.saturating_sub(repeat.start)
        {
            return Err(CodeError::Nesting);
        }
        self.steps = match (repeat.head, repeat.rounds) {
            (Some(head), _) => {
                let round = head.saturating_add(self.steps);
                if round > u32::from(MAX_STEPS) {
                    return Err(CodeError::TooManySteps { have: round });
                }
                self.steps.max(repeat.before)
            }
            (None, Some(rounds)) => repeat.before.saturating_add(self.steps.saturating_mul(rounds)),
            (None, None) => return Err(CodeError::UnboundedLoop),
        };
        self.check_slice()
    }

    /// The steps since the last wait, the loops around included that have not waited yet.
    fn check_slice(&self) -> Result<(), CodeError> {
        let mut have = self.steps;
        for repeat in self.blocks.iter().rev().filter_map(|block| block.repeat.as_ref()) {
            if repeat.head.is_some() {
                break;
            }
            have = have.saturating_add(repeat.before);
        }
        if have > u32::from(MAX_STEPS) { Err(CodeError::TooManySteps { have }) } else { Ok(()) }
    }
}

/// How many expressions stand behind a step.
pub(crate) const fn expressions(step: &Step) -> u8 {
    match step {
        Step::Until { .. } | Step::Let { .. } | Step::If { .. } | Step::Repeat { .. } => 1,
        Step::Send { values, .. } => *values,
        _ => 0,
    }
}
