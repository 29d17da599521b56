//! Boards: where lines come from. A board opens lines; an open line is an [`InputLine`] that gives stamped edges or
//! an [`OutputLine`] that takes levels. Both speak logical levels: what the pin means, `active = "low"` already
//! taken into account.
//!
//! Guarantees, whatever the board:
//! - An edge carries the time at which it happened in microseconds of `CLOCK_MONOTONIC`, not of its reading.
//! - Nothing is dropped silently: what the source lost comes as [`Taken::Lost`], and the line is read again.
//! - An output is opened at its safe level; there is no moment at which it has another.

pub mod error;
pub mod gpiochip;
mod satellite;
pub mod virtual_board;
mod wake;

#[cfg(feature = "rppal")]
pub mod rppal;

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use campanile_core::id::Level;
use campanile_core::time::Instant;
pub use campanile_delivery::symbols::{Active, Drive, Line, Pull};

pub use error::LineError;
pub use satellite::SatelliteLines;
pub use virtual_board::VirtualBoard;
pub use wake::WakeSlot;

/// The consumer name under which the kernel lists our lines.
pub const CONSUMER: &str = "campanile";

/// An input as the file wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Which line.
    pub line: Line,
    /// Which resistor.
    pub pull: Pull,
    /// Which voltage is `On`.
    pub active: Active,
}

/// An output as the file wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSpec {
    /// Which line.
    pub line: Line,
    /// Which voltage is `On`.
    pub active: Active,
    /// How it drives.
    pub drive: Drive,
    /// Its level from the moment of opening on.
    pub safe: Level,
}

/// What a board is, in the file's `[boards.x]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BoardSpec {
    /// The kernel's GPIO character devices.
    Gpiochip {
        /// `auto`, or the name, label or path of one chip.
        chip: String,
    },
    /// Lines that live in this process.
    Virtual,
    /// The registers of a Raspberry Pi.
    Rppal,
    /// A serial line with a satellite at its other end.
    Serial {
        /// What the file calls the board.
        name: String,
    },
}

/// What came out of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It moved.
    Edge {
        /// When.
        at: Instant,
        /// Where to.
        level: Level,
    },
    /// Edges were lost before this time, in front of this process.
    Lost {
        /// When it was noticed: the stamp of the edge behind the gap.
        at: Instant,
        /// How many.
        count: u32,
    },
    /// It is at this level, and nobody knew: no move.
    Found {
        /// When that was found.
        at: Instant,
        /// Where it is.
        level: Level,
    },
}

/// A line of a machine, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineInfo {
    /// The chip it belongs to.
    pub chip: String,
    /// Its offset on the chip.
    pub offset: u32,
    /// Its name, empty if it has none.
    pub name: String,
    /// Who holds it, if anybody does and the kernel tells.
    pub used_by: Option<String>,
    /// Whether it is an output now.
    pub output: bool,
    /// The physical level, where it can be had without disturbing anyone.
    pub level: Option<bool>,
    /// Pull, drive and the like, as the kernel tells.
    pub flags: String,
}

/// A set of lines.
pub trait Board: Send + Sync {
    /// Opens a line as an input that reports both edges. `wake` is used when the line has news and has no descriptor.
    ///
    /// # Errors
    /// The line is missing, busy or forbidden; the text says what to do.
    fn open_input(&self, spec: &InputSpec, wake: &Arc<WakeSlot>) -> Result<Box<dyn InputLine>, LineError>;

    /// Opens a line as an output, at its safe level.
    ///
    /// # Errors
    /// As [`open_input`](Self::open_input).
    fn open_output(&self, spec: &OutputSpec) -> Result<Box<dyn OutputLine>, LineError>;

    /// The physical line that is meant, the same for whichever of its names; `None` if there is none.
    fn place(&self, line: &Line) -> Option<String>;

    /// All lines, for `pins`.
    ///
    /// # Errors
    /// None can be had.
    fn lines(&self) -> Result<Vec<LineInfo>, LineError>;
}

/// An open input.
pub trait InputLine: Send {
    /// What becomes readable when the line has news; `None` if the line uses the wake slot instead.
    fn fd(&self) -> Option<BorrowedFd<'_>>;

    /// Takes what happened up to `now`, oldest first. Never blocks: a line with a descriptor is asked only when that
    /// is readable.
    ///
    /// # Errors
    /// The source is gone (a USB expander was pulled out).
    fn take(&mut self, now: Instant, give: &mut dyn FnMut(Taken)) -> Result<(), LineError>;

    /// When the line will move by itself: only a virtual one does.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// Reads the level.
    ///
    /// # Errors
    /// The hardware refuses.
    fn level(&self) -> Result<Level, LineError>;

    /// Changes pull and polarity without letting go of the line.
    ///
    /// # Errors
    /// The hardware refuses.
    fn reconfigure(&mut self, spec: &InputSpec) -> Result<(), LineError>;

    /// Switches edges off or on: the storm guard's.
    fn mask(&mut self, masked: bool);
}

/// An open output. Shared: the safety net sets it from a panic hook, too.
pub trait OutputLine: Send + Sync {
    /// Drives it.
    ///
    /// # Errors
    /// The hardware refuses.
    fn set(&self, level: Level) -> Result<(), LineError>;

    /// Changes polarity and drive without letting go of the line; its logical level stays.
    ///
    /// # Errors
    /// The hardware refuses.
    fn reconfigure(&self, spec: &OutputSpec, level: Level) -> Result<(), LineError>;
}

/// Opens a board.
///
/// # Errors
/// The machine has none of the kind, or this build has no support for it.
pub fn open(spec: &BoardSpec) -> Result<Arc<dyn Board>, LineError> {
    match spec {
        BoardSpec::Gpiochip { chip } => Ok(Arc::new(gpiochip::GpiochipBoard::open(chip)?)),
        BoardSpec::Virtual => Ok(Arc::new(VirtualBoard::new())),
        BoardSpec::Serial { name } => Ok(Arc::new(SatelliteLines::new(name))),
        #[cfg(feature = "rppal")]
        BoardSpec::Rppal => Ok(Arc::new(rppal::RppalBoard::open()?)),
        #[cfg(not(feature = "rppal"))]
        BoardSpec::Rppal => Err(LineError::NotBuilt { kind: "rppal", feature: "rppal" }),
    }
}
