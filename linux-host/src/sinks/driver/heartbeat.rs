//! `heartbeat = "5min"`: a sign of life for the receiver, with the figures of the sink.
//!
//! It says what is now: it is of no record, the journal does not wait for it, and what cannot be told while the
//! receiver is away is not told later.

use std::time::Duration;

use campanile_delivery::Storage;
use tokio::time::Instant;

use super::{Driver, Parcel, What};
use crate::sinks::Sink;
use crate::sinks::message::{Message, Pulse};
use crate::sinks::source::Around;

/// When the next is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heartbeat {
    every: Duration,
    due: Instant,
    began: Instant,
    /// Counted from 1.
    beats: u64,
}

impl Heartbeat {
    /// The first one goes out at once.
    pub(super) fn new(every: Duration) -> Self {
        let now = Instant::now();
        Self { every, due: now, began: now, beats: 0 }
    }

    /// When the next one is due.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }
}

impl<K: Sink, S: Storage, A: Around> Driver<K, S, A> {
    /// A sign of life, if it is time for one.
    pub(super) fn beat(&mut self, now: Instant) -> Option<(Parcel, Message)> {
        let heartbeat = self.heartbeat.as_mut().filter(|heartbeat| heartbeat.due <= now)?;
        // From now on, and not from when it was due: after an outage one is enough.
        heartbeat.due = now + heartbeat.every;
        heartbeat.beats += 1;
        let (number, up) = (heartbeat.beats, now.duration_since(heartbeat.began));
        self.show();
        let figures = self.board.read(self.source.index.head());
        let message = self.render.pulse(&Pulse { boot: self.source.boot, number, up, figures });
        Some((Parcel { at: self.feed.outbox.cursor(), recorded: None, what: What::Beat }, message))
    }
}
