//! The pieces of a journal as they come: records in a row to which the same happens, and what is missing between them.

use campanile_delivery::Position;

use crate::replay::place::Place;
use crate::replay::report::{Outcome, Piece, Why};

/// The pieces so far.
#[derive(Default)]
pub(super) struct Pieces {
    done: Vec<Piece>,
    /// The piece under way.
    open: Option<Piece>,
    /// The last one done is missing, and ends where the next record comes.
    ends_here: bool,
    /// What is missing before the range that was asked for, and may be why its first records are passed over.
    early: Option<Piece>,
}

impl Pieces {
    /// A record has come.
    pub(super) fn come_to(&mut self, here: &Place) {
        if std::mem::take(&mut self.ends_here)
            && let Some(missing) = self.done.last_mut()
        {
            missing.last = here.near(missing.last.at);
        }
    }

    /// Adds a record to the piece under way, or to a new one.
    pub(super) fn note(&mut self, place: Place, program: u64, outcome: impl FnOnce() -> Outcome) {
        self.done.extend(self.early.take());
        let begin = || Piece { first: place, last: place, program, records: 0, outcome: outcome() };
        let piece = self.open.get_or_insert_with(begin);
        piece.last = place;
        piece.records += 1;
    }

    /// The piece under way.
    pub(super) fn open(&mut self) -> Option<&mut Piece> {
        self.open.as_mut()
    }

    /// The piece under way ends.
    pub(super) fn close(&mut self) {
        self.done.extend(self.open.take());
    }

    /// A piece in between.
    pub(super) fn add(&mut self, piece: Piece) {
        self.done.push(piece);
    }

    /// Records are missing behind `after`, up to `last`; `before` was read last. Where they end is told by the next one.
    pub(super) fn miss(&mut self, before: &Place, after: Position, last: Position, why: Why) {
        self.close();
        self.done.push(missing(before, after, last, why));
        self.ends_here = true;
    }

    /// The same before the range: it is told with the first record that is passed over in it, if there is one.
    pub(super) fn miss_early(&mut self, before: &Place, after: Position, last: Position, why: Why) {
        self.early = Some(missing(before, after, last, why));
    }

    /// Something can begin before any record of the range: nothing of it is missed.
    pub(super) fn forget_early(&mut self) {
        self.early = None;
    }

    /// All of them.
    pub(super) fn finish(mut self) -> Vec<Piece> {
        self.close();
        self.done
    }
}

fn missing(before: &Place, after: Position, last: Position, why: Why) -> Piece {
    Piece {
        first: before.near(first_behind(after)),
        last: before.near(last),
        program: 0,
        records: 0,
        outcome: Outcome::Passed(why),
    }
}

/// The first record behind a place.
pub(super) const fn first_behind(after: Position) -> Position {
    Position { seq: after.seq + 1, ..after }
}
