//! Two positions, as people and the control socket say them.

use campanile_core::id::Level;
use serde::{Deserialize, Serialize};

/// `on` or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

impl From<Switch> for Level {
    fn from(switch: Switch) -> Self {
        Self::from_bool(switch == Switch::On)
    }
}

impl From<Level> for Switch {
    fn from(level: Level) -> Self {
        if level.is_on() { Self::On } else { Self::Off }
    }
}

impl Switch {
    /// As the file writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}
