//! The firmware loop: the one async function between the engine and the world, the same on a Raspberry Pi, on a
//! microcontroller and in the simulator. Only this module knows embassy.
//!
//! A port implements three traits and calls two functions:
//!
//! - [`Edges`]: where raw edges come from, each with the stamp of its capture. [`EdgeQueue`] is one for interrupts;
//!   [`PinEdges`] is its end where a pin's interrupt can be disabled in a storm.
//! - [`Outputs`]: drives and reads lines.
//! - [`Recorder`]: takes the log: the journal's inlet on a host, flash on a microcontroller, memory in a test.
//! - [`start`] loads a program and brings back what outlived the last run; [`run`] goes on until [`Message::Stop`].
//!
//! # What the loop guarantees
//!
//! The log depends on stamps alone, never on when this task was woken:
//! - What is due at or before a moment happens before an input stamped with it, and is recorded with its due time.
//! - A deadline runs only after the edge source was drained at its due time plus [`Options::slack`] or later, or when
//!   an edge with a later stamp has been drained: then every edge before the deadline is known.
//! - All other input is stamped when it is taken, before a drain; it waits aside until what is due before its stamp has
//!   had its turn, at most the slack.
//! - [`Input::Done`] is fed at the engine's own time, right behind the instant that drove the output; what a start drove
//!   is told of behind the start.
//!
//! Nothing is lost in silence:
//! - More than 100 ms behind a deadline, the loop first feeds a [`Input::Stall`] stamped at the engine's own time.
//! - A line with more edges than its [`storm`](crate::program::InputDef::storm) rate, after a burst of 256, is masked
//!   for 100 ms; then come `Overrun { lost, Storm }` and a `Level` from a reading.
//! - After any other `Overrun` of an input the loop reads its line and feeds the `Level`, unless the source gives one
//!   itself.
//! - After each episode the engine asks for a reading, and every line that outlives a swap is read behind it. If it
//!   differs from the last edge, and no edge explains it within the slack, a `Level { why: Quiet }` is fed.
//! - While the recorder has left less than a quarter of the log free, no input is taken; deadlines go on.
//!
//! All state is in fixed arrays; no call does unbounded work between two points where other tasks may run.

mod event_loop;
mod queue;
mod readings;
mod shell;
#[cfg(test)]
mod tests;
mod ticks;

use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_sync::channel::Receiver;

use crate::bits::take_lowest;
use crate::calendar::ZoneTable;
use crate::capacity::Capacity;
use crate::engine::Engine;
use crate::id::{InputId, Level, OutputId};
use crate::input::{Input, LevelWhy, Op, Origin};
use crate::log::{Cursor, EventLog};
use crate::program::image;
use crate::program::verify::LoadError;
use crate::record::CORE_REV;
use crate::restore::Restore;
use crate::time::{Duration, Instant};

pub use queue::{EdgeQueue, Interrupts, PinEdges};
pub use ticks::{Ticks, Wall};

use event_loop::Loop;
use readings::Lines as _;
use shell::Shell;

/// An input with the stamp of its capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Captured {
    /// When the line moved, on the clock of `embassy_time`.
    pub at: Instant,
    /// An `Edge`, `Overrun` or `Level`.
    pub input: Input,
}

/// Where raw edges come from.
#[allow(async_fn_in_trait, reason = "the loop is generic over it and spawns nothing")]
pub trait Edges {
    /// The next edge, in the order of the stamps; `None` if there is none now. Never waits.
    fn next(&mut self) -> Option<Captured>;

    /// Resolves when [`next`](Self::next) may give one. Cancelled and called again at will.
    async fn ready(&mut self);

    /// The storm guard has had enough of a line, or listens again; then the loop reads its level behind this call. A source
    /// that is interrupted by the line has to switch that off: what comes too often would leave no time for the loop. One
    /// that looks when it wants to need not: edges that come all the same are counted and thrown away.
    fn mask(&mut self, input: InputId, masked: bool) {
        let _ = (input, masked);
    }
}

/// The hardware did not do as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Refused;

/// Drives and reads lines.
pub trait Outputs {
    /// Drives an output to a logical level. Does not wait.
    ///
    /// # Errors
    /// [`Refused`] if the line does not have the level now; it is recorded, and so is the first success after it.
    fn set(&mut self, output: OutputId, level: Level) -> Result<(), Refused>;

    /// The logical level of an input now; `None` if it cannot be read, which the implementation says where people look.
    fn read(&mut self, input: InputId) -> Option<Level>;

    /// Another program runs from now on: its ids stand for its lines.
    fn installed(&mut self, hash: u64) {
        let _ = hash;
    }
}

