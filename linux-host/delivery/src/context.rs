//! What a record tells those behind it: the program then active, and the time of day.

use campanile_core::input::Input;
use campanile_core::record::{Frame, Record};
use campanile_core::restore::Restore;
use campanile_core::time::Instant;

const CLOCK_KIND: u8 = 6;
pub(crate) const INSTALL_KIND: u8 = 11;
const BOOT_KIND: u8 = 12;
pub(crate) const RESTORE_KIND: u8 = 13;

/// Wall-clock time at a moment of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wall {
    /// The moment.
    pub at: Instant,
    /// Microseconds since 1970, UTC.
    pub unix: i64,
    /// Whether the clock was synchronised.
    pub trusted: bool,
}

impl Wall {
    /// Wall-clock time at another moment of the same start, microseconds since 1970.
    pub fn unix_at(&self, time: Instant) -> i64 {
        if time >= self.at {
            self.unix.saturating_add_unsigned(time.since(self.at).micros())
        } else {
            self.unix.saturating_sub_unsigned(self.at.since(time).micros())
        }
    }
}

/// Whether a record makes another set of ids active, behind which the state begins anew.
pub(crate) fn swaps(frame: &Frame<'_>) -> bool {
    frame.kind() == INSTALL_KIND
}

/// Whether a record may tell anything to those behind it; nearly all are others.
pub(crate) fn tells(frame: &Frame<'_>) -> bool {
    matches!(frame.kind(), CLOCK_KIND | INSTALL_KIND | BOOT_KIND | RESTORE_KIND)
}

/// What a record says of the time of day: microseconds since 1970, if it can be trusted.
pub(crate) fn clock_of(frame: &Frame<'_>) -> Option<Option<i64>> {
    if frame.kind() != CLOCK_KIND {
        return None;
    }
    match frame.record()? {
        Record::Input(Input::Clock { unix, trusted, .. }) => Some(trusted.then_some(unix)),
        _ => None,
    }
}

/// The program that a record makes active.
pub(crate) fn program_of(frame: &Frame<'_>) -> Option<u64> {
    // Told apart by their kinds first: nearly all records are others.
    if !matches!(frame.kind(), INSTALL_KIND | BOOT_KIND) {
        return None;
    }
    match frame.record()? {
        Record::Input(Input::Install { hash } | Input::Boot { hash, .. }) => Some(hash),
        _ => None,
    }
}

/// The wall-clock time that a record tells.
pub(crate) fn wall_of(frame: &Frame<'_>, time: Instant) -> Option<Wall> {
    if !matches!(frame.kind(), CLOCK_KIND | RESTORE_KIND) {
        return None;
    }
    match frame.record()? {
        Record::Input(
            Input::Clock { unix, trusted, .. }
            | Input::Restore { item: Restore::Clock { unix, trusted, .. } },
        ) => Some(Wall { at: time, unix, trusted }),
        _ => None,
    }
}
