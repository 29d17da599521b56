//! Whose turn it is: a process gets the processor when it could go on, or somewhat later, or stands still for long.

use crate::prng::Prng;

/// The turns of one process; all times are the world's.
pub(super) struct Turns {
    /// How much later than it could the loop gets its turn, at most.
    late: u64,
    draws: Prng,
    /// The loop does not get its turn before.
    asleep: Option<u64>,
    /// It is ready, and how late it wakes has been drawn.
    drawn: bool,
    /// The process stands still as a whole until then.
    frozen: u64,
}

impl Turns {
    pub(super) const fn new(late: u64, draws: Prng) -> Self {
        Self { late, draws, asleep: None, drawn: false, frozen: 0 }
    }

    /// Another process, or none.
    pub(super) const fn begin(&mut self) {
        (self.asleep, self.drawn, self.frozen) = (None, false, 0);
    }

    pub(super) const fn is_asleep(&self) -> bool {
        self.asleep.is_some()
    }

    /// Nothing of the process goes on: neither the loop, nor the journal, nor the sinks.
    pub(super) const fn is_frozen(&self, now: u64) -> bool {
        self.frozen > now
    }

    /// When the loop may go on.
    pub(super) const fn wakes(&self) -> Option<u64> {
        self.asleep
    }

    /// When something besides the loop goes on that is due at `due`.
    pub(super) fn thawed(&self, due: u64) -> u64 {
        due.max(self.frozen)
    }

    /// Nothing of the process goes on until then.
    pub(super) fn freeze(&mut self, until: u64) {
        self.frozen = self.frozen.max(until);
        self.asleep = self.asleep.max(Some(until));
    }

    /// Whether the loop has its turn now, `ready` as it is or not. Mostly promptly.
    pub(super) fn has(&mut self, now: u64, ready: bool) -> bool {
        if self.asleep.is_some_and(|until| now < until) {
            return false;
        }
        self.asleep = None;
        if !ready {
            self.drawn = false;
            return false;
        }
        if self.late > 0 && !self.drawn && self.draws.chance(1, 2) {
            self.drawn = true;
            self.asleep = Some(now + self.draws.between(1, self.late));
            return false;
        }
        true
    }
}
