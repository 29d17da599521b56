//! The engine: one house's program at work, between inputs that carry their time and effects that the host carries
//! out.

pub mod cells;
mod checkpoint;
mod due;
mod inputs;
mod load;
mod outputs;
mod start;
pub(crate) mod state;
pub mod status;
mod swap;
#[cfg(test)]
mod tests;
mod triggers;
pub(crate) mod view;
pub(crate) mod wall;

use crate::capacity::Capacity;
use crate::effect::Effect;
use crate::input::Input;
use crate::log::{EventLog, LogMut, Ring};
use crate::program::image::Counts;
use crate::program::verify::{LoadError, Room};
use crate::restore::Restore;
use crate::slots::Slots;
use crate::time::Instant;
use state::{Phase, State};
use view::View;

/// What a call of [`Engine::poll`] did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Step {
    /// Carry this out, then poll again.
    Do(Effect),
    /// A few items are done and there are more: poll again.
    Again,
    /// Nothing is left at this time. Poll again at `next`, if there is one, or after an input.
    Idle {
        /// The next deadline, or a moment shortly before it.
        next: Option<Instant>,
    },
}

/// Why an input was not taken. Nothing was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Rejected {
    /// Something is due at or before the input's time: poll at that time until `Idle`, then hand it in again.
    Busy,
    /// No program is loaded.
    NoProgram,
    /// The program has no such input, output, sensor or trigger.
    Unknown,
    /// An `Install` needs the image: see [`Engine::install`].
    NeedsImage,
}

/// Why a program was not swapped in. The old one goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum InstallError {
    /// As [`Rejected::Busy`].
    Busy,
    /// The engine has stopped: what is safe under another program may not be what the outputs are.
    Stopped,
    /// The program is refused.
    Load(LoadError),
}

impl core::fmt::Display for InstallError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Busy => f.write_str("the engine has not settled"),
            Self::Stopped => f.write_str("the engine has stopped"),
            Self::Load(why) => write!(f, "{why}"),
        }
    }
}

/// The tables of a program with their state.
#[derive(Clone)]
struct Tables<C: Capacity> {
    inputs: C::Inputs,
    outputs: C::Outputs,
    sensors: C::Sensors,
    variables: C::Variables,
    triggers: C::Triggers,
    schedules: C::Schedules,
    scenarios: C::Scenarios,
    runs: C::Runs,
    code: C::Code,
}

impl<C: Capacity> Tables<C> {
    const EMPTY: Self = Self {
        inputs: C::Inputs::EMPTY,
        outputs: C::Outputs::EMPTY,
        sensors: C::Sensors::EMPTY,
        variables: C::Variables::EMPTY,
        triggers: C::Triggers::EMPTY,
        schedules: C::Schedules::EMPTY,
        scenarios: C::Scenarios::EMPTY,
        runs: C::Runs::EMPTY,
        code: C::Code::EMPTY,
    };
}

/// A house at work.
///
/// # Contract
///
/// [`load`](Self::load) a program. Then, for ever: [`poll`](Self::poll) until [`Step::Idle`], carrying out each
/// effect before the next call; sleep until `next` or an input; [`handle`](Self::handle) the input with the time at
/// which it was *captured*. Inputs come in the order of their times; an earlier one is taken at the engine's own
/// time, and an edge is then recorded with how late it was. Everything due at or before `t` happens before an input
/// stamped `t`, and is recorded with its due time: `handle` answers `Busy` until `poll(t)` was `Idle`. So the log is a
/// function of the program and the stamped inputs; when `poll` is called, and how often, changes nothing.
///
/// A new start is `load`, then `Boot`, the `Restore`s of what outlives a power cut, a `Level` with `why: Start` for each
/// input, and a `Clock`, trusted or not, which ends the start; `started` triggers fire then. If the node was off with
/// another program, load that one for the start and [`install`](Self::install) the new one behind it. The end is a `Stop`:
/// poll until `Idle` once more, and all outputs are safe.
///
/// ```
/// use campanile_core::capacity::Tiny;
/// use campanile_core::engine::{Engine, Step};
/// use campanile_core::time::Instant;
///
/// # let mut image = [0; 64];
/// # let len = campanile_core::program::image::encode(&Default::default(), &mut image).unwrap();
/// # let image = &image[..len];
/// let mut engine: Engine<Tiny> = Engine::new();
/// engine.load(Instant::ZERO, image).expect("the host's compiler makes valid images");
/// while let Step::Do(_) | Step::Again = engine.poll(Instant::ZERO) {}
/// ```
// In this order in memory: what every call looks at is reached by shorter instructions on a microcontroller.
#[derive(Clone)]
#[repr(C)]
pub struct Engine<C: Capacity> {
    state: State,
    ring: Ring,
    tables: Tables<C>,
    buf: C::Log,
}

