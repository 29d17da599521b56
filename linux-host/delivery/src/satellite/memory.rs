//! What a house keeps in mind of all its satellites together: which starts are one, though journals have them by several
//! numbers, and which records the house was told of lately. Where satellites exchange names or ports, what a board recorded just
//! now comes once more under another name, and it is the same press.
//!
//! In memory alone: a house that starts anew knows of no number that it gave before.

mod firsts;
mod told;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campanile_core::time::Instant;

use self::firsts::Firsts;
use self::told::Told;
use crate::{Boot, RecordId};

/// See the [module](self). Clones share it: each house has one, for all sessions of its process.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    firsts: Firsts,
    told: Told,
}

/// What tells a record from all others, under whichever name it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// By the number that its start had first.
    pub(super) record: RecordId,
    /// When it was, by its satellite's clock. A board that has lost the end of a start may write another record of this number,
    /// and not at the same microsecond. The house is given the number alone ([`World::sent`](super::World::sent)): of two
    /// messages that are told apart by this only, its engine takes the second for the first once more.
    pub(super) at: Instant,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is whole before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The start `theirs` has the number `ours` from here on.
    pub(super) fn renumbered(&self, theirs: Boot, ours: Boot) {
        self.lock().firsts.insert(theirs, ours);
    }

    /// What a record is that comes under this number.
    pub(super) fn identity(&self, record: RecordId, at: Instant) -> Identity {
        let boot = self.lock().firsts.of(record.boot);
        Identity { record: RecordId { boot, ..record }, at }
    }

    /// Whether the house was told of this record lately.
    pub(super) fn knows(&self, identity: Identity) -> bool {
        self.lock().told.has(identity)
    }

    /// The house was told of this record just now, as of something young.
    pub(super) fn note_told(&self, identity: Identity, now: Instant) {
        self.lock().told.insert(identity, now);
    }
}
