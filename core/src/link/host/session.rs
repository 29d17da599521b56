//! A session: which records of the satellite come next, and what it is told and asked of that, again until it has answered.

use super::super::lines::Lines;
use super::super::message::{Message, Records};
use super::super::{PATIENCE, PING_EVERY, RETRY};
use super::{Delivery, Wall};
use crate::record::Frame;
use crate::time::Instant;

/// From the answer to a greeting to the next, or to a silence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub(super) token: u32,
    /// When the satellite was heard last.
    pub(super) heard: Instant,
    ping_at: Instant,
    /// The number that its start gets, until it has greeted with that.
    pub(super) assign: Option<u64>,
    /// The record that is next; `None` until the journal has said so.
    pub(super) expected: Option<u64>,
    /// When the satellite is told so.
    ack_at: Instant,
    /// When the number is said, and again: see [`RETRY`].
    retry_at: Instant,
    /// When it is asked how its lines are.
    look_at: Instant,
}

impl Session {
    pub(super) const fn new(token: u32, now: Instant) -> Self {
        Self {
            token,
            heard: now,
            ping_at: now,
            assign: None,
            expected: None,
            ack_at: Instant::NEVER,
            retry_at: Instant::NEVER,
            look_at: Instant::NEVER,
        }
    }

    pub(super) const fn assign(&mut self, now: Instant, boot: u64) {
        (self.assign, self.expected, self.retry_at) = (Some(boot), None, now);
    }

    pub(super) const fn pull(&mut self, now: Instant, seq: u64) {
        (self.expected, self.ack_at) = (Some(seq), now);
    }

    pub(super) const fn look(&mut self, now: Instant) {
        self.look_at = now;
    }

    /// When there is something to say of it, or it has been silent for too long.
    pub(super) fn due(&self) -> Instant {
        let mut due = self.heard.plus(PATIENCE).min(self.ping_at);
        if self.assign.is_some() {
            due = due.min(self.retry_at);
        }
        if self.expected.is_some() {
            due = due.min(self.ack_at).min(self.look_at);
        }
        due
    }

    /// What of the records is new; the satellite is told at once if some are missing before it.
    pub(super) fn records<'m>(&mut self, now: Instant, records: Records<'m>) -> Option<Delivery<'m>> {
        let expected = self.expected?;
        let Records { first, gap, program, base, bytes } = records;
        let missing = first > expected && !gap;
        let mut new = Delivery { first, count: 0, program, base, bytes };
        let (mut seq, mut rest) = (first, bytes);
        while let Some((frame, behind)) = Frame::split(rest) {
            if seq < expected {
                new = Delivery {
                    first: seq.saturating_add(1),
                    base: new.base.plus(frame.dt),
                    bytes: behind,
                    count: 0,
                    // Known, of records that are here already.
                    program: None,
                };
            } else {
                new.count = new.count.saturating_add(1);
            }
            (seq, rest) = (seq.saturating_add(1), behind);
        }
        // No satellite gets to the last number there is: behind that none could come.
        if missing || !rest.is_empty() || seq == u64::MAX {
            self.ack_at = now;
            return None;
        }
        // What was here already is not answered at once: the satellite would take that for a loss, and send all of it once more.
        (new.count > 0).then_some(new)
    }

    /// What was said of the lines, unless records that are there have overtaken it.
    pub(super) fn looked(&mut self, lines: Lines) -> Option<Lines> {
        if self.expected? > lines.seq {
            return None;
        }
        self.look_at = Instant::NEVER;
        Some(lines)
    }

    /// What is to be said of the session itself; with that, it is said.
    pub(super) fn next(&mut self, now: Instant, wall: Wall) -> Option<Message<'static>> {
        if let Some(boot) = self.assign.filter(|_| self.retry_at <= now) {
            self.retry_at = now.plus(RETRY);
            return Some(Message::Assign { boot });
        }
        // Before records are asked for: the answer says how old they are.
        if self.ping_at <= now {
            self.ping_at = now.plus(PING_EVERY);
            let Wall { unix, offset, trusted } = wall;
            return Some(Message::Ping { unix, offset, trusted });
        }
        // Again after a while without records: it may have been lost.
        let expected = self.expected?;
        if self.ack_at <= now {
            self.ack_at = now.plus(RETRY);
            return Some(Message::Ack { seq: expected });
        }
        if self.look_at <= now {
            self.look_at = now.plus(RETRY);
            return Some(Message::Look);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Input;
    use crate::record::{MAX_RECORD, Record};
    use crate::time::Duration;

    #[test]
    fn a_frame_behind_which_no_number_is_left_is_not_taken() {
        let mut bytes = [0; MAX_RECORD];
        let record = Record::Input(Input::Clock { unix: 0, offset: 0, trusted: false });
        let len = record.encode(Duration::ZERO, &mut bytes).unwrap();
        let records =
            |first| Records { first, gap: true, program: None, base: Instant::ZERO, bytes: &bytes[..len] };
        let mut session = Session::new(1, Instant::ZERO);
        session.pull(Instant::ZERO, 5);
        for first in [u64::MAX, u64::MAX - 1] {
            assert_eq!(session.records(Instant::ZERO, records(first)), None, "{first}");
        }
        let taken = session.records(Instant::ZERO, records(9)).unwrap();
        assert_eq!((taken.first, taken.count), (9, 1));
    }
}
