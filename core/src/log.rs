//! The log: a ring of records in the engine's memory. Writing never fails and never waits: the oldest records make
//! room. A reader has a cursor and is told when it lagged: the numbers say how many records it missed, and the counters,
//! which outlive the records, of which kinds there were how many.

use crate::id::{InputId, Level};
use crate::record::{CLASSES, Frame, MAX_RECORD, Record, SHORT, class, edge, edge_head, frame, frame_short};
use crate::time::{Duration, Instant};
use crate::wire::Union;

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

/// All of the log but its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    /// Bytes written since the engine's start, less `index`: so it changes once a round.
    base: u64,
    /// Number of the last record: they start at 1, so that 0 means "nothing yet".
    last_seq: u64,
    /// Time of the last record.
    at: Instant,
    /// The next record's place in the buffer.
    index: usize,
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
            last_seq: 0,
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
        *self = Self { base: self.pos(), last_seq, at, ..Self::new() };
        let [before, ..] = &mut self.counters;
        *before = (last_seq & 0xffff_ffff) as u32;
    }

    /// Time of the last record.
    pub(crate) const fn last(&self) -> Instant {
        self.at
    }

    /// Number of the next record.
    pub(crate) const fn next_seq(&self) -> u64 {
        self.last_seq.saturating_add(1)
    }

    /// Bytes of the part that is being written which are in use.
    const fn used_of_part(&self, part: usize) -> usize {
        self.index.saturating_sub(self.fence.saturating_sub(part))
    }

    /// Counts a record that is no raw edge by its kind.
    fn count(&mut self, kind: u8) {
        if let Some(count) = class(kind).and_then(|class| self.counters.get_mut(class)) {
            *count = count.wrapping_add(1);
        }
    }

    /// A record's bytes are in place.
    #[inline]
    const fn wrote(&mut self, at: Instant) {
        self.last_seq = self.last_seq.wrapping_add(1);
        self.at = at;
    }
}

/// The log, to be written by the engine.
pub(crate) struct LogMut<'a> {
    pub(crate) ring: &'a mut Ring,
    pub(crate) buf: &'a mut [u8],
}

