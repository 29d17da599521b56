//! The way of the log to the host: go-back-N, read from the log again instead of kept.

use heapless::Deque;

use super::super::message::{Message, Records};
use super::super::source::Source;
use super::super::{MAX_MESSAGE, RETRY, WINDOW};
use crate::log::Cursor;
use crate::time::Instant;

/// How far the log has been sent.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    /// Everything before it is in the journal.
    acked: Cursor,
    next: Cursor,
    /// The places behind the frames under way.
    ends: Deque<Cursor, WINDOW>,
    /// When something was sent, or acknowledged, last.
    moved: Instant,
    /// All was sent again since something was acknowledged.
    rewound: bool,
    /// Before the record of this number some are gone.
    gap: Option<u64>,
}

impl Sending {
    /// From the record of this number on, or the oldest that is left.
    pub(super) fn from(seq: u64, now: Instant, log: &impl Source) -> Self {
        let (at, gap) = match log.seek(seq) {
            Ok(at) => (at, None),
            Err(lagged) => (lagged.resume, Some(lagged.resume.seq)),
        };
        Self { acked: at, next: at, ends: Deque::new(), moved: now, rewound: false, gap }
    }

    /// The host waits for the record of this number: the one behind a frame that it now has, or the one that it waited
    /// for before, or any, as what it heard last may have been overtaken or its journal may have lost its end.
    pub(super) fn acknowledged(&mut self, now: Instant, seq: u64, log: &impl Source) {
        if let Some(frame) = self.ends.iter().position(|end| end.seq == seq) {
            for _ in 0..=frame {
                self.acked = self.ends.pop_front().unwrap_or(self.acked);
            }
            (self.moved, self.rewound) = (now, false);
            self.gap = self.gap.filter(|gap| *gap >= seq);
        } else if seq != self.acked.seq {
            *self = Self::from(seq, now, log);
        } else if !self.ends.is_empty() && !self.rewound {
            // The host has not got what it waits for, but something behind it.
            self.rewind(now);
            self.rewound = true;
        }
    }

    /// The next frame of records, if there are any and one more may be under way; its length.
    pub(super) fn next(
        &mut self,
        now: Instant,
        token: u32,
        log: &impl Source,
        out: &mut [u8; MAX_MESSAGE],
    ) -> Option<usize> {
        if self.due() <= now {
            self.rewind(now);
        }
        if self.ends.is_full() {
            return None;
        }
        // What stands in front of the records takes so much at the most.
        const HEAD: usize = 1 + 5 + 10 + 1 + 10;
        let mut records = [0; MAX_MESSAGE - HEAD];
        let (len, next) = match log.copy(self.next, &mut records) {
            Ok(copied) => copied,
            Err(lagged) => {
                self.skip_to(lagged.resume);
                log.copy(lagged.resume, &mut records).ok()?
            }
        };
        let bytes = records.get(..len).filter(|bytes| !bytes.is_empty())?;
        let (first, base) = (self.next.seq, self.next.at);
        let message = Message::Records(Records { first, gap: self.gap == Some(first), base, bytes });
        let written = message.encode(token, out)?;
        self.ends.push_back(next).ok()?;
        (self.next, self.moved) = (next, now);
        Some(written)
    }

    fn rewind(&mut self, now: Instant) {
        self.next = self.acked;
        self.ends.clear();
        self.moved = now;
    }

    /// What comes next is gone from the log.
    fn skip_to(&mut self, resume: Cursor) {
        (self.acked, self.next) = (resume, resume);
        self.ends.clear();
        self.gap = Some(resume.seq);
    }

    /// When what is under way is sent again.
    pub(super) fn due(&self) -> Instant {
        if self.ends.is_empty() { Instant::NEVER } else { self.moved.plus(RETRY) }
    }
}
