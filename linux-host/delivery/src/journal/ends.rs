//! The first and the last words of a start, on a disk that may refuse them.

use std::io;

use campanile_core::time::Instant;

use super::Journal;
use crate::group::Loss;
use crate::host::HostRecord;
use crate::storage::Storage;
use crate::unwritten::Unwritten;

impl<S: Storage> Journal<S> {
    /// Writes what there is to say of the time before, and syncs it before anybody reads it.
    pub(crate) fn first_words(&mut self, words: &[HostRecord], now: Instant) {
        for word in words {
            self.counts.damaged += u64::from(matches!(word, HostRecord::Damaged { .. }));
            self.record(word, now);
        }
        self.durability.require();
        self.commit(now);
    }

    /// Stops in order: everything is written and synced, with a word that says so. A checkpoint just before keeps the
    /// state even if the disk takes no more than the last words.
    ///
    /// # Errors
    /// The disk refuses: what it did not take, and whether it says so itself. That is lost.
    pub fn close(mut self, now: Instant) -> Result<(), Unwritten> {
        self.record(&HostRecord::Stopped, now);
        self.durability.require();
        self.flush_builder();
        let written = self.write_out(now);
        let unwritten = written.err().map(|error| self.last_words(error, now));
        if unwritten.as_ref().is_none_or(|unwritten| unwritten.said) {
            self.signs.end(now);
        }
        self.publish();
        unwritten.map_or(Ok(()), Err)
    }

    /// The disk refuses the end of the journal: gives up as much as it must, for the sake of what tells most.
    fn last_words(&mut self, error: io::Error, now: Instant) -> Unwritten {
        self.note_failure(&error, now);
        let why = self.health.why();
        self.writer.last = true;
        // The state, and what came behind it, are worth more than all before.
        let checkpoint = self.index.lock().tail.last_checkpoint();
        if let Some(before) = checkpoint
            && let Some(missing) = self.give_up(before, now)
        {
            return Unwritten { missing, why, error, said: true, state: true };
        }
        // And the word on the loss is worth more than them.
        let (state, waiting) = {
            let state = self.index.lock();
            (checkpoint.is_some() && state.tail.last_checkpoint().is_none(), state.tail.unwritten().len())
        };
        let missing = self.give_up(waiting.saturating_sub(1), now);
        let said = missing.is_some();
        let missing = missing.unwrap_or_else(|| self.index.lock().tail.missing());
        Unwritten { missing, why, error, said, state }
    }

    /// Gives up the first so many groups that wait, and writes the rest; what is missing then, if the disk takes it.
    fn give_up(&mut self, groups: usize, now: Instant) -> Option<Option<Loss>> {
        let (lost, missing) = {
            let tail = &mut self.index.lock().tail;
            (tail.give_up(groups), tail.lost())
        };
        self.counts.lost += lost;
        self.durability.require();
        match self.write_out(now) {
            Ok(()) => Some(missing),
            Err(error) => {
                self.note_failure(&error, now);
                None
            }
        }
    }
}
