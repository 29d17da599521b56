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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::disk::Disk;
    use crate::outbox::OutboxOptions;
    use crate::position::Position;
    use crate::reader::Body;
    use crate::testing::*;

    /// A sink that wants decisions only, from the beginning of this start.
    fn feed(journal: &crate::Journal<Disk>) -> Feed<Disk> {
        let cursor = Position::start_of(journal.boot());
        let options = OutboxOptions { window: 3, ..OutboxOptions::default() };
        Feed::new(journal.reader(cursor), Outbox::new(&options, cursor, 1))
    }

    fn decisions(item: &Item<'_>) -> bool {
        matches!(&item.body, Body::Engine(frame) if frame.kind() >= 64)
    }

    /// All that is sent in a row, and why it ended.
    fn send(feed: &mut Feed<Disk>, now: Instant) -> (Vec<(u64, Ticket)>, String) {
        let mut sent = Vec::new();
        loop {
            match feed.step(now, decisions).unwrap() {
                FeedStep::Send(ticket, item) => sent.push((item.at.seq, ticket)),
                FeedStep::Again => {}
                other => return (sent, format!("{other:?}")),
            }
        }
    }

    #[test]
    fn what_is_wanted_goes_in_order_and_again_after_a_lost_session() {
        let disk = Arc::new(Disk::new(1));
        let (mut journal, _) = open(&disk, small()).unwrap();
        let mut engine = Engine::default();
        let mut feed = feed(&journal);
        for value in 0..4 {
            engine.edges(&mut journal, 4);
            engine.log(&mut journal, &[letting(value)], false);
        }
        engine.edges(&mut journal, 1500);
        journal.commit(engine.time);
        let (sent, end) = send(&mut feed, ms(1));
        assert_eq!(sent.iter().map(|(seq, _)| *seq).collect::<Vec<u64>>(), [5, 10, 15]);
        assert_eq!(end, "Wait(None)", "the window is full");
        feed.outbox.acked(sent[0].1);
        let (more, end) = send(&mut feed, ms(2));
        assert_eq!((more[0].0, end.as_str()), (20, "Wait(None)"));
        feed.outbox.acked(sent[2].1);
        assert_eq!(feed.outbox.cursor().seq, 9, "up to the next one wanted");

        feed.outbox.session_reset();
        let (again, _) = send(&mut feed, ms(3));
        assert_eq!(again.iter().map(|(seq, _)| *seq).collect::<Vec<u64>>(), [10, 15, 20]);
        for (_, ticket) in again {
            feed.outbox.acked(ticket);
        }
        assert_eq!(send(&mut feed, ms(3)).1, "Idle");
        assert_eq!(feed.outbox.cursor(), journal.index().head(), "what nobody wants is done, too");
        engine.log(&mut journal, &[letting(9)], false);
        journal.commit(engine.time);
        assert_eq!(send(&mut feed, ms(4)).0[0].0, engine.seq);
    }

    #[test]
    fn what_is_gone_is_said_and_passed() {
        let disk = Arc::new(Disk::new(1));
        let (mut journal, _) = open(&disk, small()).unwrap();
        let mut engine = Engine::default();
        let mut feed = feed(&journal);
        for _ in 0..8000 {
            engine.edges(&mut journal, 3);
            journal.commit(engine.time);
        }
        let FeedStep::Lagged(lagged) = feed.step(ms(1), decisions).unwrap() else {
            panic!("nothing is missing")
        };
        assert_eq!(lagged.dropped, Some(lagged.resume.seq));
        assert_eq!(feed.outbox.cursor(), lagged.resume);
        engine.log(&mut journal, &[letting(9)], false);
        journal.commit(engine.time);
        assert_eq!(send(&mut feed, ms(1)).0[0].0, engine.seq);
    }
}
