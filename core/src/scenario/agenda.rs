//! The agenda: what has happened and waits for its scenario, first come, first served.
//!
//! A run that causes something only appends here, so that nothing recurses. An instant has room for so many
//! occurrences and no more: a cascade of scenarios that feed each other ends with a fault.

use crate::decision::Cause;
use crate::fifo::Fifo;
use crate::id::{ScenarioId, TriggerId};
use crate::slots::Empty;
use crate::time::Instant;

/// Occurrences that wait at the same time.
pub const AGENDA: usize = 16;
/// Occurrences, and runs that go on, at one instant.
pub const MAX_PER_INSTANT: u8 = 64;

/// A reason for a scenario to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) scenario: ScenarioId,
    pub(crate) cause: Cause,
    /// When it began in the world: a press, not the decision that it was one.
    pub(crate) onset: Instant,
}

impl Empty for Occurrence {
    const EMPTY: Self = Self {
        scenario: ScenarioId(0),
        cause: Cause::Trigger { trigger: TriggerId(0) },
        onset: Instant::ZERO,
    };
}

/// The queue, and how much this instant has seen.
#[derive(Clone, Debug)]
pub(crate) struct Agenda {
    queue: Fifo<Occurrence, AGENDA>,
    instant: Instant,
    pub(crate) taken: u8,
}

impl Agenda {
    pub(crate) const fn new() -> Self {
        Self { queue: Fifo::new(Occurrence::EMPTY), instant: Instant::ZERO, taken: 0 }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// False if there is no room.
    #[must_use]
    pub(crate) fn push(&mut self, occurrence: Occurrence) -> bool {
        self.queue.push(occurrence)
    }

    pub(crate) fn pop(&mut self) -> Option<Occurrence> {
        self.queue.pop()
    }

    /// Counts one more at `now`; false if the instant is full.
    #[must_use]
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        if self.instant != now {
            (self.instant, self.taken) = (now, 0);
        }
        if self.taken >= MAX_PER_INSTANT {
            return false;
        }
        self.taken = self.taken.saturating_add(1);
        true
    }

    /// How many the instant `now` has seen.
    pub(crate) fn taken_at(&self, now: Instant) -> u8 {
        if self.instant == now { self.taken } else { 0 }
    }

    /// Goes on in an instant that has seen so many.
    pub(crate) const fn resume(&mut self, now: Instant, taken: u8) {
        (self.instant, self.taken) = (now, taken);
    }
}
