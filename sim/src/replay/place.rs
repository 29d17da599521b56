//! Where something stands in a journal, and when that was.

use campanile_core::time::Instant;
use campanile_delivery::{Position, Wall};

/// A place in the journal and its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The place.
    pub at: Position,
    /// When, in the time of its start.
    pub time: Instant,
    /// The wall clock, as the engine knew it last.
    pub wall: Option<Wall>,
}

impl Place {
    /// Wall-clock time in microseconds since 1970, if it was known there.
    #[must_use]
    pub fn unix(&self) -> Option<i64> {
        self.wall.map(|wall| wall.unix_at(self.time))
    }

    /// Another place at about this time; in another start nobody knows when it was.
    #[must_use]
    pub(super) fn near(&self, at: Position) -> Self {
        if at.boot == self.at.boot { Self { at, ..*self } } else { Self { at, ..Self::default() } }
    }
}
