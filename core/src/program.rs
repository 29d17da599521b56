//! A program: what a house does. Inputs, outputs, sensors, variables, triggers and scenarios, without names.
//!
//! The parts here are what the compiler hands out and what the engine executes. Their form in bytes, the *image*,
//! is in [`image`]; what the engine refuses, in [`verify`] and [`refusal`]; the instructions of scenarios, in [`code`].

pub mod code;
pub mod image;
pub mod refusal;
pub mod verify;

use serde::Serialize;

use crate::debounce::Debounce;
use crate::id::{InputId, Level, MessageId, OutputId, PeerId, ScenarioId, SensorId, VarId};
use crate::time::Duration;
use crate::wire::{Out, Reader, Wire, wire_struct, wire_variants};

/// An input: a line that is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputDef {
    /// Hash of board and line: a swap of programs keeps the level of the same line.
    pub line: u32,
    /// How its edges are decided.
    pub debounce: Debounce,
    /// The storm guard: edges per second that are let through in the long run; 0 for no guard.
    pub storm: u16,
}

wire_struct!(InputDef { line, debounce, storm });

/// An output: a line that is driven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputDef {
    /// Hash of board and line: a swap of programs keeps the level of the same line.
    pub line: u32,
    /// Taken at start, at stop, on a fault and when `max_on` passes.
    pub safe: Level,
    /// The longest time it may stay away from its safe level; zero for no limit.
    pub max_on: Duration,
}

wire_struct!(OutputDef { line, safe, max_on });

/// A sensor: a named number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SensorDef {
    /// Hash of its name: a swap of programs keeps its value.
    pub name: u32,
}

wire_struct!(SensorDef { name });

/// A variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VarDef {
    /// Hash of its name: a swap of programs keeps its value.
    pub name: u32,
    /// Its value at the first start.
    pub initial: i32,
}

wire_struct!(VarDef { name, initial });

/// What makes a scenario run. The table of triggers is sorted by [`On::key`], those of one key in the file's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TriggerDef {
    /// Which scenario.
    pub scenario: ScenarioId,
    /// When.
    pub on: On,
}

wire_struct!(TriggerDef { scenario, on });

/// The occasions for a scenario. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The engine has started. A swap of programs is no start.
    Started,
    /// A debounced input changed, or has stayed so for a time.
    Input {
        /// Which.
        input: InputId,
        /// To this level; `None` for both.
        to: Option<Level>,
        /// Measured from the decision, given up when it changes again; zero to fire at once.
        hold: Duration,
    },
    /// An output changed.
    Output {
        /// Which.
        output: OutputId,
        /// To this level; `None` for both.
        to: Option<Level>,
    },
    /// A variable changed.
    Variable {
        /// Which.
        var: VarId,
    },
    /// A sensor crossed a limit upwards; armed again at `limit - hysteresis` or less.
    Above {
        /// Which.
        sensor: SensorId,
        /// Fires beyond it.
        limit: i32,
        /// Not negative.
        hysteresis: i32,
    },
    /// A sensor crossed a limit downwards; armed again at `limit + hysteresis` or more.
    Below {
        /// Which.
        sensor: SensorId,
        /// Fires beyond it.
        limit: i32,
        /// Not negative.
        hysteresis: i32,
    },
    /// Any change of a sensor's value.
    Sensor {
        /// Which.
        sensor: SensorId,
    },
    /// At load + k periods, without drift.
    Every {
        /// Not zero.
        period: Duration,
    },
    /// `at` or `cron`: the runner computes the moments from the program's table of schedules and feeds a `Tick`.
    Schedule {
        /// Place in the table of schedules.
        schedule: u8,
    },
    /// A peer came or went.
    Link {
        /// Which.
        peer: PeerId,
        /// Came, or went.
        up: bool,
    },
    /// A message came: from another node, or from anyone who may send one.
    Message {
        /// Which.
        message: MessageId,
    },
}

wire_variants!(On {
    0 Started {},
    1 Input { input, to, hold },
    2 Output { output, to },
    3 Variable { var },
    4 Above { sensor, limit, hysteresis },
    5 Below { sensor, limit, hysteresis },
    6 Sensor { sensor },
    7 Every { period },
    8 Schedule { schedule },
    9 Link { peer, up },
    10 Message { message },
});

