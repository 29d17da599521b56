//! Whose clock times the words of the host in a journal.

use campanile_core::time::Instant;

/// By which clock the host's own records are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The engine's, which whoever writes the journal has too.
    Engines,
    /// None: the engine runs elsewhere, and its clock is there. A word of the host's has the time of the record before it.
    Elsewhere,
}

impl Clock {
    /// The time of a word that is said now; what is before the last record counts as that record's time.
    pub(crate) const fn stamp(self, now: Instant) -> Instant {
        match self {
            Self::Engines => now,
            Self::Elsewhere => Instant::ZERO,
        }
    }
}
