//! What a sink has set aside: the dead letters in the journal that name it, and were not sent again since.
//!
//! The journal is all that keeps them: each letter has the reason, and the place of the record, which is read again when
//! it is wanted. So they take no room of their own, and go with the journal's oldest.

use std::io;
use std::sync::Arc;

use campanile_core::time::Instant;
use campanile_delivery::{
    Body, CursorFile, HostRecord, Index, Item, Move, OpenError, Position, Reader, SinkName, Storage, Wall,
};

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The record that the receiver did not take.
    pub record: Position,
    /// What it said.
    pub why: String,
    /// Where the letter itself stands.
    pub at: Position,
    /// When it was written, in the time of its start.
    pub time: Instant,
    /// The wall clock then, if it is known.
    pub wall: Option<Wall>,
}

/// Walks over what a sink has set aside.
pub struct Aside<S: Storage> {
    sink: SinkName,
    letters: Reader<S>,
    records: Reader<S>,
    /// The last place that is looked at.
    end: Position,
}

/// What a step has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A letter.
    Letter(Letter),
    /// It has been long enough for one step.
    Again,
    /// No more.
    End,
}

impl<S: Storage> Aside<S> {
    /// What there is by now.
    ///
    /// # Errors
    /// The place of the last time cannot be read.
    pub fn new(storage: &Arc<S>, index: &Arc<Index<S>>, sink: SinkName) -> Result<Self, OpenError> {
        let begin = CursorFile::open_retried(storage, &sink)?.place().unwrap_or(Position::START);
        let reader = || index.reader(begin);
        Ok(Self { sink, letters: reader(), records: reader(), end: index.head() })
    }

    /// The last place that is looked at: what is set aside behind it is for another time.
    pub const fn end(&self) -> Position {
        self.end
    }

    /// The next letter, as far as so many records show one.
    ///
    /// # Errors
    /// The disk fails.
    pub fn step(&mut self, records: usize) -> io::Result<Step> {
        for _ in 0..records {
            match self.letters.advance()? {
                Move::End => return Ok(Step::End),
                Move::Lagged(_) => continue,
                Move::Item => {}
            }
            let Some(item) = self.letters.item().filter(|item| item.at <= self.end) else {
                return Ok(Step::End);
            };
            let Item {
                at,
                time,
                wall,
                body: Body::Host(Some(HostRecord::DeadLetter { sink, record, why })),
                ..
            } = item
            else {
                continue;
            };
            if sink == self.sink {
                return Ok(Step::Letter(Letter { record, why, at, time, wall }));
            }
        }
        Ok(Step::Again)
    }

    /// The record at a place; `None` if the journal has it no more.
    ///
    /// # Errors
    /// The disk fails.
    pub fn record(&mut self, place: Position) -> io::Result<Option<Item<'_>>> {
        // Before every place that could come right before this one.
        self.records.seek(match place.seq.checked_sub(1) {
            Some(seq) => Position { seq, ..place },
            None => Position { host: place.host.saturating_sub(1), ..place },
        });
        loop {
            match self.records.advance()? {
                Move::Item if self.records.place() == place => return Ok(self.records.item()),
                Move::Item if self.records.place() < place => {}
                Move::Lagged(lagged) if lagged.resume < place => {}
                Move::Item | Move::Lagged(_) | Move::End => return Ok(None),
            }
        }
    }
}
