//! What the host has told of the time of day, and whether it is worth telling the engine again.

use crate::time::{Duration, Instant};

/// A clock that is off by more than this is set again, ...
const OFF: Duration = Duration::from_secs(1);
/// ... and each after so long.
const EVERY: Duration = Duration::from_secs(300);

/// What was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// When.
    pub(super) at: Instant,
    pub(super) unix: i64,
    pub(super) offset: i32,
    pub(super) trusted: bool,
}

impl Clock {
    /// Whether it says the same as what is told now.
    pub(super) fn is_good_for(&self, told: &Self) -> bool {
        let passed = told.at.since(self.at);
        let expected = self.unix.saturating_add(i64::try_from(passed.micros()).unwrap_or(i64::MAX));
        let off = Duration::from_micros(expected.abs_diff(told.unix));
        passed < EVERY && off <= OFF && (self.offset, self.trusted) == (told.offset, told.trusted)
    }
}
