//! The way of the log to the host: go-back-N, read from the log again instead of kept.

use heapless::Deque;

use super::super::message::{Message, Records, Runs};
use super::super::source::Source;
use super::super::{MAX_MESSAGE, RETRY, WINDOW};
use crate::log::{Cursor, Lagged};
use crate::time::Instant;

/// What stands in front of the records of a frame takes so much at the most, ...
const HEAD: usize = 1 + 5 + 10 + 1 + 1 + 10;

/// ... and the program that is told with some of them so much more.
const PROGRAM: usize = 10;

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
    /// The record with which it begins, until that is in the journal: nothing that the host heard leads up to it, so that the
    /// host is told which program wrote it.
    first: Option<u64>,
    /// Before that one some are gone.
    gap: bool,
}

impl Sending {
    /// From the record of this number on, or the oldest that is left.
    pub(super) fn from(seq: u64, now: Instant, log: &impl Source) -> Self {
        let (at, gap) = match log.seek(seq) {
            Ok(at) => (at, false),
            Err(lagged) => (lagged.resume, true),
        };
        let first = Some(at.seq);
        Self { acked: at, next: at, ends: Deque::new(), moved: now, rewound: false, first, gap }
    }

    /// The host waits for the record of this number: the one behind a frame that it now has, or the one that it waited
    /// for before, or any, as what it heard last may have been overtaken or its journal may have lost its end.
    pub(super) fn acknowledged(&mut self, now: Instant, seq: u64, log: &impl Source) {
        if let Some(frame) = self.ends.iter().position(|end| end.seq == seq) {
            for _ in 0..=frame {
                self.acked = self.ends.pop_front().unwrap_or(self.acked);
            }
            (self.moved, self.rewound) = (now, false);
            self.first = self.first.filter(|first| *first >= seq);
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
        runs: Option<Runs>,
        log: &impl Source,
        out: &mut [u8; MAX_MESSAGE],
    ) -> Option<usize> {
        if self.due() <= now {
            self.rewind(now);
        }
        if self.ends.is_full() {
            return None;
        }
        let mut records = [0; MAX_MESSAGE - HEAD];
        let (len, next) = match self.copy(log, &mut records) {
            Ok(copied) => copied,
            Err(lagged) => {
                self.skip_to(lagged.resume);
                self.copy(log, &mut records).ok()?
            }
        };
        let bytes = records.get(..len).filter(|bytes| !bytes.is_empty())?;
        let (first, base, begins) = (self.next.seq, self.next.at, self.begins());
        let program = runs.filter(|runs| begins && runs.since <= first).map(|runs| runs.program);
        let message = Message::Records(Records { first, gap: begins && self.gap, program, base, bytes });
        let written = message.encode(token, out)?;
        self.ends.push_back(next).ok()?;
        (self.next, self.moved) = (next, now);
        Some(written)
    }

    /// Whether the next frame is the one with which it begins.
    fn begins(&self) -> bool {
        self.first == Some(self.next.seq)
    }

    /// The records of the next frame: as many as fit behind what stands in front of them there.
    fn copy(
        &self,
        log: &impl Source,
        records: &mut [u8; MAX_MESSAGE - HEAD],
    ) -> Result<(usize, Cursor), Lagged> {
        let room = if self.begins() { MAX_MESSAGE - HEAD - PROGRAM } else { MAX_MESSAGE - HEAD };
        log.copy(self.next, records.get_mut(..room).unwrap_or_default())
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
        (self.first, self.gap) = (Some(resume.seq), true);
    }

    /// When what is under way is sent again.
    pub(super) fn due(&self) -> Instant {
        if self.ends.is_empty() { Instant::NEVER } else { self.moved.plus(RETRY) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNS: Runs = Runs { program: 7, since: 20 };

    /// A log of records that have a byte each, from the first of these numbers to before the other.
    struct Bytes(u64, u64);

    impl Source for Bytes {
        fn tail(&self) -> Cursor {
            Cursor { seq: self.0, ..Cursor::default() }
        }

        fn head(&self) -> Cursor {
            Cursor { seq: self.1, ..Cursor::default() }
        }

        fn seek(&self, seq: u64) -> Result<Cursor, Lagged> {
            let at = Cursor { seq, ..Cursor::default() };
            if seq < self.0 { Err(Lagged { resume: self.tail() }) } else { Ok(at) }
        }

        fn copy(&self, from: Cursor, buf: &mut [u8]) -> Result<(usize, Cursor), Lagged> {
            let from = self.seek(from.seq)?;
            let len = (self.1 - from.seq).min(buf.len() as u64);
            buf[..len as usize].fill(0xff);
            Ok((len as usize, Cursor { seq: from.seq + len, ..from }))
        }
    }

    /// The first of the frame's records, whether some before it are gone, and the program that wrote it; `None` if there is none.
    fn next(sending: &mut Sending, log: &Bytes) -> Option<(u64, bool, Option<u64>)> {
        let mut out = [0; MAX_MESSAGE];
        let len = sending.next(Instant::ZERO, 1, Some(RUNS), log, &mut out)?;
        match Message::decode(&out[..len]) {
            Ok((_, Message::Records(Records { first, gap, program, .. }))) => Some((first, gap, program)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_wrote_the_first_frame_and_the_one_behind_a_gap_is_told_where_it_is_known() {
        let log = Bytes(10, 1_000);
        let mut sending = Sending::from(20, Instant::ZERO, &log);
        assert_eq!(next(&mut sending, &log), Some((20, false, Some(7))));
        let (second, ..) = next(&mut sending, &log).unwrap();
        sending.acknowledged(Instant::ZERO, second, &log);
        sending.rewind(Instant::ZERO);
        assert_eq!(next(&mut sending, &log), Some((second, false, None)), "the records before lead up to it");
        // It did not come, and meanwhile the log went on.
        let log = Bytes(900, 2_000);
        sending.rewind(Instant::ZERO);
        assert_eq!(next(&mut sending, &log), Some((900, true, Some(7))));
        sending.rewind(Instant::ZERO);
        assert_eq!(next(&mut sending, &log), Some((900, true, Some(7))), "again, as it may have been lost");
        // The program took over behind the first record.
        let log = Bytes(10, 1_000);
        assert_eq!(next(&mut Sending::from(19, Instant::ZERO, &log), &log), Some((19, false, None)));
        assert_eq!(next(&mut Sending::from(1, Instant::ZERO, &log), &log), Some((10, true, None)));
    }

    #[test]
    fn the_longest_frame_fits() {
        let log = Bytes(u64::MAX - 1_000, u64::MAX);
        let runs = Some(Runs { program: u64::MAX, since: 0 });
        let mut sending = Sending::from(1, Instant::ZERO, &log);
        for at in [Instant::ZERO, Instant::NEVER] {
            sending.next.at = at;
            let len = sending.next(Instant::ZERO, u32::MAX, runs, &log, &mut [0; MAX_MESSAGE]);
            assert!(len.is_some_and(|len| len > MAX_MESSAGE - 20), "{len:?}");
        }
    }
}
