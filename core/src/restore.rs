//! The state of an engine as a set of items: a checkpoint. A fresh engine that takes them all goes on as the one
//! that gave them; a new start takes the few that outlive a power cut, each behind a `Boot`.
//!
//! Times are spans back from, or on to, the moment of the checkpoint, so that they hold in another epoch.

use crate::decision::{By, Cause, Origin, Rounds};
use crate::id::{InputId, Level, OutputId, PeerId, RunId, ScenarioId, SensorId, TriggerId, VarId};
use crate::time::{Duration, Instant};
use crate::wire::{wire_enum, wire_union};

wire_union! {
    /// One piece of state, to be taken back in the order of these numbers. Append only.
    Restore {
        /// First of all: the engine's time, the time of the last record, and the number of the next one.
        0 Head { /** The engine's time. */ now: Instant, /** Back to the last record. */ logged_ago: Duration, /** The next record's. */ seq: u64, /** Occurrences at this instant so far. */ occurrences: u8, /** The start is not over yet. */ starting: bool },
        /// The last wall-clock time.
        1 Clock { /** As of the checkpoint, microseconds since 1970. */ unix: i64, /** Seconds ahead of UTC. */ offset: i32, /** Synchronised. */ trusted: bool },
        /// `Stall` holds until here.
        2 Stall { /** On to its end. */ left: Duration },
        /// One of the last sixteen commands, oldest first.
        3 Command { /** Whose. */ origin: Origin, /** Their number. */ id: u32 },
        /// An input: what was read last and what is reported.
        4 Input { /** Which. */ input: InputId, /** The last raw level. */ raw: Level, /** The reported level. */ reported: Level },
        /// An input's debouncing; directly behind its `Input`.
        5 Watch { /** Which. */ input: InputId, /** The watcher's own. */ flags: u8, /** Raw edges since the last event. */ edges: u16, /** Of `integrate`, microseconds. */ acc: u32, /** Back to the last edge. */ since_ago: Duration, /** Back to the onset. */ onset_ago: Duration, /** On to the end of the lock-out. */ lock_left: Duration, /** On to the next deadline. */ due_left: Option<Duration> },
        /// A sensor.
        6 Sensor { /** Which. */ sensor: SensorId, /** Its value. */ value: Option<i32> },
        /// A variable.
        7 Var { /** Which. */ var: VarId, /** Its value. */ value: i32 },
        /// A trigger that waits, or whose threshold is armed.
        8 Trigger { /** Which. */ trigger: TriggerId, /** Of `above` and `below`: may fire. Of `for`: not before its input is read and found unchanged. */ armed: bool, /** Of `for` and `every`. */ left: Option<Duration> },
        /// A run.
        9 Run { /** Its slot. */ run: RunId, /** Of which scenario. */ scenario: ScenarioId, /** What caused it. */ cause: Cause, /** Where it stands. */ state: RunState, /** Where in its body it goes on. */ pc: u16, /** Until then. */ left: Option<Duration>, /** Back to the onset of its cause. */ onset_ago: Duration, /** Loops. */ rounds: Rounds, /** What `timed-out` reads. */ timed_out: bool, /** Its place among those queued. */ place: u16 },
        /// An output.
        10 Output { /** Which. */ output: OutputId, /** Its level. */ level: Level, /** Its last writer. */ by: By, /** Until `max-on`. */ max_left: Option<Duration>, /** The hardware refused it. */ failed: bool, /** Safety took it at this instant. */ held: bool },
        /// The node was off for a time that nobody knows yet: this was the wall clock when it stopped, and the time that
        /// it has been on since.
        11 Stopped { /** Microseconds since 1970. */ unix: i64 },
        /// A peer that is there.
        12 Link { /** Which. */ peer: PeerId },
        /// What is still to be done with a run that outlived a restart.
        13 Revived { /** Which. */ run: RunId, /** The time off counts for it, as soon as it is known. */ catch_up: bool, /** The start has to be over before it looks at its condition. */ look: bool },
        /// During a start only: what its `Boot` said.
        14 Booted { /** How long the node was off, if anyone knows. */ off: Option<Duration> },
        /// The engine has stopped; see `Input::Stop`.
        15 Halted {},
    }
}

wire_enum! {
    /// Where a run stands between two instants.
    RunState {
        /// In a `wait`.
        Waiting = 0,
        /// In a `wait-until`.
        Until = 1,
        /// Behind another run of the same scenario.
        Queued = 2,
    }
}
