//! Calendar: schedules of `at` and `cron`.

use serde::{Deserialize, Serialize};

/// A schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {}

impl Schedule {
    /// Whether it ever fires.
    pub const fn is_valid(&self) -> bool {
        true
    }
}
