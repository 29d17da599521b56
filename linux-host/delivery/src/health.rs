//! Whether the disk takes what the journal gives it, and when to ask again.

use std::io;

use campanile_core::time::{Duration, Instant};

use crate::backoff::Backoff;
use crate::host::GapWhy;

const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// The journal goes on from memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degraded {
    /// What a `journal-gap` would say.
    pub why: GapWhy,
    /// What the system said last.
    pub error: String,
    /// Since when.
    pub since: Instant,
    /// The disk is asked again then.
    pub retry: Instant,
    /// How often it has refused since.
    pub tries: u32,
}

pub(crate) struct Health {
    degraded: Option<Degraded>,
    backoff: Backoff,
    /// What stood in the way last: it names the loss after the recovery.
    why: GapWhy,
}

impl Health {
    pub(crate) fn new() -> Self {
        Self { degraded: None, backoff: Backoff::new(RETRY_MIN, RETRY_MAX), why: GapWhy::Fault }
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

    pub(crate) fn failed(&mut self, now: Instant, error: &io::Error) {
        self.why = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded if is_own_limit(error) => GapWhy::Full,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => GapWhy::NoSpace,
            io::ErrorKind::ReadOnlyFilesystem => GapWhy::ReadOnly,
            _ => GapWhy::Fault,
        };
        let since = self.degraded.as_ref().map_or(now, |degraded| degraded.since);
        let retry = now.plus(self.backoff.next());
        let tries = self.backoff.tries();
        self.degraded = Some(Degraded { why: self.why, error: error.to_string(), since, retry, tries });
    }

    pub(crate) fn succeeded(&mut self) {
        self.degraded = None;
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
