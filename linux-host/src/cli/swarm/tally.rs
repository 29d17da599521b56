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
