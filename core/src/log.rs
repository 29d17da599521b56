//! The log: a ring of records in the engine's memory. Writing never fails and never waits: the oldest records make
//! room. A reader has a cursor and is told when it lagged: the numbers say how many records it missed, and the counters,
//! which outlive the records, of which kinds there were how many.

mod read;
mod write;

pub use read::EventLog;
pub(crate) use write::LogMut;

use crate::record::{CLASSES, Record};
use crate::time::Instant;

/// A reader's place in the log of one engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cursor {
    /// Bytes written before it, since the engine's start.
    pub pos: u64,
    /// Number of the next record.
    pub seq: u64,
    /// Time of the record before.
    pub at: Instant,
}

/// The reader was too slow, or its cursor is another engine's: records from its place on are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lagged {
    /// The oldest record that is left.
    pub resume: Cursor,
}

/// A record with its number and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entry {
    /// Its number.
    pub seq: u64,
    /// Its time.
    pub at: Instant,
    /// What it says.
    pub record: Record,
}

/// The ring is given up an eighth at a time: no record pays for those that it displaces, and most lie in one piece.
const PARTS: usize = 8;

/// All of the log but its bytes. In this order in memory, as the engine's [`State`](crate::engine::state::State) is.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct Ring {
    /// Bytes written since the engine's start, less `index`: so it changes once a round.
    base: u64,
    /// Number of the record that opened the part that is being written, by ending in it: they start at 1, so that 0 means
    /// "nothing yet".
    seq: u64,
    /// Time of the last record.
    at: Instant,
    /// The next record's place in the buffer.
    index: usize,
    /// Records written since that one. Every record adds to this, and a word is quicker to add to than `seq` where words
    /// have 32 bits.
    since: u32,
    /// Where the part that is being written ends.
    fence: usize,
    /// Bytes of the whole records in front of that part.
    kept: usize,
    /// Of each part, the bytes at its start that belong to a record from the part before.
    overlaps: [u8; PARTS],
    /// How many records there were of each class. Raw edges are the rest, so that none pays for its count: in their
    /// place is how many records came before the engine's start.
    counters: [u32; CLASSES],
}

impl Ring {
    /// All zeros in memory, so that an engine in a static takes no flash.
    pub(crate) const fn new() -> Self {
        Self {
            base: 0,
            seq: 0,
            since: 0,
            at: Instant::ZERO,
            index: 0,
            fence: 0,
            kept: 0,
            overlaps: [0; PARTS],
            counters: [0; CLASSES],
        }
    }

    const fn pos(&self) -> u64 {
        self.base.wrapping_add(self.index as u64)
    }

    const fn head(&self) -> Cursor {
        Cursor { pos: self.pos(), seq: self.next_seq(), at: self.at }
    }

    /// Starts anew behind a checkpoint.
    pub(crate) fn restart(&mut self, seq: u64, at: Instant) {
        let last_seq = seq.saturating_sub(1);
        *self = Self { base: self.pos(), seq: last_seq, at, ..Self::new() };
        let [before, ..] = &mut self.counters;
        *before = (last_seq & 0xffff_ffff) as u32;
    }

    /// A program that begins anew at an earlier time takes the log there.
    pub(crate) fn go_back(&mut self, at: Instant) {
        self.at = self.at.min(at);
    }

    /// Time of the last record.
    pub(crate) const fn last(&self) -> Instant {
        self.at
    }

    /// Number of the last record.
    pub(crate) const fn last_seq(&self) -> u64 {
        self.seq.wrapping_add(self.since as u64)
    }

    /// Number of the next record.
    pub(crate) const fn next_seq(&self) -> u64 {
        self.last_seq().wrapping_add(1)
    }

    /// Bytes of the part that is being written which are in use.
    const fn used_of_part(&self, part: usize) -> usize {
        self.index.wrapping_sub(self.fence.saturating_sub(part))
    }

    /// Counts a record that is no raw edge.
    #[inline(always)]
    fn count(&mut self, class: usize) {
        if let Some(count) = self.counters.get_mut(class) {
            *count = count.wrapping_add(1);
        }
    }

    /// One more record; gives how many microseconds after the one before, which is no later one.
    #[inline]
    const fn next(&mut self, at: Instant) -> u64 {
        let dt = at.micros().wrapping_sub(self.at.micros());
        self.wrote(at);
        dt
    }

    /// One more record.
    #[inline]
    const fn wrote(&mut self, at: Instant) {
        self.since = self.since.wrapping_add(1);
        self.at = at;
    }
}
