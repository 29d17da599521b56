//! A reader and an outbox together: the loop that every sink would write.

use std::io;

use campanile_core::time::Instant;

use crate::outbox::{Outbox, Ticket, Turn};
use crate::reader::{Item, Lagged, Move, Reader};
use crate::storage::Storage;

/// At most this many records are passed in one step, so that a filter that wants nothing leaves room for others.
const SKIPS_MAX: usize = 1024;

/// What a sink does next.
#[derive(Debug)]
pub enum FeedStep<'a> {
    /// Send this record, and tell the outbox what becomes of the ticket.
    Send(Ticket, Item<'a>),
    /// Records are gone that were not delivered; the journal counts them too. Go on.
    Lagged(Lagged),
    /// Go on; it has been long enough for one step.
    Again,
    /// Nothing before this moment, or before a notice of the receiver.
    Wait(Option<Instant>),
    /// Nothing more in the journal for now.
    Idle,
}

/// What a sink works with.
pub struct Feed<S: Storage> {
    reader: Reader<S>,
    /// What is under way. Tell it of every notice of the receiver.
    pub outbox: Outbox,
}

impl<S: Storage> Feed<S> {
    /// Joins a reader, wherever it stands, with an outbox, which knows where to go on.
    pub fn new(reader: Reader<S>, outbox: Outbox) -> Self {
        Self { reader, outbox }
    }

    /// The next thing to do. `wants` decides which records this sink sends; the others count as done.
    ///
    /// # Errors
    /// The disk fails; try again later.
    pub fn step(
        &mut self,
        now: Instant,
        mut wants: impl FnMut(&Item<'_>) -> bool,
    ) -> io::Result<FeedStep<'_>> {
        for _ in 0..SKIPS_MAX {
            match self.outbox.turn(now) {
                Turn::Rewind(cursor) => self.reader.seek(cursor),
                Turn::Wait(until) => return Ok(FeedStep::Wait(until)),
                Turn::Take => match self.reader.advance()? {
                    Move::End => return Ok(FeedStep::Idle),
                    Move::Lagged(lagged) => {
                        self.outbox.skipped(lagged.resume);
                        return Ok(FeedStep::Lagged(lagged));
                    }
                    Move::Item if self.reader.item().is_some_and(|item| wants(&item)) => {
                        let ticket = self.outbox.sent(self.reader.place(), now);
                        return Ok(self
                            .reader
                            .item()
                            .map_or(FeedStep::Again, |item| FeedStep::Send(ticket, item)));
                    }
                    Move::Item => self.outbox.skipped(self.reader.place()),
                },
            }
        }
        Ok(FeedStep::Again)
    }
}
