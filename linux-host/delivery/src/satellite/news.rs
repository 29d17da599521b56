//! What there is to tell of a satellite.

use std::io;

use campanile_core::decision::ReplyResult;
use campanile_core::link::{Health, Hello, Verdict};
use campanile_core::time::Instant;

use super::Misfit;
use crate::Boot;

/// What somebody may want to know.
#[derive(Debug)]
pub enum News<'m> {
    /// It is there, in a start that has its number.
    Met {
        /// What it says of itself.
        hello: Hello<'m>,
        /// Its program is brought over, or is not, as it does not fit. `None` if it has it, or does not get it.
        brings: Option<Result<(), Misfit>>,
        /// The journal has not kept its program: names of its records may be unknown there.
        unkept: Option<io::Error>,
    },
    /// It speaks another version of the link: nothing can be said to it.
    OtherVersion {
        /// Which.
        theirs: u8,
    },
    /// The number that it gives for its start is none that a counter of starts comes to; nothing is taken of it.
    Uncountable {
        /// Which.
        boot: Boot,
    },
    /// What became of its program.
    Installed(Verdict),
    /// It does not set an output, and is not asked again.
    Unset {
        /// Which.
        output: String,
        /// Why.
        result: ReplyResult,
    },
    /// It sent messages of which the house does not hear: more than can wait came before it said what time it has, which
    /// would have told how old they are.
    Unjudged {
        /// How many, the oldest.
        messages: usize,
    },
    /// It is there, and has this time.
    Pong {
        /// In the time of its records.
        at: Instant,
    },
    /// How its storage is.
    Health(Health),
    /// What its firmware says of itself.
    Trace {
        /// See [`Message::Trace`](campanile_core::link::Message::Trace).
        frames: &'m [u8],
    },
}
