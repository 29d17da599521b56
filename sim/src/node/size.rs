//! How large an engine is: a few capacities, so that the limits of a small one are met in every life of the swarm and
//! not only in tests about them.

use std::rc::Rc;

use campanile_core::capacity::{Capacity, Tiny};
use campanile_core::engine::Engine;
use campanile_core::program::verify::{LoadError, verify};

use super::{Birth, Inbox, Inlet, Lines, Witness, live};
use crate::executor::{Executor, TaskId};

campanile_core::capacity! {
    /// What a Linux host has room for, with a smaller log: a journal in memory is never behind.
    pub(crate) Room {
        inputs: 64, outputs: 64, sensors: 64, variables: 255, triggers: 255, schedules: 64, scenarios: 255,
        runs: 254, code: 32768, log: 16384,
    }
}

campanile_core::capacity! {
    /// A microcontroller with a house of some size.
    pub(super) Small {
        inputs: 16, outputs: 16, sensors: 8, variables: 16, triggers: 48, schedules: 8, scenarios: 24, runs: 24,
        code: 2048, log: 2048,
    }
}

campanile_core::capacity! {
    /// The least log that there can be: four records of any length.
    pub(super) Brim {
        inputs: 16, outputs: 16, sensors: 8, variables: 16, triggers: 48, schedules: 8, scenarios: 24, runs: 24,
        code: 2048, log: 384,
    }
}

/// What an engine has room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// As a Linux host, with 16 KiB of log.
    #[default]
    Room,
    /// As a microcontroller, with 2 KiB of log.
    Small,
    /// As `Small`, with the least log that there can be.
    Brim,
    /// Four of everything and half a KiB of log.
    Tiny,
}

/// Something that is made for an engine of a size.
pub(crate) trait Build {
    /// What.
    type Made;

    fn build<C: Capacity + 'static>(self) -> Self::Made;
}

impl Size {
    /// All sizes, the largest first.
    pub const ALL: [Self; 4] = [Self::Room, Self::Small, Self::Brim, Self::Tiny];

    /// Whether a program fits.
    ///
    /// # Errors
    /// Why it does not.
    pub fn fits(self, image: &[u8]) -> Result<(), LoadError> {
        struct Verified<'a>(&'a [u8]);
        impl Build for Verified<'_> {
            type Made = Result<(), LoadError>;

            fn build<C: Capacity + 'static>(self) -> Self::Made {
                let engine = Box::new(Engine::<C>::new());
                verify(self.0, &engine.room())
            }
        }
        self.build(Verified(image))
    }

    /// Makes something for an engine of this size.
    pub(crate) fn build<B: Build>(self, what: B) -> B::Made {
        match self {
            Self::Room => what.build::<Room>(),
            Self::Small => what.build::<Small>(),
            Self::Brim => what.build::<Brim>(),
            Self::Tiny => what.build::<Tiny>(),
        }
    }

    pub(super) fn spawn<W: Witness + 'static>(
        self,
        executor: &mut Executor<'_>,
        birth: Birth,
        lines: Lines,
        inbox: Inbox<W>,
        inlet: Rc<Inlet>,
    ) -> TaskId {
        match self {
            Self::Room => executor.spawn(live::<Room, W>(birth, lines, inbox, inlet)),
            Self::Small => executor.spawn(live::<Small, W>(birth, lines, inbox, inlet)),
            Self::Brim => executor.spawn(live::<Brim, W>(birth, lines, inbox, inlet)),
            Self::Tiny => executor.spawn(live::<Tiny, W>(birth, lines, inbox, inlet)),
        }
    }
}