impl<C: Capacity> Default for Engine<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Capacity> Engine<C> {
    /// An engine without a program; fits a static.
    pub const fn new() -> Self {
        Self { state: State::new(), ring: Ring::new(), tables: Tables::EMPTY, buf: C::Log::EMPTY }
    }

    /// What this engine has room for.
    pub fn room(&self) -> Room {
        let tables = &self.tables;
        Room {
            counts: Counts {
                inputs: places(tables.inputs.as_ref()),
                outputs: places(tables.outputs.as_ref()),
                sensors: places(tables.sensors.as_ref()),
                variables: places(tables.variables.as_ref()),
                triggers: places(tables.triggers.as_ref()),
                schedules: places(tables.schedules.as_ref()),
                scenarios: places(tables.scenarios.as_ref()),
                code: u16::try_from(tables.code.as_ref().len()).unwrap_or(u16::MAX),
            },
            runs: places(tables.runs.as_ref()),
        }
    }

    /// Starts a program: all of it or nothing. Its outputs take their safe levels; `every` counts from `at`.
    ///
    /// # Errors
    /// What is wrong with the image, with the ids concerned. The engine is as it was.
    pub fn load(&mut self, at: Instant, image: &[u8]) -> Result<(), LoadError> {
        self.check(image)?;
        self.tables = Tables::EMPTY;
        self.state = State::fresh();
        self.fill(at, image)?;
        self.view().begin(at);
        self.state.settle();
        Ok(())
    }

    /// Swaps the program. Kept are variables and sensors of the same name, levels of the same lines, and runs and
    /// timers of scenarios that did not change; the outputs of runs that end go to safe. Recorded as `Install`.
    ///
    /// # Errors
    /// `Busy`, `Stopped`, or what is wrong with the image. The old program goes on.
    // Apart, so that the old tables are on a small chip's stack while they are needed, and no longer.
    #[inline(never)]
    pub fn install(&mut self, at: Instant, image: &[u8]) -> Result<Instant, InstallError> {
        self.check(image).map_err(InstallError::Load)?;
        let at = at.max(self.state.now);
        if !self.state.is_free(at) {
            return Err(InstallError::Busy);
        }
        if self.state.phase == Phase::Stopped {
            return Err(InstallError::Stopped);
        }
        let mut old = core::mem::replace(&mut self.tables, Tables::EMPTY);
        let mut old_state = self.state.clone();
        self.fill(at, image).map_err(InstallError::Load)?;
        let mut no_log = Ring::new();
        let old = view(&mut old, &mut old_state, LogMut { ring: &mut no_log, buf: &mut [] });
        self.view().swap(at, &old);
        self.state.settle();
        Ok(at)
    }

    fn check(&self, image: &[u8]) -> Result<(), LoadError> {
        crate::program::verify::verify(image, &self.room())
    }