impl LogMut<'_> {
    /// Appends a raw edge, if the part has room for it and the gap is no unusual one: as most do, in few instructions.
    #[cfg_attr(feature = "small", inline(never))]
    #[cfg_attr(not(feature = "small"), inline)]
    #[must_use]
    pub(crate) fn edge(&mut self, at: Instant, input: InputId, level: Level) -> bool {
        // A time before the last record's wraps around to an unusual gap.
        let us = at.micros().wrapping_sub(self.ring.at.micros());
        let seven = |shift: u32| (us >> shift & 0x7f) as u8;
        let (low, mid, high, len) = match us {
            0..0x80 => (seven(0), 0, 0, 2),
            0x80..0x4000 => (seven(0) | 0x80, seven(7), 0, 3),
            0x4000..0x20_0000 => (seven(0) | 0x80, seven(7) | 0x80, seven(14), 4),
            _ => return false,
        };
        let index = self.ring.index;
        let end = index.wrapping_add(4);
        match self.buf.get_mut(index..end) {
            // What is written beyond the record is free, and is written over by the next.
            Some([a, b, c, d]) if end <= self.ring.fence => {
                [*a, *b, *c, *d] = [edge_head(input, level), low, mid, high];
            }
            _ => return false,
        }
        self.ring.index = index.wrapping_add(len);
        self.ring.wrote(at);
        true
    }

    /// Appends a raw edge that [`edge`](Self::edge) did not.
    pub(crate) fn edge_across(&mut self, at: Instant, input: InputId, level: Level) {
        let (head, dt) = (edge_head(input, level), at.since(self.ring.at));
        let mut bytes = [0; MAX_RECORD];
        let len = edge(head, dt, &mut bytes);
        self.across(at, &bytes, len.unwrap_or(0));
    }

    /// Appends a record that is no raw edge, of a kind that the compiler knows, if it is a short one, as most are.
    #[inline(always)]
    #[must_use]
    pub(crate) fn push_short(&mut self, at: Instant, record: &impl Union) -> bool {
        let mut bytes = [0; SHORT];
        let Some(len) = frame_short(at.since(self.ring.at), &mut bytes, record) else { return false };
        let [kind, ..] = bytes;
        self.ring.count(kind);
        let index = self.ring.index;
        let end = index.wrapping_add(SHORT);
        match self.buf.get_mut(index..end).and_then(<[u8]>::first_chunk_mut) {
            // What is written beyond the record is free, and is written over by the next.
            Some(place) if end <= self.ring.fence => {
                *place = bytes;
                self.ring.index = index.wrapping_add(len);
                self.ring.wrote(at);
            }
            _ => self.across(at, &bytes, len),
        }
        true
    }

    /// Appends any record that is no raw edge.
    #[inline(never)]
    pub(crate) fn push(&mut self, at: Instant, record: &dyn Union) {
        let dt = at.since(self.ring.at);
        let place = self.buf.get_mut(self.ring.index..self.ring.fence).unwrap_or_default();
        let kind = if let Some(len) = frame(dt, place, record) {
            self.ring.index = self.ring.index.wrapping_add(len);
            self.ring.wrote(at);
            place.first().copied()
        } else {
            let mut bytes = [0; MAX_RECORD];
            let len = frame(dt, &mut bytes, record);
            self.across(at, &bytes, len.unwrap_or(0));
            bytes.first().copied()
        };
        self.ring.count(kind.unwrap_or(0));
    }

    /// Writes a record over the end of the part, and maybe of the buffer.
    #[cold]
    #[inline(never)]
    fn across(&mut self, at: Instant, bytes: &[u8], len: usize) {
        self.copy_in(bytes.get(..len).unwrap_or_default());
        self.ring.wrote(at);
    }

    /// Copies bytes over the end of the part.
    fn copy_in(&mut self, mut bytes: &[u8]) {
        let mut overlap = 0;
        // A log without any room swallows them.
        while !bytes.is_empty() && !self.buf.is_empty() {
            if self.ring.index == self.ring.fence {
                self.open_part(overlap);
            }
            let place = self.buf.get_mut(self.ring.index..self.ring.fence).unwrap_or_default();
            let (now, later) = bytes.split_at_checked(place.len()).unwrap_or((bytes, &[]));
            place.iter_mut().zip(now).for_each(|(place, &byte)| *place = byte);
            self.ring.index = self.ring.index.wrapping_add(now.len());
            overlap = u8::try_from(later.len()).unwrap_or(u8::MAX);
            bytes = later;
        }
    }

    /// Goes on to the next part; what was there, the oldest of all, is given up. Numbers and times go with it: a reader
    /// that lagged counts anew, backwards from the head, which is rare.
    fn open_part(&mut self, overlap: u8) {
        let part = self.buf.len() / PARTS;
        let ring = &mut *self.ring;
        let filled = ring.kept.saturating_add(ring.used_of_part(part));
        let start = if ring.fence >= self.buf.len() { 0 } else { ring.fence };
        ring.base = ring.pos().wrapping_sub(start as u64);
        (ring.index, ring.fence) = (start, start.saturating_add(part));
        let number = start.checked_div(part).unwrap_or(0);
        if let Some(place) = ring.overlaps.get_mut(number) {
            *place = overlap;
        }
        let oldest = ring.overlaps.get(number.wrapping_add(1) % PARTS).copied().unwrap_or(0);
        let most = part.saturating_mul(PARTS.wrapping_sub(1));
        ring.kept = if filled > most { most.saturating_sub(oldest.into()) } else { filled };
    }
}

const fn advance(index: usize, by: usize, len: usize) -> usize {
    let sum = index.wrapping_add(by);
    if sum >= len { sum.wrapping_sub(len) } else { sum }
}

/// The log, to be read.
#[derive(Clone, Copy)]
pub struct EventLog<'a> {
    pub(crate) ring: &'a Ring,
    pub(crate) buf: &'a [u8],
}

