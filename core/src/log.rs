//! The log: a ring of records in the engine's memory. Writing never fails and never waits: the oldest records make
//! room. A reader has a cursor and is told when it lagged; the counters survive the records.

use crate::id::{InputId, Level};
use crate::record::{CLASSES, Frame, MAX_RECORD, Record, class, edge_head};
use crate::time::{Duration, Instant};
use crate::wire::Writer;

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

/// All of the log but its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    /// Where the next record goes.
    head: Cursor,
    /// The oldest record.
    tail: Cursor,
    /// Places of the two in the buffer.
    head_index: usize,
    tail_index: usize,
    counters: [u32; CLASSES],
}

impl Ring {
    /// Numbers start at 1, so that 0 means "nothing yet".
    pub(crate) const fn new() -> Self {
        let start = Cursor { pos: 0, seq: 1, at: Instant::ZERO };
        Self { head: start, tail: start, head_index: 0, tail_index: 0, counters: [0; CLASSES] }
    }

    /// Starts anew behind a checkpoint.
    pub(crate) fn restart(&mut self, seq: u64, at: Instant) {
        let start = Cursor { pos: self.head.pos, seq, at };
        *self = Self { head: start, tail: start, ..Self::new() };
    }

    /// Time of the last record.
    pub(crate) const fn last(&self) -> Instant {
        self.head.at
    }

    /// Number of the next record.
    pub(crate) const fn next_seq(&self) -> u64 {
        self.head.seq
    }
}

/// The log, to be written by the engine.
pub(crate) struct LogMut<'a> {
    pub(crate) ring: &'a mut Ring,
    pub(crate) buf: &'a mut [u8],
}

impl LogMut<'_> {
    /// Appends a raw edge.
    #[inline]
    pub(crate) fn edge(&mut self, at: Instant, input: InputId, level: Level) {
        let dt = at.since(self.ring.head.at);
        let mut bytes = [0; 11];
        let mut w = Writer::new(&mut bytes);
        w.u8(edge_head(input, level));
        w.varint(dt.micros());
        let len = w.finish().unwrap_or(0);
        self.append(at, 0, bytes.get(..len).unwrap_or_default());
    }

    /// Appends a record.
    pub(crate) fn push(&mut self, at: Instant, record: &Record) {
        let mut bytes = [0; MAX_RECORD];
        let len = record.encode(at.since(self.ring.head.at), &mut bytes).unwrap_or(0);
        self.append(at, record.kind(), bytes.get(..len).unwrap_or_default());
    }

    fn append(&mut self, at: Instant, kind: u8, bytes: &[u8]) {
        if let Some(count) = class(kind).and_then(|class| self.ring.counters.get_mut(class)) {
            *count = count.saturating_add(1);
        }
        let room = self.buf.len() as u64;
        let head_pos = self.ring.head.pos.saturating_add(bytes.len() as u64);
        while head_pos.saturating_sub(self.ring.tail.pos) > room {
            self.evict();
        }
        let (index, tail) = (self.ring.head_index, self.buf.len().saturating_sub(self.ring.head_index));
        if bytes.len() <= tail {
            put(self.buf, index, bytes);
        } else {
            let (first, second) = bytes.split_at_checked(tail).unwrap_or_default();
            put(self.buf, index, first);
            put(self.buf, 0, second);
        }
        self.ring.head_index = advance(index, bytes.len(), self.buf.len());
        self.ring.head = Cursor { pos: head_pos, seq: self.ring.head.seq.saturating_add(1), at };
    }

    /// Gives up the oldest record; its time goes into the cursor behind it.
    fn evict(&mut self) {
        let view = EventLog { ring: self.ring, buf: self.buf };
        let (len, dt) = view.measure(self.ring.tail_index);
        let tail = &mut self.ring.tail;
        *tail = Cursor {
            pos: tail.pos.saturating_add(len as u64),
            seq: tail.seq.saturating_add(1),
            at: tail.at.plus(dt),
        };
        self.ring.tail_index = advance(self.ring.tail_index, len, self.buf.len());
    }
}

fn put(buf: &mut [u8], index: usize, bytes: &[u8]) {
    let places = buf.get_mut(index..).unwrap_or_default();
    places.iter_mut().zip(bytes).for_each(|(place, &byte)| *place = byte);
}

const fn advance(index: usize, by: usize, len: usize) -> usize {
    let sum = index.saturating_add(by);
    if sum >= len { sum.saturating_sub(len) } else { sum }
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
        self.ring.head
    }

    /// At the oldest record that is left.
    pub const fn tail(&self) -> Cursor {
        self.ring.tail
    }

    /// Bytes that fit.
    pub const fn capacity(&self) -> usize {
        self.buf.len()
    }

    /// How many records of each [`class`](crate::record::class) were written since the start.
    pub const fn counters(&self) -> &[u32; CLASSES] {
        &self.ring.counters
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
        let all = usize::try_from(self.ring.head.pos.saturating_sub(cursor.pos)).unwrap_or(usize::MAX);
        let (len, next) =
            if all <= buf.len() { (all, self.ring.head) } else { self.fitting(cursor, buf.len())? };
        self.fill(self.index(cursor), buf.get_mut(..len).unwrap_or_default());
        Ok((len, next))
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

    const fn check(&self, cursor: Cursor) -> Result<(), Lagged> {
        if cursor.pos < self.ring.tail.pos || cursor.pos > self.ring.head.pos {
            return Err(Lagged { resume: self.ring.tail });
        }
        Ok(())
    }

    /// Length of the record at the cursor, and the place behind it.
    fn step(&self, cursor: Cursor) -> Result<Option<(usize, Cursor)>, Lagged> {
        self.check(cursor)?;
        if cursor.pos == self.ring.head.pos {
            return Ok(None);
        }
        let (len, dt) = self.measure(self.index(cursor));
        let next = Cursor {
            pos: cursor.pos.saturating_add(len as u64),
            seq: cursor.seq.saturating_add(1),
            at: cursor.at.plus(dt),
        };
        Ok(Some((len, next)))
    }

    fn index(&self, cursor: Cursor) -> usize {
        let back = usize::try_from(self.ring.head.pos.saturating_sub(cursor.pos)).unwrap_or(0);
        let head = self.ring.head_index;
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
    fn measure(&self, index: usize) -> (usize, Duration) {
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
                return (if framed { len } else { read }, Duration::from_micros(dt));
            }
        }
    }

    fn fill(&self, index: usize, out: &mut [u8]) {
        let (first, second) = (self.buf.get(index..).unwrap_or_default(), self.buf);
        out.iter_mut().zip(first.iter().chain(second)).for_each(|(place, &byte)| *place = byte);
    }
}
