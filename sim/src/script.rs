//! A script: what happens to a house, step by step. Plain types; the host reads the TOML.
//!
//! A script speaks in names, since a `swap` gives the same name another id. Names are looked up in the symbol table
//! of the program that runs when the step comes; an unknown one ends the simulation with words.

use campanile_core::id::Level;
use campanile_core::time::{Duration, Instant};

use crate::bounce::Model;

/// A story and what is expected of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// In one sentence, what the house should do.
    pub wish: String,
    /// Of everything random: bounces, the order of tasks, the low half of boot numbers.
    pub seed: u64,
    /// When the simulation ends, from its start.
    pub until: Duration,
    /// What happens, in the order of time; steps of one time in the order written.
    pub steps: Vec<Step>,
    /// The exact trace, if one is expected.
    pub expect: Option<String>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, from the start of the simulation.
    pub at: Instant,
    /// What.
    pub action: Action,
}

/// What can happen to a house.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `input = "button", to = "on", bounce = ..`: a line moves.
    Input {
        /// The input's name.
        input: String,
        /// The level at which it comes to rest.
        to: Level,
        /// How it gets there.
        bounce: Bounce,
    },
    /// `feed = "tank", value = 41.5`: a sensor's value arrives; without a value it is lost.
    Feed {
        /// The sensor's name.
        sensor: String,
        /// In the sensor's unit.
        value: Option<f64>,
    },
    /// `command = { set = "chime", to = "on" }`, with `id = 7` and `late = "40s"` where these matter.
    Command {
        /// What is asked.
        command: Command,
        /// The sender's number for it; without one each command has a new number.
        id: Option<u32>,
        /// How long it was under way.
        late: Duration,
    },
    /// `restart = "10s"`: the power is cut, and comes back after this time. What was not synced to disk is lost.
    Restart {
        /// How long it is off.
        off: Duration,
        /// Whether the node knows how long that was. With `known = false` the wall clock is not trusted either until
        /// a `clock` step sets it.
        known: bool,
    },
    /// `kill = "1s"`: the process dies (SIGKILL) and is started again after this time. What was written survives.
    Kill {
        /// How long it is gone.
        off: Duration,
    },
    /// `stall = "300ms"`: the process stands still (SIGSTOP, starved) and goes on after this time.
    Stall {
        /// How long.
        span: Duration,
    },
    /// `clock = "2026-11-21T07:30:00Z", offset = "+01:00", trusted = true`: the wall clock is set.
    Clock {
        /// Microseconds since 1970, UTC.
        unix: i64,
        /// Seconds that local time is ahead of UTC.
        offset: i32,
        /// Whether it is synchronised.
        trusted: bool,
    },
    /// `storm = "button", edges = 2000, every = "100us"`: a line that does not come to rest; it ends at the level at
    /// which it began if the count is even.
    Storm {
        /// The input's name.
        input: String,
        /// How many edges.
        edges: u32,
        /// From one to the next.
        every: Duration,
    },
    /// `lose = "button", edges = 3, to = "on"`: the line moves and the kernel's buffer has no room for it; the gap in
    /// its numbers is seen.
    Lose {
        /// The input's name.
        input: String,
        /// How many edges are lost.
        edges: u32,
        /// The level at which the line comes to rest.
        to: Level,
    },
    /// `swap = "other.toml"`: another program takes over, without a stop.
    Swap {
        /// The name under which the caller gave the other house to the world.
        house: String,
    },
    /// `link = "home", to = "up"`: a sink or peer comes or goes.
    Link {
        /// The peer's name.
        peer: String,
        /// Comes, or goes.
        up: bool,
    },
    /// `fail = "chime"`, `heal = "chime"`: the hardware refuses an output's levels from now on, or takes them again.
    Hardware {
        /// The output's name.
        output: String,
        /// Whether it takes levels.
        works: bool,
    },
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `set = "chime", to = "on"`.
    Set {
        /// The output's name.
        output: String,
        /// To.
        to: Level,
    },
    /// `start = "ring"`.
    Start {
        /// The scenario's name.
        scenario: String,
    },
    /// `stop = "ring"`.
    Stop {
        /// The scenario's name.
        scenario: String,
    },
    /// `let = "rings", be = 3`.
    Let {
        /// The variable's name.
        variable: String,
        /// To.
        value: i32,
    },
    /// `message = "doorbell"`: a message comes, as from another node.
    Message {
        /// The message's name.
        message: String,
    },
    /// `press = "button", for = "100ms"`: plays the input: on, and off after this time; for ever without one.
    Press {
        /// The input's name.
        input: String,
        /// How long.
        span: Option<Duration>,
    },
}

/// How a line gets from one level to the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Bounce {
    /// At once.
    #[default]
    None,
    /// `bounce = [300, 900, 1500]`: further edges, microseconds after the first. The first goes to the new level, the
    /// others alternate, and the last always brings the line to it: with an odd count the last one repeats the level,
    /// as when the kernel lost a pair.
    Edges(Vec<u32>),
    /// `bounce = "switch"`: drawn from the seed.
    Drawn(Model),
}
