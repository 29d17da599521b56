//! Whether the disk takes what the journal gives it, and when to ask again.
//!
//! A disk that refuses is asked again after waits that double, for each try costs it something: a card that is full is
//! filled to the brim with the next segment before it says so. A full one has to be looked at only to see that somebody has
//! made room; that costs nothing, so it is done every second.

use std::io;

use campanile_core::time::{Duration, Instant};

use crate::backoff::Backoff;
use crate::host::GapWhy;

const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Between two looks at what can be seen without asking the disk for anything.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The journal goes on from memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degraded {
    /// What a `journal-gap` would say.
    pub why: GapWhy,
    /// What the system said last.
    pub error: String,
    /// Since when.
    pub since: Instant,
    /// The disk is asked again then, or as soon as a full one has room for a segment more.
    pub retry: Instant,
    /// How often it has refused since.
    pub tries: u32,
}

pub(crate) struct Health {
    degraded: Option<Degraded>,
    backoff: Backoff,
    /// The next look at a disk that refused for want of room, and showed that it has less than is needed. One that refuses
    /// with room to spare (a quota, no inode left) shows nothing by which its mending could be seen.
    look: Option<Instant>,
    /// What stood in the way last: it names the loss after the recovery.
    why: GapWhy,
}

impl Health {
    pub(crate) fn new() -> Self {
        let backoff = Backoff::new(RETRY_MIN, RETRY_MAX);
        Self { degraded: None, backoff, look: None, why: GapWhy::Fault }
    }

    pub(crate) fn degraded(&self) -> Option<&Degraded> {
        self.degraded.as_ref()
    }

    pub(crate) fn why(&self) -> GapWhy {
        self.why
    }

    pub(crate) fn may_try(&self, now: Instant) -> bool {
        self.degraded.as_ref().is_none_or(|degraded| degraded.retry <= now)
    }

    /// When a degraded journal has something to do: to try again, or to look whether that is worth while.
    pub(crate) fn due(&self) -> Option<Instant> {
        let retry = self.degraded.as_ref().map(|degraded| degraded.retry);
        [retry, self.look].into_iter().flatten().min()
    }

    /// Has the disk asked at once if it has the room now that it had not when it refused.
    pub(crate) fn look(&mut self, now: Instant, needed: u64, free: impl FnOnce() -> io::Result<u64>) {
        let Some((look, degraded)) = self.look.as_mut().zip(self.degraded.as_mut()) else { return };
        if now < *look {
            return;
        }
        *look = now.plus(LOOK_EVERY);
        // One that does not say is asked in its time.
        if free().is_ok_and(|free| free >= needed) {
            degraded.retry = now;
        }
    }

    /// The disk has refused; `free` is how much room it says that it has, of which so much is `needed`.
    pub(crate) fn failed(
        &mut self,
        now: Instant,
        error: &io::Error,
        needed: u64,
        free: impl FnOnce() -> io::Result<u64>,
    ) {
        self.why = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded if is_own_limit(error) => GapWhy::Full,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => GapWhy::NoSpace,
            io::ErrorKind::ReadOnlyFilesystem => GapWhy::ReadOnly,
            _ => GapWhy::Fault,
        };
        let is_short = self.why == GapWhy::NoSpace && free().is_ok_and(|free| free < needed);
        self.look = is_short.then(|| now.plus(LOOK_EVERY));
        let since = self.degraded.as_ref().map_or(now, |degraded| degraded.since);
        let wait = self.backoff.next();
        // A limit of our own is seen without the disk.
        let retry = now.plus(if self.why == GapWhy::Full { wait.min(LOOK_EVERY) } else { wait });
        let tries = self.backoff.tries();
        self.degraded = Some(Degraded { why: self.why, error: error.to_string(), since, retry, tries });
    }

    pub(crate) fn succeeded(&mut self) {
        (self.degraded, self.look) = (None, None);
        self.backoff.reset();
    }
}

/// The journal has reached its own size and may not drop anything.
#[derive(Debug)]
struct OwnLimit;

impl std::fmt::Display for OwnLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the journal has reached its size and when-full is \"keep\"")
    }
}

impl std::error::Error for OwnLimit {}

/// The error of a journal that is full by its own rules.
pub(crate) fn own_limit() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, OwnLimit)
}

fn is_own_limit(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<OwnLimit>())
}
