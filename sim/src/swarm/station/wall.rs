//! The wall clock of a node, and what a start makes of it.

use campanile_core::calendar::{Zone as _, ZoneTable};
use campanile_core::input::Input;
use campanile_core::time::Duration;
use campanile_delivery::Recall;

/// The wall clock of a node, since it was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::swarm) struct Wall {
    /// In the world's time.
    pub(in crate::swarm) at: u64,
    pub(in crate::swarm) unix: i64,
    pub(in crate::swarm) trusted: bool,
}

impl Wall {
    /// What it shows at a moment of the world's time, in a zone.
    pub(in crate::swarm) fn read(self, world: u64, zone: &ZoneTable<'_>) -> Input {
        let unix = self.unix.saturating_add_unsigned(world.saturating_sub(self.at));
        let offset = zone.period_at(unix.div_euclid(1_000_000)).offset_s;
        Input::Clock { unix, offset, trusted: self.trusted }
    }

    /// When local time changes next, in the world's time.
    pub(in crate::swarm) fn changes(self, world: u64, zone: &ZoneTable<'_>) -> Option<u64> {
        let unix = self.unix.saturating_add_unsigned(world.saturating_sub(self.at));
        let change = zone.period_at(unix.div_euclid(1_000_000)).until?.saturating_mul(1_000_000);
        Some(world.saturating_add(u64::try_from(change.saturating_sub(unix)).ok()?))
    }
}

/// How long the node was off, as the daemon tells it: by the wall clock, if it was trusted then and is now.
pub(super) fn off(recall: &Recall, clock: Option<Input>) -> Option<Duration> {
    match (recall.unix, clock) {
        (Some(then), Some(Input::Clock { unix, trusted: true, .. })) => {
            Some(Duration::from_micros(u64::try_from(unix.saturating_sub(then)).unwrap_or(0)))
        }
        _ => None,
    }
}
