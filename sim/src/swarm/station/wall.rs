//! The wall clock of a node, and what a start makes of it.

use campanile_core::input::Input;
use campanile_core::time::Duration;
use campanile_delivery::Recall;

/// The wall clock of a node, since it was set.
#[derive(Clone, Copy, Debug)]
pub(in crate::swarm) struct Wall {
    /// In the world's time.
    pub(in crate::swarm) at: u64,
    pub(in crate::swarm) unix: i64,
    pub(in crate::swarm) trusted: bool,
}

impl Wall {
    /// What it shows at a moment of the world's time.
    pub(in crate::swarm) const fn read(self, world: u64) -> Input {
        let passed = world.saturating_sub(self.at);
        Input::Clock { unix: self.unix.saturating_add_unsigned(passed), offset: 0, trusted: self.trusted }
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
