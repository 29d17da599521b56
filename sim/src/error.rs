//! Why a script could not be played.

use std::fmt;
use std::io;

use campanile_core::program::verify::LoadError;
use campanile_delivery::OpenError;

use crate::executor::Stuck;

/// Why a script could not be played. That it was played and came out differently is no error, but a
/// [`Difference`](crate::compare::Difference).
#[derive(Debug)]
pub enum SimError {
    /// A step names something that the program which runs then has not.
    Unknown {
        /// What it should be.
        what: &'static str,
        /// The name.
        name: String,
        /// When, in microseconds.
        at: u64,
    },
    /// A value is none of its sensor's, in words.
    Value(String),
    /// The node's name is none.
    NodeName(String),
    /// No program runs.
    NoProgram,
    /// The engine refuses the program.
    Program(LoadError),
    /// The journal does not open.
    Open(OpenError),
    /// The disk refuses.
    Disk(io::Error),
    /// The loop goes round without end at one instant.
    Stuck(Stuck),
}

impl SimError {
    pub(super) fn unknown(what: &'static str, name: &str) -> Self {
        Self::Unknown { what, name: name.to_owned(), at: campanile_clock::now_us() }
    }
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { what, name, at } => write!(
                f,
                "the step at {}.{:06} names the {what} `{name}`, which the program has not",
                at / 1_000_000,
                at % 1_000_000
            ),
            Self::Value(words) => write!(f, "{words}"),
            Self::NodeName(name) => write!(f, "`{name}` is no name of a node: a-z, 0-9 and -, up to 32"),
            Self::NoProgram => write!(f, "no program runs"),
            Self::Program(why) => write!(f, "the engine refuses the program: {why}"),
            Self::Open(why) => write!(f, "the journal does not open: {why}"),
            Self::Disk(why) => write!(f, "the disk refuses: {why}"),
            Self::Stuck(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for SimError {}

impl From<OpenError> for SimError {
    fn from(why: OpenError) -> Self {
        Self::Open(why)
    }
}

impl From<io::Error> for SimError {
    fn from(why: io::Error) -> Self {
        Self::Disk(why)
    }
}

impl From<Stuck> for SimError {
    fn from(why: Stuck) -> Self {
        Self::Stuck(why)
    }
}
