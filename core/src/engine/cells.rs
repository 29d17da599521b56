//! Cells: one place of the engine's tables, the part of the program and its state side by side.

use crate::debounce::{Algorithm, Debounce};
use crate::decision::{By, SafetyWhy};
use crate::id::{Level, RunId, ScenarioId};
use crate::program::{
    AfterRestart, InputDef, Mode, On, OutputDef, ScenarioDef, SensorDef, TriggerDef, VarDef,
};
use crate::scenario::run::OVER;
use crate::slots::Empty;
use crate::time::{Duration, Instant};

impl Empty for InputDef {
    const EMPTY: Self = Self {
        line: 0,
        debounce: Debounce { press: Algorithm::None, release: Algorithm::None, max_wait_us: 0 },
        storm: 0,
    };
}

/// An output.
#[derive(Clone, Debug)]
pub struct Output {
    pub(crate) def: OutputDef,
    pub(crate) level: Level,
    pub(crate) by: By,
    /// The hardware did not take the level.
    pub(crate) failed: bool,
    /// When `max-on` passes.
    pub(crate) due: Instant,
    /// The instant at which safety took it: no one else may have it then.
    pub(crate) held: Instant,
}

impl Empty for Output {
    const EMPTY: Self = Self {
        def: OutputDef { line: 0, safe: Level::Off, max_on: Duration::ZERO },
        level: Level::Off,
        by: By::Safety { why: SafetyWhy::Start },
        failed: false,
        due: Instant::NEVER,
        held: Instant::NEVER,
    };
}

impl Output {
    /// Whether this run wrote it last.
    pub(crate) fn is_of(&self, run: RunId) -> bool {
        matches!(self.by, By::Run { run: writer, .. } if writer == run)
    }

    /// Its writer ended in peace: the level stays, and nobody will take it back.
    pub(crate) fn disown(&mut self, run: RunId) {
        if let By::Run { run: writer, .. } = &mut self.by
            && *writer == run
        {
            *writer = OVER;
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
    pub(crate) def: TriggerDef,
    /// Of `above` and `below`: the next crossing fires.
    pub(crate) armed: bool,
    /// Of `for` and `every`: when it fires.
    pub(crate) due: Instant,
    /// Of a durable `for` after a restart: what was left, until its input is read.
    pub(crate) left: Option<Duration>,
}

impl Empty for Trigger {
    const EMPTY: Self = Self {
        def: TriggerDef { scenario: ScenarioId(0), on: On::Started },
        armed: false,
        due: Instant::NEVER,
        left: None,
    };
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
