//! What the engine knows of the time of day: as of the last `Clock`, and of the time that it was off.

use crate::time::{Duration, Instant};

/// What the last `Clock` said.
#[derive(Clone, Copy)]
#[repr(Rust, packed(4))]
pub(crate) struct WallClock {
    pub(crate) at: Instant,
    pub(crate) unix: i64,
    pub(crate) offset: i32,
    is: Clock,
}

/// How far a clock is to be believed.
#[derive(Clone, Copy)]
enum Clock {
    /// There was none.
    Unset,
    /// It is not synchronised.
    Free,
    /// It is synchronised.
    Trusted,
}

impl WallClock {
    /// There was none yet.
    pub(crate) const UNSET: Self = Self { at: Instant::ZERO, unix: 0, offset: 0, is: Clock::Unset };

    /// As of `at`.
    pub(crate) const fn new(at: Instant, unix: i64, offset: i32, trusted: bool) -> Self {
        Self { at, unix, offset, is: if trusted { Clock::Trusted } else { Clock::Free } }
    }

    /// Whether it is synchronised; `None` if there was no clock yet.
    pub(crate) const fn trusted(self) -> Option<bool> {
        match self.is {
            Clock::Unset => None,
            Clock::Free => Some(false),
            Clock::Trusted => Some(true),
        }
    }

    /// Microseconds since 1970 at `now`.
    pub(crate) fn unix_at(&self, now: Instant) -> i64 {
        let passed = i64::try_from(now.since(self.at).micros()).unwrap_or(i64::MAX);
        self.unix.saturating_add(passed)
    }

    /// As [`unix_at`](Self::unix_at), in local time.
    pub(crate) fn local_at(&self, now: Instant) -> i64 {
        self.unix_at(now).saturating_add(i64::from(self.offset).saturating_mul(1_000_000))
    }
}

/// How long the node was off before this start.
#[derive(Clone, Copy)]
pub(crate) enum Off {
    /// Nobody asked: there was no `Boot`.
    NoBoot,
    /// Nobody knows. The start was at this time.
    Unknown(Instant),
    /// So long.
    For(Duration),
    /// The clock will tell.
    Since(Stopped),
}

/// When the node stopped.
#[derive(Clone, Copy)]
#[repr(Rust, packed(4))]
pub(crate) struct Stopped {
    /// By the wall clock, in microseconds since 1970.
    pub(crate) unix: i64,
    /// When it was on again.
    pub(crate) start: Instant,
}
