//! What the engine decides: the records 64 and up. A replay of the same inputs must produce the same bytes.

use crate::id::{InputId, Level, OutputId, RunId, ScenarioId, SensorId, TemplateId, TriggerId, VarId};
use crate::time::Duration;
use crate::wire::{Out, Reader, Wire, wire_enum, wire_union};

wire_union! {
    /// One decision. The numbers are those of the records; append only.
    Decision {
        /// An input changed (debounced), or a sensor's value did.
        64 Event { /** What. */ source: Source, /** Level as 0 or 1, or the sensor's value; `None` when it is lost. */ value: Option<i32>, /** From the onset to this decision. */ onset_ago: Duration, /** Raw edges since the event before, beyond the one that was needed. */ bounces: u16 },
        /// A run came into being, or goes on.
        65 Run { /** Its slot. */ run: RunId, /** Of which scenario. */ scenario: ScenarioId, /** What caused it. */ cause: Cause, /** Started, queued, ... */ how: RunHow, /** From the onset of the cause. */ onset_ago: Duration },
        /// An occurrence that started no run.
        66 Skip { /** Of which scenario. */ scenario: ScenarioId, /** Why not. */ why: SkipWhy },
        /// A durable run waits.
        67 Wait { /** Its slot. */ run: RunId, /** Where in its body it goes on. */ pc: u16, /** Until then; `None` without a limit. */ left: Option<Duration>, /** Rounds left of the loops it is in. */ rounds: Rounds },
        /// A run is over.
        68 End { /** Its slot. */ run: RunId, /** Why. */ why: EndWhy },
        /// An output was written.
        69 Set { /** Which. */ output: OutputId, /** To. */ level: Level, /** By whom. */ by: By },
        /// A variable was written.
        70 Let { /** Which. */ var: VarId, /** To. */ value: i32 },
        /// A message, its values frozen.
        71 Send { /** Which. */ template: TemplateId, /** In the order of the symbol table. */ values: Values, /** From the onset of the run's cause. */ onset_ago: Duration },
        /// A command was answered.
        72 Reply { /** To whom. */ origin: Origin, /** Their number. */ id: u32, /** What became of it. */ result: ReplyResult },
        /// Moments of an `every` that fell into a stall.
        73 Missed { /** Which. */ trigger: TriggerId, /** How many. */ n: u32 },
        /// The `for` of a durable scenario's trigger was armed or disarmed.
        74 Arm { /** Which. */ trigger: TriggerId, /** Until it fires; `None`: disarmed. */ left: Option<Duration> },
        /// Something is wrong.
        75 Fault { /** What. */ what: FaultKind, /** The id of the input, output or scenario concerned. */ at: u8 },
        /// What `timed-out` reads in a durable run has changed.
        76 TimedOut { /** Its slot. */ run: RunId, /** Its last `wait-until` was in vain. */ timed_out: bool },
    }
}

wire_union! {
    /// What an event is about.
    Source {
        /// A debounced input.
        0 Input { /** Which. */ input: InputId },
        /// A sensor.
        1 Sensor { /** Which. */ sensor: SensorId },
    }
}

wire_union! {
    /// What caused a run.
    Cause {
        /// One of its triggers.
        0 Trigger { /** Which. */ trigger: TriggerId },
        /// `start` in another scenario, or itself.
        1 Scenario { /** Which. */ scenario: ScenarioId },
        /// A command.
        2 Command { /** Whose. */ origin: Origin },
    }
}

wire_union! {
    /// Who wrote an output.
    By {
        /// A run.
        0 Run { /** Its slot. */ run: RunId, /** Its scenario. */ scenario: ScenarioId },
        /// A command.
        1 Command { /** Whose. */ origin: Origin },
        /// Nobody: the output took its safe level.
        2 Safety { /** Why. */ why: SafetyWhy },
    }
}

