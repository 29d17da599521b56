//! Cells: one place of the engine's tables, the part of the program and its state side by side.
//!
//! An empty cell is all zeros in memory, so that an engine in a static takes no flash; no one looks at it.

use crate::decision::{By, SafetyWhy};
use crate::id::{Level, RunId, ScenarioId};
use crate::program::{AfterRestart, Mode, On, OutputDef, ScenarioDef, SensorDef, TriggerDef, VarDef};
use crate::scenario::run::OVER;
use crate::slots::Empty;
use crate::time::{Duration, Instant};

/// The safe level is on.
const SAFE: u8 = 1;
/// The level is on.
const LEVEL: u8 = 2;
/// The hardware did not take the level.
const FAILED: u8 = 4;

/// An output. Its levels share a byte: a microcontroller has few of them.
#[derive(Clone, Debug)]
pub struct Output {
    pub(crate) line: u32,
    pub(crate) max_on: Duration,
    /// When `max-on` passes.
    pub(crate) due: Instant,
    pub(crate) by: By,
    flags: u8,
}

impl Empty for Output {
    const EMPTY: Self = Self {
        line: 0,
        max_on: Duration::ZERO,
        due: Instant::ZERO,
        by: By::Run { run: RunId(0), scenario: ScenarioId(0) },
        flags: 0,
    };
}

impl From<OutputDef> for Output {
    fn from(def: OutputDef) -> Self {
        let OutputDef { line, safe, max_on } = def;
        let by = By::Safety { why: SafetyWhy::Start };
        let flags = if safe.is_on() { SAFE | LEVEL } else { 0 };
        Self { line, max_on, due: Instant::NEVER, by, flags }
    }
}

impl Output {
    pub(crate) const fn safe(&self) -> Level {
        Level::from_bool(self.flags & SAFE != 0)
    }

    pub(crate) const fn level(&self) -> Level {
        Level::from_bool(self.flags & LEVEL != 0)
    }

    pub(crate) fn is_safe(&self) -> bool {
        self.level() == self.safe()
    }

    /// The hardware did not take the level.
    pub(crate) const fn has_failed(&self) -> bool {
        self.flags & FAILED != 0
    }

    pub(crate) const fn set_level(&mut self, level: Level) {
        self.set(LEVEL, level.is_on());
    }

    pub(crate) const fn set_failed(&mut self, failed: bool) {
        self.set(FAILED, failed);
    }

    const fn set(&mut self, flag: u8, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }

    /// Whether this run wrote it last.
    pub(crate) fn is_of(&self, run: RunId) -> bool {
        matches!(self.by, By::Run { run: writer, .. } if writer == run)
    }

    /// The run that wrote it last is only remembered from now on.
    pub(crate) const fn disown(&mut self) {
        if let By::Run { run, .. } = &mut self.by {
            *run = OVER;
        }
    }
}

/// A sensor.
#[derive(Clone, Debug)]
pub struct Sensor {
    pub(crate) def: SensorDef,
    pub(crate) value: Option<i32>,
}

impl Empty for Sensor {
    const EMPTY: Self = Self { def: SensorDef { name: 0 }, value: None };
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Variable {
    pub(crate) name: u32,
    pub(crate) value: i32,
}

impl Empty for Variable {
    const EMPTY: Self = Self { name: 0, value: 0 };
}

impl From<VarDef> for Variable {
    fn from(def: VarDef) -> Self {
        Self { name: def.name, value: def.initial }
    }
}

/// A trigger.
#[derive(Clone, Debug)]
pub struct Trigger {
    pub(crate) on: On,
    /// [`On::key`], at hand for the search.
    pub(crate) key: u16,
    /// When it fires, or what was left; see `armed`.
    timer: Instant,
    pub(crate) scenario: ScenarioId,
    /// Of `above` and `below`: the next crossing fires. Of a durable `for` after a restart: the timer is no point in time
    /// but the span that was left, until the input is read.
    pub(crate) armed: bool,
}

impl Empty for Trigger {
    const EMPTY: Self =
        Self { on: On::Started, key: 0, timer: Instant::ZERO, scenario: ScenarioId(0), armed: false };
}

impl From<TriggerDef> for Trigger {
    fn from(def: TriggerDef) -> Self {
        let TriggerDef { scenario, on } = def;
        Self { on, key: on.key(), timer: Instant::NEVER, scenario, armed: false }
    }
}

impl Trigger {
    const fn has_left(&self) -> bool {
        self.armed && matches!(self.on, On::Input { .. })
    }

    /// Of `for` and `every`: when it fires.
    pub(crate) const fn due(&self) -> Instant {
        if self.has_left() { Instant::NEVER } else { self.timer }
    }

    pub(crate) fn set_due(&mut self, due: Option<Instant>) {
        self.armed &= !self.has_left();
        self.timer = due.unwrap_or(Instant::NEVER);
    }

    /// Of a durable `for` after a restart: what was left, until its input is read.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.has_left().then(|| Duration::from_micros(self.timer.micros()))
    }

    /// Takes over the state of a trigger for the same occasion.
    pub(crate) const fn go_on_as(&mut self, old: &Self) {
        (self.timer, self.armed) = (old.timer, old.armed);
    }

    /// Only for a trigger by an input.
    pub(crate) fn set_left(&mut self, left: Option<Duration>) {
        self.armed = left.is_some();
        self.timer = left.map_or(Instant::NEVER, |left| Instant::from_micros(left.micros()));
    }
}

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(crate) def: ScenarioDef,
    /// Where its code begins.
    pub(crate) start: u16,
}

impl Empty for Scenario {
    const EMPTY: Self = Self {
        def: ScenarioDef {
            hash: 0,
            condition: 0,
            body: 0,
            mode: Mode::Single,
            after_restart: AfterRestart::Cancel,
        },
        start: 0,
    };
}

impl Scenario {
    /// Whether its runs and timers outlive a restart, and are recorded so that they can.
    pub(crate) const fn is_durable(&self) -> bool {
        !matches!(self.def.after_restart, AfterRestart::Cancel)
    }
}