impl On {
    /// What the table of triggers is sorted by: the kind of the occasion, then the id it is about.
    pub const fn key(&self) -> u16 {
        match *self {
            Self::Started => Subject::Start.key(0),
            Self::Input { input, .. } => Subject::Input.key(input.0),
            Self::Output { output, .. } => Subject::Output.key(output.0),
            Self::Variable { var } => Subject::Variable.key(var.0),
            Self::Above { sensor, .. } | Self::Below { sensor, .. } | Self::Sensor { sensor } => {
                Subject::Sensor.key(sensor.0)
            }
            Self::Every { .. } => Subject::Time.key(0),
            Self::Schedule { .. } => Subject::Calendar.key(0),
            Self::Link { peer, .. } => Subject::Link.key(peer.0),
            Self::Message { message } => Subject::Message.key(message.0),
        }
    }
}

/// What an occasion is about, in the order of the table of triggers.
#[derive(Clone, Copy)]
pub(crate) enum Subject {
    Start,
    Input,
    Output,
    Variable,
    Sensor,
    Time,
    Calendar,
    Link,
    Message,
}

impl Subject {
    /// See [`On::key`].
    pub(crate) const fn key(self, id: u8) -> u16 {
        (self as u16) << 8 | id as u16
    }
}

/// A scenario: triggers, a condition, actions. Its code is its condition, then its body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(Rust, packed(2))]
pub struct ScenarioDef {
    /// Hash of what its author wrote, names included: a swap of programs keeps the runs of an unchanged scenario.
    pub hash: u32,
    /// Bytes of the condition; 0 for none.
    pub condition: u16,
    /// Bytes of the body.
    pub body: u16,
    /// What happens to an occurrence while it runs.
    pub mode: Mode,
    /// What happens to a run when the power comes back.
    pub after_restart: AfterRestart,
}

wire_struct!(ScenarioDef { hash, condition, body, mode, after_restart });

/// What happens to an occurrence while the scenario runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Mode {
    /// It is skipped.
    #[default]
    Single,
    /// The run begins anew, and keeps its outputs.
    Restart,
    /// It waits, up to so many with the one that runs.
    Queued(u8),
    /// It runs too, up to so many.
    Parallel(u8),
}

impl Wire for Mode {
    fn put(&self, w: &mut impl Out) {
        match *self {
            Self::Single => w.u8(0),
            Self::Restart => w.u8(1),
            Self::Queued(n) => [2, n].into_iter().for_each(|byte| w.u8(byte)),
            Self::Parallel(n) => [3, n].into_iter().for_each(|byte| w.u8(byte)),
        }
    }
    fn read(r: &mut Reader<'_>) -> Self {
        match u8::read(r) {
            1 => Self::Restart,
            2 => Self::Queued(u8::read(r)),
            3 => Self::Parallel(u8::read(r)),
            other => {
                if other != 0 {
                    r.fail();
                }
                Self::Single
            }
        }
    }
}

impl Mode {
    /// How many slots of the pool of runs the scenario needs.
    pub const fn slots(self) -> u8 {
        match self {
            Self::Single | Self::Restart => 1,
            Self::Queued(n) | Self::Parallel(n) => n,
        }
    }
}

/// What happens to a run when the power comes back. All but `Cancel` make the scenario *durable*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum AfterRestart {
    /// It ends.
    #[default]
    Cancel,
    /// It goes on; time switched off does not count.
    Resume,
    /// It goes on; time switched off counts, and what has passed is due at once.
    FireIfMissed,
}

wire_variants!(AfterRestart { 0 Cancel {}, 1 Resume {}, 2 FireIfMissed {} });

/// All parts of a program, as the compiler has them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts<'a> {
    /// Hash of the symbol table: with other names it is another program, whose records are told by those names.
    pub names: u32,
    /// At most [`MAX_INPUTS`](crate::id::MAX_INPUTS).
    pub inputs: &'a [InputDef],
    /// In the order of their ids, as all of these.
    pub outputs: &'a [OutputDef],
    /// Sensors.
    pub sensors: &'a [SensorDef],
    /// Variables.
    pub variables: &'a [VarDef],
    /// Sorted by [`On::key`].
    pub triggers: &'a [TriggerDef],
    /// Moments of `at` and `cron`.
    pub schedules: &'a [crate::calendar::Schedule],
    /// Scenarios.
    pub scenarios: &'a [ScenarioDef],
    /// Condition and body of the first scenario, of the second, ...
    pub code: &'a [u8],
}
