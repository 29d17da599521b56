//! Signs of life: what tells the next start when this one was last there, and that all it wrote is on the disk.
//!
//! Every record is one. A quiet house leaves others only while something waits that outlives a power cut, once a
//! minute: a sign costs the card as much as a record.

use std::io;

use campanile_core::record::Frame;
use campanile_core::time::{Duration, Instant};

use crate::boot::BootFile;
use crate::pending::Pending;
use crate::storage::Storage;

/// What is left of a durable timer is overstated by no more than this, and the window of a sync, after a power cut.
const EVERY: Duration = Duration::from_secs(60);

/// What was decided so long ago has come to the journal; what has not may still be lost with its record.
const HANDED_OVER: Duration = Duration::from_secs(1);

pub(crate) struct Signs<S: Storage> {
    file: BootFile<S>,
    pending: Pending,
    last: Instant,
}

impl<S: Storage> Signs<S> {
    pub(crate) fn new(file: BootFile<S>, now: Instant) -> Self {
        Self { file, pending: Pending::default(), last: now }
    }

    /// A record of this time: something may begin or cease to wait.
    pub(crate) fn take(&mut self, frame: &Frame<'_>, at: Instant) {
        self.pending.take(frame, at);
    }

    /// Something was written, which is a sign by itself.
    pub(crate) fn note_written(&mut self, now: Instant) {
        self.last = now;
    }

    /// When the next one is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        let due = self.last.plus(EVERY);
        (self.pending.until() > due).then_some(due)
    }

    /// Leaves one; if the disk refuses, the next one is due in its time.
    pub(crate) fn leave(&mut self, now: Instant) -> io::Result<()> {
        self.last = now;
        self.file.beat(now, HANDED_OVER, false)
    }

    /// Tells of this start what the disk has not taken so far, before anything else is written.
    pub(crate) fn begin(&mut self, now: Instant) {
        if self.file.is_unsaid() {
            // Without it the random half of the number has to do, and the next start doubts more than it must.
            let _ = self.file.beat(now, Duration::ZERO, false);
        }
    }

    /// The last one: all that was written is on the disk.
    pub(crate) fn end(&mut self, now: Instant) {
        // Without it the next start writes again what is there.
        let _ = self.file.beat(now, Duration::ZERO, true);
    }
}
