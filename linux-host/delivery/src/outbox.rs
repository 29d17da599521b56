//! The outbox of one sink: what is under way to a receiver, and how far it has got. Sans-IO: records come from a
//! reader, time comes in, and the caller does the sending.
//!
//! The rules: at least once and in order; the cursor is the end of the part that is done without a hole, however the
//! acknowledgements arrive. When a session is lost, everything behind the cursor goes again, also what was
//! acknowledged out of order: a receiver that keeps the last value must not end with an older one. A record that
//! a receiver refuses for good is passed once the journal has the word on it. Memory is bounded by the window.
//!
//! Call [`turn`](Outbox::turn) and do what it says; after [`Turn::Take`] read a record and say
//! [`sent`](Outbox::sent) or [`skipped`](Outbox::skipped). [`crate::Feed`] does that with a reader.

use std::collections::VecDeque;

use campanile_core::time::{Duration, Instant};

use crate::backoff::{Backoff, Random};
use crate::position::{Cursor, Position};

/// What can be chosen about an outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxOptions {
    /// How many messages may be under way at once; at least 1.
    pub window: usize,
    /// The wait after the first failure; it doubles with every further one.
    pub retry_min: Duration,
    /// The longest wait.
    pub retry_max: Duration,
    /// The most messages a second, where a receiver has a quota.
    pub per_second: Option<u32>,
}

impl Default for OutboxOptions {
    fn default() -> Self {
        Self {
            window: 100,
            retry_min: Duration::from_millis(500),
            retry_max: Duration::from_secs(60),
            per_second: None,
        }
    }
}

/// A message under way. Tickets are never used twice, so that a late notice of an old session does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Read on behind this place: what was read since is not done.
    Rewind(Cursor),
    /// Read a record.
    Take,
    /// Nothing before this moment, or before a notice of the receiver.
    Wait(Option<Instant>),
}

/// A record that the receiver will never take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message.
    pub ticket: Ticket,
    /// The record.
    pub record: Position,
    /// What the receiver said.
    pub why: String,
}

/// How far behind a sink is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Messages under way.
    pub in_flight: usize,
    /// Records that are not done; `None` across starts.
    pub records: Option<u64>,
    /// How long the oldest message has been under way.
    pub oldest: Option<Duration>,
    /// Failures in a row.
    pub tries: u32,
    /// The next try.
    pub retry: Option<Instant>,
    /// Messages acknowledged, since this outbox was made.
    pub delivered: u64,
    /// Messages refused for good.
    pub refused: u64,
    /// Messages sent again.
    pub repeated: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Outbox {
    window: usize,
    pace: Option<Duration>,
    backoff: Backoff,
    random: Random,
    cursor: Cursor,
    /// Messages behind the cursor, in order.
    slots: VecDeque<Slot>,
    /// Of the first slot.
    first: u64,
    rewind: bool,
    retry: Option<Instant>,
    next_send: Instant,
    /// The last place ever sent.
    sent_to: Position,
    delivered: u64,
    refused: u64,
    repeated: u64,
}

#[derive(Debug)]
struct Slot {
    record: Position,
    /// Everything up to here is done with it: what follows may be skipped.
    through: Position,
    since: Instant,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Sent,
    Refused,
    Done,
}

impl Outbox {
    /// An outbox that goes on behind `cursor`. The seed spreads the retries.
    pub fn new(options: &OutboxOptions, cursor: Cursor, seed: u64) -> Self {
        Self {
            window: options.window.max(1),
            pace: options.per_second.map(|n| Duration::from_micros(1_000_000 / u64::from(n.max(1)))),
            backoff: Backoff::new(options.retry_min, options.retry_max),
            random: Random::new(seed),
            cursor,
            slots: VecDeque::new(),
            first: 0,
            rewind: true,
            retry: None,
            next_send: Instant::ZERO,
            sent_to: cursor,
            delivered: 0,
            refused: 0,
            repeated: 0,
        }
    }

    /// Everything up to here is done: the only thing that may be given to a cursor file.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// What to do next.
    pub fn turn(&mut self, now: Instant) -> Turn {
        if self.retry.is_some_and(|retry| now < retry) {
            return Turn::Wait(self.retry);
        }
        self.retry = None;
        if self.rewind {
            self.rewind = false;
            return Turn::Rewind(self.cursor);
        }
        if self.slots.len() >= self.window {
            return Turn::Wait(None);
        }
        if self.pace.is_some() && now < self.next_send {
            return Turn::Wait(Some(self.next_send));
        }
        Turn::Take
    }