    /// Takes an input captured at `at` and gives the time under which it is recorded.
    ///
    /// # Errors
    /// Why it was not taken; nothing was recorded then.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub fn handle(&mut self, at: Instant, input: Input) -> Result<Instant, Rejected> {
        // The way of most edges: nothing is due, nothing is decided, and the record has its place.
        if let Input::Edge { input, level } = input
            && self.state.takes_edge(at)
            && let Some(watcher) = self.tables.inputs.as_mut().get_mut(input.index())
            && watcher.is_known()
        {
            LogMut { ring: &mut self.ring, buf: self.buf.as_mut() }.edge(at, input, level);
            let due = watcher.edge(at, level, at);
            self.state.now = at;
            self.state.watch(input, due);
            return Ok(at);
        }
        self.handle_any(at, input)
    }

    /// Apart, so that the way of an edge stays short.
    #[inline(never)]
    fn handle_any(&mut self, at: Instant, input: Input) -> Result<Instant, Rejected> {
        self.view().handle(at, input)
    }

    /// Does what is due at or before `now`, up to the next effect, in calls of bounded length. Calls too many are harmless.
    #[inline]
    pub fn poll(&mut self, now: Instant) -> Step {
        // As `handle` does: a late edge is taken at the engine's time, and so is what it sets off.
        let now = now.max(self.state.now);
        if self.state.is_free(now) {
            return Step::Idle { next: self.state.next.to_option() };
        }
        self.poll_any(now)
    }

    #[inline(never)]
    fn poll_any(&mut self, now: Instant) -> Step {
        self.view().poll(now)
    }

    /// Gives the state as items which make a fresh engine with the same program go on as this one would.
    /// Only after `poll` was `Idle`. Leaves this one as it is: `mut` as all logic is written on one view.
    pub fn checkpoint(&mut self, mut f: impl FnMut(Restore)) {
        self.view().checkpoint(&mut f);
    }

    /// Takes one item of a checkpoint, into an engine that has loaded the same program and had no input since. Not
    /// recorded. (`Input::Restore` behind `Input::Boot` is the other way: a new start.)
    pub fn restore(&mut self, item: &Restore) {
        self.view().restore(item);
        self.state.settle();
    }

    /// The log.
    pub fn log(&self) -> EventLog<'_> {
        EventLog { ring: &self.ring, buf: self.buf.as_ref() }
    }

    /// The time of the last thing that happened.
    pub const fn now(&self) -> Instant {
        self.state.now
    }

    /// The hash of the program, if there is one.
    pub const fn program(&self) -> Option<u64> {
        match self.state.phase {
            Phase::Empty => None,
            _ => Some(self.state.hash),
        }
    }

    #[cfg_attr(feature = "small", inline(never))]
    #[cfg_attr(not(feature = "small"), inline)]
    fn view(&mut self) -> View<'_> {
        let log = LogMut { ring: &mut self.ring, buf: self.buf.as_mut() };
        view(&mut self.tables, &mut self.state, log)
    }

    /// Puts the parts of a program that was checked into their places.
    fn fill(&mut self, at: Instant, image: &[u8]) -> Result<(), LoadError> {
        // With all places: the counts are the program's from then on.
        self.state.counts = self.room().counts;
        let code = self.view().fill(at, image)?;
        self.tables.code.as_mut().iter_mut().zip(code).for_each(|(place, &byte)| *place = byte);
        Ok(())
    }
}

fn places<T>(table: &[T]) -> u8 {
    u8::try_from(table.len()).unwrap_or(u8::MAX)
}

/// The places that the program uses; all logic works on these, and is compiled once for all capacities.
#[inline(always)]
fn view<'a, C: Capacity>(tables: &'a mut Tables<C>, state: &'a mut State, log: LogMut<'a>) -> View<'a> {
    let counts = state.counts;
    View {
        inputs: used(tables.inputs.as_mut(), counts.inputs),
        outputs: used(tables.outputs.as_mut(), counts.outputs),
        sensors: used(tables.sensors.as_mut(), counts.sensors),
        variables: used(tables.variables.as_mut(), counts.variables),
        triggers: used(tables.triggers.as_mut(), counts.triggers),
        schedules: used(tables.schedules.as_mut(), counts.schedules),
        scenarios: used(tables.scenarios.as_mut(), counts.scenarios),
        runs: tables.runs.as_mut(),
        code: tables.code.as_ref(),
        s: state,
        log,
    }
}

#[inline]
fn used<T>(places: &mut [T], count: u8) -> &mut [T] {
    let count = places.len().min(usize::from(count));
    places.get_mut(..count).unwrap_or_default()
}