impl EventLog<'_> {
    /// Behind the last record.
    pub const fn head(&self) -> Cursor {
        self.ring.head()
    }

    /// At the oldest record that is left. Walks over all that are left: their times and numbers are kept at the head
    /// only.
    pub fn tail(&self) -> Cursor {
        let mut tail = Cursor { pos: self.tail_pos(), ..self.head() };
        let (mut index, mut left) = (self.index(tail), self.used());
        while left > 0 {
            let (len, dt) = self.measure(index);
            tail.seq = tail.seq.saturating_sub(1);
            tail.at = tail.at.minus(Duration::from_micros(dt));
            (index, left) = (advance(index, len, self.buf.len()), left.saturating_sub(len));
        }
        tail
    }

    const fn tail_pos(&self) -> u64 {
        self.ring.pos().wrapping_sub(self.used() as u64)
    }

    /// Bytes of all records that are left.
    const fn used(&self) -> usize {
        self.ring.kept.saturating_add(self.ring.used_of_part(self.buf.len() / PARTS))
    }

    /// Bytes that fit.
    pub const fn capacity(&self) -> usize {
        self.buf.len()
    }

    /// How many records of each [`class`] were written since the start, modulo 2³².
    pub fn counters(&self) -> [u32; CLASSES] {
        let mut counters = self.ring.counters;
        // What was before, and all that were no raw edges: the rest were.
        let others = counters.iter().fold(0, |sum: u32, count| sum.wrapping_add(*count));
        let [edges, ..] = &mut counters;
        *edges = ((self.ring.last_seq & 0xffff_ffff) as u32).wrapping_sub(others);
        counters
    }

    /// The record at the cursor and the place behind it; `None` at the head.
    ///
    /// # Errors
    /// `Lagged` if that record is gone.
    pub fn read(&self, cursor: Cursor) -> Result<Option<(Entry, Cursor)>, Lagged> {
        let mut bytes = [0; MAX_RECORD];
        let Some((len, next)) = self.step(cursor)? else { return Ok(None) };
        let bytes = bytes.get_mut(..len).unwrap_or_default();
        self.fill(self.index(cursor), bytes);
        let record = Frame::split(bytes).and_then(|(frame, _)| frame.record());
        let Some(record) = record else { return Err(Lagged { resume: self.head() }) };
        Ok(Some((Entry { seq: cursor.seq, at: next.at, record }, next)))
    }

    /// Copies as many whole records from the cursor on as fit into `buf`; gives their bytes and the place behind.
    ///
    /// # Errors
    /// `Lagged` if the first of them is gone.
    pub fn copy(&self, cursor: Cursor, buf: &mut [u8]) -> Result<(usize, Cursor), Lagged> {
        self.check(cursor)?;
        let all = usize::try_from(self.ring.pos().saturating_sub(cursor.pos)).unwrap_or(usize::MAX);
        let (len, next) =
            if all <= buf.len() { (all, self.head()) } else { self.fitting(cursor, buf.len())? };
        self.fill(self.index(cursor), buf.get_mut(..len).unwrap_or_default());
        Ok((len, next))
    }

    /// The place of a record by its number; the head for a number that none has yet. Walks over all that are left before
    /// it.
    ///
    /// # Errors
    /// `Lagged` if that record is gone.
    pub fn seek(&self, seq: u64) -> Result<Cursor, Lagged> {
        let mut at = self.tail();
        if seq < at.seq {
            return Err(Lagged { resume: at });
        }
        while at.seq < seq
            && let Some((_, next)) = self.step(at)?
        {
            at = next;
        }
        Ok(at)
    }

    fn fitting(&self, from: Cursor, room: usize) -> Result<(usize, Cursor), Lagged> {
        let (mut used, mut at) = (0usize, from);
        while let Some((len, next)) = self.step(at)? {
            let sum = used.saturating_add(len);
            if sum > room {
                break;
            }
            (used, at) = (sum, next);
        }
        Ok((used, at))
    }

    fn check(&self, cursor: Cursor) -> Result<(), Lagged> {
        if cursor.pos < self.tail_pos() || cursor.pos > self.ring.pos() {
            return Err(Lagged { resume: self.tail() });
        }
        Ok(())
    }

    /// Length of the record at the cursor, and the place behind it.
    fn step(&self, cursor: Cursor) -> Result<Option<(usize, Cursor)>, Lagged> {
        self.check(cursor)?;
        if cursor.pos == self.ring.pos() {
            return Ok(None);
        }
        let (len, dt) = self.measure(self.index(cursor));
        let next = Cursor {
            pos: cursor.pos.saturating_add(len as u64),
            seq: cursor.seq.saturating_add(1),
            at: cursor.at.plus(Duration::from_micros(dt)),
        };
        Ok(Some((len, next)))
    }

    fn index(&self, cursor: Cursor) -> usize {
        let back = usize::try_from(self.ring.pos().saturating_sub(cursor.pos)).unwrap_or(0);
        let head = self.ring.index;
        if back <= head {
            head.saturating_sub(back)
        } else {
            head.saturating_add(self.buf.len()).saturating_sub(back)
        }
    }

    fn byte(&self, index: usize) -> u8 {
        self.buf.get(index).copied().unwrap_or(0)
    }

    /// Length and `dt` of the record at a place; the ring writes whole records only.
    fn measure(&self, index: usize) -> (usize, u64) {
        let next = |index| advance(index, 1, self.buf.len());
        let head = self.byte(index);
        let mut at = next(index);
        let framed = head < 0x80;
        let len = usize::from(self.byte(at)).saturating_add(2);
        if framed {
            at = next(at);
        }
        let (mut dt, mut shift, mut read) = (0u64, 0u32, 1usize);
        loop {
            let byte = self.byte(at);
            dt |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            (at, read, shift) = (next(at), read.saturating_add(1), shift.saturating_add(7));
            if byte < 0x80 || shift > 63 {
                return (if framed { len } else { read }, dt);
            }
        }
    }

    fn fill(&self, index: usize, out: &mut [u8]) {
        let (first, second) = (self.buf.get(index..).unwrap_or_default(), self.buf);
        out.iter_mut().zip(first.iter().chain(second)).for_each(|(place, &byte)| *place = byte);
    }
}