    /// The receiver allows so many messages under way.
    pub fn set_window(&mut self, window: usize) {
        self.window = window.max(1);
    }

    /// The record at this place is under way.
    pub fn sent(&mut self, record: Position, now: Instant) -> Ticket {
        debug_assert!(record > self.last(), "records are sent in order");
        if let Some(pace) = self.pace {
            self.next_send = self.next_send.max(now).plus(pace);
        }
        if record <= self.sent_to {
            self.repeated += 1;
        }
        self.sent_to = self.sent_to.max(record);
        let ticket = Ticket(self.first + self.slots.len() as u64);
        self.slots.push_back(Slot { record, through: record, since: now, state: State::Sent });
        ticket
    }

    /// Nothing up to this place needs to be sent: it counts as done with what is under way before it.
    pub fn skipped(&mut self, to: Position) {
        match self.slots.back_mut() {
            Some(slot) => slot.through = slot.through.max(to),
            None => self.cursor = self.cursor.max(to),
        }
    }

    /// The receiver has the message. Says whether the cursor has moved.
    pub fn acked(&mut self, ticket: Ticket) -> bool {
        match self.slot(ticket) {
            Some(slot) if slot.state == State::Sent => slot.state = State::Done,
            _ => return false,
        }
        self.delivered += 1;
        self.advance()
    }

    /// The receiver will never take the message. The cursor passes once [`recorded`](Self::recorded) says that the
    /// journal has the word on it; until then it counts as under way.
    pub fn refused(&mut self, ticket: Ticket, why: &str) -> Option<DeadLetter> {
        let slot = self.slot(ticket).filter(|slot| slot.state == State::Sent)?;
        slot.state = State::Refused;
        let record = slot.record;
        self.refused += 1;
        Some(DeadLetter { ticket, record, why: why.to_owned() })
    }

    /// The journal has the word on a message refused. Says whether the cursor has moved.
    pub fn recorded(&mut self, ticket: Ticket) -> bool {
        match self.slot(ticket) {
            Some(slot) if slot.state == State::Refused => slot.state = State::Done,
            _ => return false,
        }
        self.advance()
    }

    /// The receiver has answered something that is no message of the journal's: it works again.
    pub fn answered(&mut self) {
        self.backoff.reset();
    }

    /// The receiver has forgotten what was under way: it goes again, at once.
    pub fn session_reset(&mut self) {
        self.first += self.slots.len() as u64;
        self.slots.clear();
        self.rewind = true;
    }

    /// Sending or connecting failed: what was under way goes again, after a wait that doubles with every failure and
    /// is spread at random.
    pub fn failed(&mut self, now: Instant) {
        self.session_reset();
        self.retry = Some(now.plus(self.backoff.next_spread(&mut self.random)));
    }

    /// How far behind the sink is, where `head` is the last place of the journal.
    pub fn lag(&self, head: Position, now: Instant) -> Lag {
        Lag {
            in_flight: self.slots.iter().filter(|slot| slot.state == State::Sent).count(),
            records: self.cursor.records_to(head),
            oldest: self.slots.front().map(|slot| now.since(slot.since)),
            tries: self.backoff.tries(),
            retry: self.retry,
            delivered: self.delivered,
            refused: self.refused,
            repeated: self.repeated,
        }
    }

    fn slot(&mut self, ticket: Ticket) -> Option<&mut Slot> {
        let at = usize::try_from(ticket.0.checked_sub(self.first)?).ok()?;
        self.slots.get_mut(at)
    }

    fn last(&self) -> Position {
        self.slots.back().map_or(self.cursor, |slot| slot.through)
    }

    /// Moves the cursor over everything that is done without a hole. Only that shows that the receiver works again: what it
    /// takes behind a hole goes to it once more after the next failure, and must not come faster each time for that.
    fn advance(&mut self) -> bool {
        let before = self.cursor;
        while let Some(slot) = self.slots.pop_front_if(|slot| slot.state == State::Done) {
            self.first += 1;
            self.cursor = slot.through;
        }
        let has_moved = self.cursor != before;
        if has_moved {
            self.backoff.reset();
        }
        has_moved
    }
}

#[cfg(test)]
mod tests;
