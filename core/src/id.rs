//! Ids: small numbers that the compiler of programs hands out. Names stay on the host, in the symbol table.

use crate::bits::MOST;
use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name(pub u8);

        impl $name {
            /// The place in the program's table.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// An input: 0 to 63, as a raw edge has six bits for it; 0 to 31 with the feature `small`.
    InputId
    /// An output.
    OutputId
    /// A sensor: a named, scaled number.
    SensorId
    /// A variable: a named i32.
    VarId
    /// A scenario.
    ScenarioId
    /// A trigger: a place in the program's sorted table of triggers.
    TriggerId
    /// A run: the slot in the pool of runs that it occupies from its `Run` record to its `End`.
    RunId
    /// A message: its text and the names of its data are in the symbol table.
    TemplateId
    /// A message that triggers wait for: its name is in the symbol table.
    MessageId
    /// Something at the other end of a wire that is up or down: a sink, a gateway's client, a satellite.
    PeerId
}

/// The most inputs that a program may have: 64, as a raw edge has six bits for its input; 32 with the feature `small`.
pub const MAX_INPUTS: usize = MOST as usize;
/// The most peers: sinks, gateways' clients and satellites. As [`MAX_INPUTS`].
pub const MAX_PEERS: u8 = MOST;
/// The most outputs that a program may have. As [`MAX_INPUTS`].
pub const MAX_OUTPUTS: usize = MOST as usize;

/// A logical level: what the pin means, `active = "low"` already taken into account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Level {
    /// Released, open, dry, dark.
    #[default]
    Off,
    /// Pressed, closed, wet, lit.
    On,
}

impl Level {
    /// `On` for true.
    pub const fn from_bool(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }

    /// Whether this is `On`.
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }

    /// The other level.
    #[must_use]
    pub const fn opposite(self) -> Self {
        Self::from_bool(!self.is_on())
    }
}

impl From<Level> for i32 {
    fn from(level: Level) -> Self {
        Self::from(level.is_on())
    }
}
