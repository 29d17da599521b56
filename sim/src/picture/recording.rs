//! What a picture shows, as plain data: lanes with their changes in the order of time.

use std::fmt;

use campanile_delivery::Position;

/// What happened, by name, over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Whose it is.
    pub node: String,
    /// How long it is, microseconds.
    pub length: u64,
    /// The engine's clock at its beginning, microseconds: what a trace shows.
    pub engine: u64,
    /// The time of day at its beginning; `None` if nothing in it tells.
    pub wall: Option<Clock>,
    /// The first and the last of its records; `None` if it has none.
    pub records: Option<(Position, Position)>,
    /// The hashes of the programs that ran in it, in the order in which they came.
    pub programs: Vec<u64>,
    /// Inputs, sensors, variables, scenarios, outputs and messages, in this order.
    pub lanes: Vec<Lane>,
    /// What concerns the node as a whole.
    pub marks: Vec<Mark>,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Microseconds since 1970.
    pub unix: i64,
    /// Seconds that local time is ahead of it.
    pub offset: i32,
    /// Whether the clock was synchronised.
    pub trusted: bool,
}

/// One named thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub track: Track,
}

/// What became of a named thing. Changes are (time, value from then on); `None`: nobody knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Track {
    /// An input.
    Input {
        /// The line, as its edges tell.
        raw: Vec<(u64, Option<bool>)>,
        /// What the debouncing made of it.
        reported: Vec<(u64, Option<bool>)>,
        /// The reports that suppressed bounces: when, and how many.
        bounces: Vec<(u64, u16)>,
    },
    /// A sensor.
    Sensor {
        /// Its values, in units of the last decimal.
        values: Vec<(u64, Option<i32>)>,
        /// How many decimals they have.
        decimals: u8,
        /// Their unit; empty without one.
        unit: String,
    },
    /// A variable.
    Variable {
        /// Its values.
        values: Vec<(u64, Option<i32>)>,
    },
    /// A scenario.
    Scenario {
        /// Its runs, in the order in which they began.
        runs: Vec<Run>,
        /// When an occurrence started no run.
        skips: Vec<u64>,
    },
    /// An output.
    Output {
        /// Its level.
        levels: Vec<(u64, Option<bool>)>,
    },
    /// A message.
    Message {
        /// When it was sent.
        sends: Vec<Send>,
    },
}

/// A run of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// When it began, or was first seen.
    pub from: u64,
    /// When it was over; `None`: it goes on.
    pub to: Option<u64>,
    /// It ended before its time.
    pub cut: bool,
    /// Its slot among all runs.
    pub slot: u8,
}

/// A message sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// When.
    pub at: u64,
    /// Its text and data; empty without.
    pub text: String,
}

/// Something that concerns the whole node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: u64,
    /// What.
    pub what: What,
}

/// What can happen to a node; where labels have no room for each other, the first of these have precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// It was started, for the so-manieth time.
    Start(u32),
    /// The range is missing records.
    Missing,
    /// The disk did not take some.
    Gap,
    /// From here on it runs a program that the journal has not kept: nobody knows what its records are about.
    NoProgram,
    /// Its loop stood still.
    Stalled,
    /// Another program took over.
    Installed,
    /// It was stopped in order.
    Stopped,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(count) => write!(f, "start {count}"),
            Self::Missing => f.write_str("records missing"),
            Self::Gap => f.write_str("journal gap"),
            Self::NoProgram => f.write_str("program not known"),
            Self::Stalled => f.write_str("stalled"),
            Self::Installed => f.write_str("program installed"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl Track {
    /// The order in which lanes stand.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Input { .. } => 0,
            Self::Sensor { .. } => 1,
            Self::Variable { .. } => 2,
            Self::Scenario { .. } => 3,
            Self::Output { .. } => 4,
            Self::Message { .. } => 5,
        }
    }
}

/// The value at a time, of changes in order.
pub(super) fn value_at<T: Copy>(changes: &[(u64, Option<T>)], at: u64) -> Option<T> {
    let behind = changes.partition_point(|(time, _)| *time <= at);
    changes.get(behind.checked_sub(1)?)?.1
}

/// The spans in which a value holds, up to `end`: from, to, value.
pub(super) fn spans<T: Copy>(
    changes: &[(u64, Option<T>)],
    end: u64,
) -> impl Iterator<Item = (u64, u64, T)> + '_ {
    changes.iter().enumerate().filter_map(move |(at, (from, value))| {
        let to = changes.get(at + 1).map_or(end, |(next, _)| *next);
        Some((*from, to, (*value)?))
    })
}
