//! Which part of a journal is meant.

use campanile_core::time::Instant;
use campanile_delivery::Position;

use crate::replay::place::Place;

/// The first or last moment of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A record, by its counter of starts and its number in that start.
    Record {
        /// The counter of starts.
        start: u32,
        /// The number in that start; 0 is its beginning.
        seq: u64,
    },
    /// A time, in microseconds since 1970.
    Unix(i64),
    /// A time of the engine's clock, in whatever start: for simulations, where it goes on through all of them.
    Engine(Instant),
}

/// A part of a journal; all of it by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The first moment.
    pub from: Option<Bound>,
    /// The last moment; what happens then is in it.
    pub until: Option<Bound>,
}

/// Which part of a journal was read for a range: where a replay had to begin for it, and where it went no further.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Behind this place.
    pub behind: Position,
    /// Up to before this place; `None`: to the end of the journal.
    pub before: Option<Position>,
}

impl Extent {
    /// Whether something between two places, which the journal has, lies in it; a part of it is enough.
    #[must_use]
    pub fn meets(&self, from: Position, to: Position) -> bool {
        to >= self.behind && self.before.is_none_or(|before| from < before)
    }

    /// Whether the end of the journal is in it.
    #[must_use]
    pub const fn has_the_end(&self) -> bool {
        self.before.is_none()
    }
}

impl Bound {
    /// The record of a place.
    #[must_use]
    pub const fn at(at: Position) -> Self {
        Self::Record { start: at.boot.counter(), seq: at.seq }
    }

    /// How many microseconds it lies behind a place, less than none if before it; `None` if it is no time of a clock that
    /// is known there.
    pub(crate) fn behind(&self, place: &Place) -> Option<i64> {
        match *self {
            Self::Record { .. } => None,
            Self::Unix(unix) => Some(unix.saturating_sub(place.unix()?)),
            Self::Engine(time) => time.micros().checked_signed_diff(place.time.micros()),
        }
    }
}

impl Range {
    /// Whether it ends before it begins, as far as its two ends are of one kind: then nothing is in it.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        match (self.from, self.until) {
            (Some(Bound::Record { start: a, seq: from }), Some(Bound::Record { start: b, seq: until })) => {
                (b, until) < (a, from)
            }
            (Some(Bound::Unix(from)), Some(Bound::Unix(until))) => until < from,
            (Some(Bound::Engine(from)), Some(Bound::Engine(until))) => until < from,
            _ => false,
        }
    }

    /// Whether a place comes before the range. Where the time of day is not known, it does.
    #[must_use]
    pub fn begins_behind(&self, place: &Place) -> bool {
        self.from.is_some_and(|from| match from {
            Bound::Record { start, seq } => (place.at.boot.counter(), place.at.seq) < (start, seq),
            // The first records of a start do not know their time; what began before the range is before it.
            Bound::Unix(from) => place.unix().is_none_or(|unix| unix < from),
            Bound::Engine(from) => place.time < from,
        })
    }

    /// Whether a place comes behind the range. Where the time of day is not known, it does not.
    #[must_use]
    pub fn ends_before(&self, place: &Place) -> bool {
        self.until.is_some_and(|until| match until {
            Bound::Record { start, seq } => (place.at.boot.counter(), place.at.seq) > (start, seq),
            Bound::Unix(until) => place.unix().is_some_and(|unix| unix > until),
            Bound::Engine(until) => place.time > until,
        })
    }
}
