//! How far a swarm has come.

use std::time::Duration;

/// What has been done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) seeds: u64,
    /// Microseconds.
    pub(super) lived: u64,
    pub(super) records: u64,
    pub(super) took: Duration,
    /// All before it have been run; the one behind the first that fails, if any does.
    pub(super) next: u64,
}

impl Tally {
    /// How many seeds a second, in this time.
    pub(super) fn rate(&self, took: Duration) -> f64 {
        self.seeds as f64 / took.as_secs_f64().max(1e-9)
    }
}

/// A rate in words: a large house may take seconds for a seed.
pub(super) fn a_second(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}
