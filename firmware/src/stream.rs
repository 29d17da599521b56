//! The log over the serial line: its bytes as they are.
//!
//! At its start and behind a gap the stream has a *mark*: a zero, which no record begins with, then the number of the
//! record that follows and the time of the one before it, in microseconds, each as a varint. The rest is records, as
//! `campanile_core::record` describes them. Records are numbered from 1 on; a mark with a 0 says that the board refuses
//! its program, and has the reason, a `Verdict`, in place of the time.

use campanile_core::link::Verdict;
use campanile_core::log::{Cursor, EventLog};
use campanile_core::record::MAX_RECORD;
use campanile_core::wire::Writer;

use crate::serial;

/// The longest mark: the zero and two varints.
const MARK_MAX: usize = 21;

/// Sends the log.
pub(crate) struct Stream {
    marked: bool,
}

impl Stream {
    pub(crate) const fn new() -> Self {
        Self { marked: false }
    }

    /// Whether the stream's place is known to whoever listens.
    #[cfg(feature = "replay")]
    pub(crate) const fn is_marked(&self) -> bool {
        self.marked
    }

    /// Sends what is behind `from`, up to a place, or a part of it; gives the place it got to.
    pub(crate) fn send(&mut self, log: &EventLog<'_>, mut from: Cursor, to: Cursor) -> Cursor {
        let mut bytes = [0; MAX_RECORD];
        while from.pos < to.pos && (self.marked || self.mark(from)) {
            let left = usize::try_from(to.pos - from.pos).unwrap_or(usize::MAX);
            let room = serial::free().min(bytes.len()).min(left);
            match log.copy(from, bytes.get_mut(..room).unwrap_or_default()) {
                Ok((0, _)) => break,
                Ok((len, next)) => {
                    serial::push(bytes.get(..len).unwrap_or_default());
                    from = next;
                }
                Err(lagged) => (from, self.marked) = (lagged.resume, false),
            }
        }
        from
    }

    /// Resolves when any record has room.
    pub(crate) async fn room(&mut self) {
        serial::room(MAX_RECORD).await;
    }

    /// Says where the stream goes on; false if there is no room for that.
    fn mark(&mut self, at: Cursor) -> bool {
        let mut bytes = [0; MARK_MAX];
        let mut w = Writer::new(&mut bytes);
        w.u8(0);
        w.varint(at.seq);
        w.varint(at.at.micros());
        let mark = w.finish().and_then(|len| bytes.get(..len)).unwrap_or_default();
        self.marked = serial::free() >= mark.len();
        if self.marked {
            serial::push(mark);
        }
        self.marked
    }
}

/// Says that the program was refused: a mark with a number that no record has, and the reason in place of a time.
pub(crate) fn refuse(why: Verdict) {
    serial::push(&[0, 0, why as u8]);
}