wire_enum! {
    /// Who gives a command.
    Origin {
        /// A person or program on this machine, over the control socket.
        Local = 0,
        /// A message of a sink that also listens (MQTT, a shadow).
        Message = 1,
        /// A gateway's client (pigpio, ZeroMQ, HTTP).
        Gateway = 2,
        /// Another node, over a link.
        Link = 3,
        /// A script of the simulator.
        Script = 4,
    }

    /// Why an output took its safe level.
    SafetyWhy {
        /// The engine starts.
        Start = 0,
        /// Its `max-on` passed.
        MaxOn = 1,
        /// The run that wrote it last ended early.
        RunEnded = 2,
        /// The link that commanded it died.
        Link = 3,
        /// The engine stops.
        Stop = 4,
        /// The new program has another line for it, or none.
        Swap = 5,
        /// Something went wrong.
        Fault = 6,
    }

    /// How a run came into being.
    RunHow {
        /// It executes now.
        Started = 0,
        /// It waits for the run before it.
        Queued = 1,
        /// It begins anew in the slot of the run before it.
        Restarted = 2,
        /// It goes on after a power cut.
        Resumed = 3,
    }

    /// Why an occurrence started no run, or a step did nothing.
    SkipWhy {
        /// The condition is false.
        Condition = 0,
        /// The condition is unknown.
        Unknown = 1,
        /// The scenario runs as often as its mode allows.
        Busy = 2,
        /// Not the run, only a `let` in it: its value is unknown, and the variable stays as it is.
        Value = 3,
    }

    /// Why a run is over.
    EndWhy {
        /// It came to its end.
        Done = 0,
        /// `end` in its body.
        Ended = 1,
        /// `stop` in a scenario, or a command.
        Stopped = 2,
        /// A fault, recorded before.
        Fault = 3,
        /// A restart with `after-restart = "cancel"`.
        Reboot = 4,
        /// The new program has no such scenario.
        Swap = 5,
    }

    /// What became of a command.
    ReplyResult {
        /// Carried out.
        Done = 0,
        /// Already carried out, under the same number.
        Duplicate = 1,
        /// It names something that the program has not.
        Unknown = 2,
        /// It came too late.
        Expired = 3,
        /// Safety forbids it at this instant.
        Refused = 4,
    }

    /// What is wrong.
    FaultKind {
        /// A run divided by zero; `at` is its scenario.
        DivisionByZero = 0,
        /// More than 64 occurrences at one instant; the rest is dropped. `at` is the scenario dropped.
        Cascade = 1,
        /// The agenda is full; `at` is the scenario dropped.
        AgendaFull = 2,
        /// More than 255 steps without a wait; `at` is the scenario.
        TooManySteps = 3,
        /// The hardware did not take an output's level; `at` is the output.
        OutputFailed = 4,
        /// A write to an output at the instant in which safety took it; `at` is the output.
        SafetyHolds = 5,
        /// The engine found itself in a state that its own rules exclude; `at` says where.
        LogicBug = 6,
    }
}

/// The values of a message: up to four, each known or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Values {
    len: u8,
    items: [Option<i32>; 4],
}

impl Values {
    /// The most values a message has.
    pub const MAX: usize = 4;

    /// Appends one; false if there is no room.
    #[must_use]
    pub fn push(&mut self, value: Option<i32>) -> bool {
        match self.items.get_mut(usize::from(self.len)) {
            Some(place) => {
                *place = value;
                self.len = self.len.saturating_add(1);
                true
            }
            None => false,
        }
    }

    /// The values.
    pub fn as_slice(&self) -> &[Option<i32>] {
        self.items.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Wire for Values {
    #[inline(always)]
    fn put(&self, w: &mut impl Out) {
        w.u8(self.len);
        for value in self.as_slice() {
            value.put(w);
        }
    }
    fn read(r: &mut Reader<'_>) -> Self {
        let mut values = Self::default();
        for _ in 0..u8::read(r) {
            if !values.push(Wire::read(r)) {
                r.fail();
            }
        }
        values
    }
}

/// Rounds left of the loops a run is in, the outer one first; the depth of loops is two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rounds(pub [u16; 2]);

impl Wire for Rounds {
    #[inline(always)]
    fn put(&self, w: &mut impl Out) {
        let [outer, inner] = self.0;
        outer.put(w);
        inner.put(w);
    }
    fn read(r: &mut Reader<'_>) -> Self {
        Self([Wire::read(r), Wire::read(r)])
    }
}
