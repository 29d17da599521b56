//! What comes in: everything that can change the engine, each with its stamp. Inputs are also the records 0 to 14
//! of the log, so that a replay feeds exactly what was fed then.

pub use crate::decision::Origin;
use crate::id::{InputId, Level, MessageId, OutputId, PeerId, ScenarioId, SensorId, TriggerId, VarId};
use crate::restore::Restore;
use crate::time::{Duration, Instant};
use crate::wire::{wire_enum, wire_union};

wire_union! {
    /// One input. The numbers are those of the records; append only.
    Input {
        /// A raw edge: the line moved to `level`.
        0 Edge { /** The line. */ input: InputId, /** Where it moved to. */ level: Level },
        /// The level that a reading of the line found.
        1 Level { /** The line. */ input: InputId, /** What was read. */ level: Level, /** Why it was read. */ why: LevelWhy },
        /// An edge whose stamp was before the engine's time: taken now, with its true onset kept.
        2 Late { /** The line. */ input: InputId, /** Where it moved to. */ level: Level, /** How late. */ by: Duration },
        /// A sensor's value, `None` when it is lost.
        3 Reading { /** The sensor. */ sensor: SensorId, /** In units of its last decimal. */ value: Option<i32> },
        /// Someone asks for something; absolute, so that a repeat does no harm.
        4 Command { /** Who asks. */ origin: Origin, /** Their number for it. */ id: u32, /** What. */ op: Op },
        /// The calendar says that a trigger's moment has come.
        5 Tick { /** An `at` or `cron` trigger. */ trigger: TriggerId },
        /// Wall-clock time.
        6 Clock { /** Microseconds since 1970, UTC. */ unix: i64, /** Seconds that local time is ahead of UTC. */ offset: i32, /** Whether the clock is synchronised. */ trusted: bool },
        /// Whether the hardware took an output's level; sent on a failure and on the first success after one.
        7 Done { /** The output. */ output: OutputId, /** Whether it holds the level now. */ ok: bool },
        /// Something was lost in front of the engine; a `Level` follows for each input concerned.
        8 Overrun { /** Which line, `None` for the channel of all other inputs. */ input: Option<InputId>, /** How many. */ lost: u32, /** Where. */ why: OverrunWhy },
        /// The runner slept past its deadlines, until here.
        9 Stall { /** When it woke. */ until: Instant },
        /// A sink, client or satellite came or went.
        10 Link { /** Which. */ peer: PeerId, /** Whether it is there now. */ up: bool },
        /// Another program takes over; see `Engine::install`.
        11 Install { /** Of the image. */ hash: u64 },
        /// A new start; `Restore`s follow.
        12 Boot { /** Counter of starts and 32 random bits. */ boot: u64, /** The engine's revision. */ core_rev: u16, /** Of the image. */ hash: u64, /** How long the node was off, if anyone knows. */ off: Option<Duration> },
        /// One piece of the state before the start.
        13 Restore { /** The piece. */ item: Restore },
        /// The end of the engine's work: every output takes its safe level. What comes in behind it is recorded, and that
        /// is all, but for a `Done`.
        14 Stop {},
    }
}

wire_union! {
    /// What a command asks for.
    Op {
        /// Drive an output.
        0 Set { /** Which. */ output: OutputId, /** To. */ level: Level },
        /// Start a scenario, whatever its triggers; its condition counts.
        1 Start { /** Which. */ scenario: ScenarioId },
        /// End all runs of a scenario.
        2 Stop { /** Which. */ scenario: ScenarioId },
        /// Change a variable.
        3 Let { /** Which. */ var: VarId, /** To. */ value: i32 },
        /// Play an input as if its line had moved.
        4 Play { /** Which. */ input: InputId, /** To. */ level: Level },
        /// The command was more than [`COMMAND_TTL`] under way; it is answered and not carried out.
        5 Expired {},
        /// Tell whoever waits for it that a message came.
        6 Message { /** Which. */ message: MessageId },
    }
}

/// A command that took longer from its sender to the runner is not carried out any more.
pub const COMMAND_TTL: Duration = Duration::from_secs(30);

wire_enum! {
    /// Why a line was read.
    LevelWhy {
        /// The engine knows nothing of the line yet.
        Start = 0,
        /// Edges were lost.
        Gap = 1,
        /// An episode ended and the reading differed from the last edge.
        Quiet = 2,
    }

    /// Where inputs were lost.
    OverrunWhy {
        /// The kernel's edge buffer: a gap in its sequence numbers.
        Kernel = 0,
        /// The channel into the runner.
        Queue = 1,
        /// The storm guard masked the line.
        Storm = 2,
    }
}
