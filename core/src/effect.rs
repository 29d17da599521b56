//! What goes out: the few things that the engine asks its host to do. All else is read from the log.

use crate::id::{InputId, Level, OutputId};

/// One thing to do, in this order, before the next call of `poll`.
#[must_use]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Effect {
    /// Drive a line. Feed `Done { ok: false }` if the hardware refuses, and `ok: true` on the first success after that.
    SetOutput {
        /// Which.
        output: OutputId,
        /// The logical level.
        level: Level,
    },
    /// Read a line once; feed `Level { why: Quiet }` if it differs from the last level fed.
    ReadInput {
        /// Which.
        input: InputId,
    },
}
