//! Debounce: how raw levels become reported ones. This file has the settings; the state machine is in `watcher`.

use crate::time::Duration;
use crate::wire::{wire_struct, wire_variants};

/// The longest span of an algorithm. A longer one is a mistake of unit; and a lock-out behind another has to fit into
/// the 32 bits of microseconds that a watcher counts from its last edge.
pub const LONGEST: Duration = Duration::from_secs(1_800);

/// How one edge, press or release, is decided. The algorithm of the edge *away* from the reported level is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Algorithm {
    /// Report at the edge.
    #[default]
    None,
    /// Report when the line has been still for `t_us`.
    Defer {
        /// Microseconds.
        t_us: u32,
    },
    /// Report at the edge, then lock out both directions for `t_us`. With a guard, report `after_us` behind the edge,
    /// if no other came between: crosstalk spikes of less than a microsecond do not pass.
    Eager {
        /// Lock-out in microseconds, fixed, not extended by further edges.
        t_us: u32,
        /// Glitch guard in microseconds; 0 for none.
        after_us: u16,
    },
    /// Report when the line has been away from the reported level for `t_us` on balance.
    Integrate {
        /// Microseconds.
        t_us: u32,
    },
}

wire_variants!(Algorithm {
    0 None {},
    1 Defer { t_us },
    2 Eager { t_us, after_us },
    3 Integrate { t_us },
});

impl Algorithm {
    /// The algorithm's main span, T; zero for `None`.
    pub const fn span(self) -> Duration {
        Duration::from_micros(self.t_us() as u64)
    }

    /// [`span`](Self::span) in microseconds.
    pub(crate) const fn t_us(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Defer { t_us } | Self::Eager { t_us, .. } | Self::Integrate { t_us } => t_us,
        }
    }
}

/// The debounce of one input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Debounce {
    /// For the edge to `On`.
    pub press: Algorithm,
    /// For the edge to `Off`.
    pub release: Algorithm,
    /// Of `Defer` and `Integrate`: report at the latest this long after the onset, in microseconds; 0 for ten times T.
    pub max_wait_us: u32,
}

wire_struct!(Debounce { press, release, max_wait_us });