/// Takes the log.
#[allow(async_fn_in_trait, reason = "the loop is generic over it and spawns nothing")]
pub trait Recorder {
    /// Takes what is new behind `from`, or a part of it, and gives the place it got to. Does not wait. If the log says
    /// `Lagged`, it goes on at `resume` and counts what is missing.
    fn record(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor;

    /// Resolves when [`record`](Self::record) can take more. Cancelled and called again at will.
    async fn room(&mut self) {}

    /// Resolves when [`record`](Self::record) is to be called though nothing is new: somebody has spoken at the other end
    /// of a wire, or has been silent for too long. Cancelled and called again at will.
    async fn stirred(&mut self) {
        core::future::pending().await
    }

    /// Whether that is so now.
    fn is_stirred(&self) -> bool {
        false
    }

    /// Asked after all records were taken: whether the state should follow now.
    fn wants_checkpoint(&mut self) -> bool {
        false
    }

    /// One piece of the state as of the last record taken.
    fn checkpoint(&mut self, item: Restore) {
        let _ = item;
    }

    /// That was the last piece.
    fn checkpoint_done(&mut self) {}

    /// The program that a [`Message::Install`] names.
    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        let _ = hash;
        None
    }

    /// That program was refused, and the old one goes on. [`LoadError::NotAnImage`] if there was none of that name.
    fn install_failed(&mut self, hash: u64, why: LoadError) {
        let _ = (hash, why);
    }
}

/// Everything that goes in besides edges; stamped by the loop when it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Message {
    /// A reading, a clock, a link, ..
    Input(Input),
    /// Somebody asks for something.
    Command {
        /// Who.
        origin: Origin,
        /// Their number for it.
        id: u32,
        /// What.
        op: Op,
        /// When they asked. More than 30 s ago, and it becomes [`Op::Expired`].
        issued: Instant,
    },
    /// Another program takes over; the recorder has its [`image`](Recorder::image).
    Install {
        /// Of the image.
        hash: u64,
    },
    /// The recorder's [`checkpoint`](Recorder::checkpoint) wants the state, as soon as it has all records.
    Checkpoint,
    /// Outputs take their safe levels, the log is handed over, and the loop ends.
    Stop,
}

/// How a loop runs.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// How long after its stamp an edge may reach [`Edges`]: half a millisecond on Linux, zero where an interrupt
    /// stamps and queues at once.
    pub slack: Duration,
    /// When local time changes, for `at` and `cron`; `None`: local time is as far ahead as the last `Clock` said.
    pub zone: Option<ZoneTable<'a>>,
    /// Up to where the recorder has the log; `None`: it wants all that is left.
    pub recorded: Option<Cursor>,
}

impl Options<'_> {
    /// For Linux.
    pub const LINUX: Self = Self { slack: Duration::from_micros(500), zone: None, recorded: None };
    /// For interrupts.
    pub const INTERRUPTS: Self = Self { slack: Duration::ZERO, zone: None, recorded: None };
}

/// The loop came to its end by [`Message::Stop`]: outputs are safe, and the recorder has everything up to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Stopped {
    /// Behind the last record.
    pub recorded: Cursor,
}

/// A new start.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The program.
    pub image: &'a [u8],
    /// Counter of starts and 32 random bits.
    pub boot: u64,
    /// How long the node was off, if anyone knows.
    pub off: Option<Duration>,
    /// The wall clock, an [`Input::Clock`]; `None` if there is none, or it is not trusted yet.
    pub clock: Option<Input>,
}

/// Loads a program and brings back what outlived the last run: `Boot`, a `Restore` for each of `kept`, one reading of
/// every input, and a `Clock`. Gives the place up to which the recorder has the log, for [`Options::recorded`].
///
/// If the node was off with another program, load that one here and [`Message::Install`] the new one behind it.
///
/// # Errors
/// The program is refused; nothing was touched.
pub async fn start<C: Capacity>(
    engine: &mut Engine<C>,
    at: Instant,
    start: Start<'_>,
    kept: impl IntoIterator<Item = Restore>,
    outputs: &mut impl Outputs,
    recorder: &mut impl Recorder,
) -> Result<Cursor, LoadError> {
    let recorded = engine.log().head();
    engine.load(at, start.image)?;
    let hash = image::hash(start.image);
    let mut shell = Shell::new(engine, outputs, recorder, Some(recorded));
    shell.starting = true;
    shell.feed(at, Input::Boot { boot: start.boot, core_rev: CORE_REV, hash, off: start.off });
    shell.hand_over().await;
    for item in kept {
        shell.feed(at, Input::Restore { item });
        shell.hand_over().await;
    }
    let mut inputs = shell.inputs();
    while let Some(input) = take_lowest(&mut inputs).map(InputId) {
        if let Some(level) = shell.read(input) {
            shell.feed(at, Input::Level { input, level, why: LevelWhy::Start });
            shell.hand_over().await;
        }
    }
    shell.feed(at, start.clock.unwrap_or(Input::Clock { unix: 0, offset: 0, trusted: false }));
    shell.starting = false;
    shell.settle(at);
    shell.hand_over().await;
    Ok(shell.recorded)
}

/// Runs the engine, which is loaded, until [`Message::Stop`]. See the [module](self) for what it guarantees.
pub async fn run<C: Capacity, M: RawMutex, const N: usize>(
    engine: &mut Engine<C>,
    edges: &mut impl Edges,
    messages: Receiver<'_, M, Message, N>,
    outputs: &mut impl Outputs,
    recorder: &mut impl Recorder,
    options: Options<'_>,
) -> Stopped {
    let shell = Shell::new(engine, outputs, recorder, options.recorded);
    Loop::new(shell, edges, options).run(messages).await
}
