//! Something that was refused and may be taken later, as by a disk that is full: when it is tried again, after waits that double.

use campanile_core::time::{Duration, Instant};

use crate::backoff::Backoff;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Again {
    /// [`Instant::NEVER`] if nothing was refused.
    at: Instant,
    backoff: Backoff,
}

impl Again {
    /// From this wait on, up to that one.
    pub(super) const fn new(min: Duration, max: Duration) -> Self {
        Self { at: Instant::NEVER, backoff: Backoff::new(min, max) }
    }

    /// It was refused, perhaps not for the first time.
    pub(super) fn refused(&mut self, now: Instant) {
        self.at = now.plus(self.backoff.next());
    }

    /// It was taken, or nobody wants it any more: what is refused next is refused for the first time.
    pub(super) const fn over(&mut self) {
        self.at = Instant::NEVER;
        self.backoff.reset();
    }

    /// When it is tried.
    pub(super) const fn due(&self) -> Instant {
        self.at
    }

    /// Whether it is to be tried now; what becomes of that is [said](Self::refused) later.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.at <= now;
        if is_due {
            self.at = Instant::NEVER;
        }
        is_due
    }
}
