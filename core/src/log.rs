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
    /// Places of the next and of the oldest record in the buffer.
    head_index: usize,
    tail_index: usize,
    /// Bytes between the two.
    used: usize,
    counters: [u32; CLASSES],
}

impl Ring {
    /// Numbers start at 1, so that 0 means "nothing yet".
    pub(crate) const fn new() -> Self {
        let start = Cursor { pos: 0, seq: 1, at: Instant::ZERO };
        Self { head: start, head_index: 0, tail_index: 0, used: 0, counters: [0; CLASSES] }
    }

    /// Starts anew behind a checkpoint.
    pub(crate) fn restart(&mut self, seq: u64, at: Instant) {
        let start = Cursor { pos: self.head.pos, seq, at };
        *self = Self { head: start, ..Self::new() };
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
    /// Appends a raw edge: most records are one, so it goes straight to its place.
    #[inline]
    pub(crate) fn edge(&mut self, at: Instant, input: InputId, level: Level) {
        let dt = at.since(self.ring.head.at).micros();
        let head = edge_head(input, level);
        if (0x80..0x4000).contains(&dt) {
            let bytes = [head, (dt & 0x7f) as u8 | 0x80, (dt >> 7 & 0x7f) as u8];
            self.make_room(bytes.len());
            match self.buf.get_mut(self.ring.head_index..) {
                Some([a, b, c, ..]) => [*a, *b, *c] = bytes,
                _ => wrap(self.buf, self.ring.head_index, &bytes),
            }
            self.advance_head(at, 0, bytes.len());
        } else {
            self.long_edge(at, head, dt);
        }
    }

    #[cold]
    #[inline(never)]
    fn long_edge(&mut self, at: Instant, head: u8, dt: u64) {
        let mut bytes = [0; 11];
        let mut w = Writer::new(&mut bytes);
        w.u8(head);
        w.varint(dt);
        let len = w.finish().unwrap_or(0);
        self.append(at, 0, bytes.get(..len).unwrap_or_default());
    }

    /// Appends a record.
    pub(crate) fn push(&mut self, at: Instant, record: &Record) {
        let mut bytes = [0; MAX_RECORD];
        let len = record.encode(at.since(self.ring.head.at), &mut bytes).unwrap_or(0);
        self.append(at, class(record.kind()).unwrap_or(0), bytes.get(..len).unwrap_or_default());
    }

    fn append(&mut self, at: Instant, class: usize, bytes: &[u8]) {
        self.make_room(bytes.len());
        let index = self.ring.head_index;
        match self.buf.get_mut(index..index.saturating_add(bytes.len())) {
            Some(places) => places.iter_mut().zip(bytes).for_each(|(place, &byte)| *place = byte),
            None => wrap(self.buf, index, bytes),
        }
        self.advance_head(at, class, bytes.len());
    }

    #[inline]
    fn make_room(&mut self, len: usize) {
        if self.ring.used.wrapping_add(len) > self.buf.len() {
            self.evict(len);
        }
    }

    #[inline]
    fn advance_head(&mut self, at: Instant, class: usize, len: usize) {
        let ring = &mut *self.ring;
        if let Some(count) = ring.counters.get_mut(class) {
            *count = count.wrapping_add(1);
        }
        ring.used = ring.used.wrapping_add(len);
        ring.head_index = advance(ring.head_index, len, self.buf.len());
        ring.head.pos = ring.head.pos.wrapping_add(len as u64);
        ring.head.seq = ring.head.seq.wrapping_add(1);
        ring.head.at = at;
    }

    /// Gives up the oldest records, an eighth of the ring at a time. Their numbers and times go with them: a reader that
    /// lagged counts anew, backwards from the head, which is rare, while every edge would pay for keeping count.
    #[cold]
    #[inline(never)]
    fn evict(&mut self, len: usize) {
        let room = self.buf.len();
        let target = room.saturating_sub((room >> 3).max(len));
        let (mut index, mut used) = (self.ring.tail_index, self.ring.used);
        while used > target {
            let len = match *self.buf.get(index..).unwrap_or_default() {
                [head, low, high, ..] if head & low >= 0x80 && high < 0x80 => 3,
                [head, len, ..] if head < 0x80 => usize::from(len).wrapping_add(2),
                _ => EventLog { ring: self.ring, buf: self.buf }.measure(index).0,
            };
            used = used.wrapping_sub(len);
            index = advance(index, len, room);
        }
        (self.ring.tail_index, self.ring.used) = (index, used);
    }
}

/// Writes over the end of the buffer.
#[cold]
#[inline(never)]
fn wrap(buf: &mut [u8], index: usize, bytes: &[u8]) {
    let (first, second) = bytes.split_at_checked(buf.len().saturating_sub(index)).unwrap_or_default();
    put(buf, index, first);
    put(buf, 0, second);
}

fn put(buf: &mut [u8], index: usize, bytes: &[u8]) {
    let places = buf.get_mut(index..).unwrap_or_default();
    places.iter_mut().zip(bytes).for_each(|(place, &byte)| *place = byte);
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
        self.ring.head
    }

    /// At the oldest record that is left. Walks over all that are left: their times and numbers are kept at the head
    /// only.
    pub fn tail(&self) -> Cursor {
        let (mut index, mut left) = (self.ring.tail_index, self.ring.used);
        let mut tail = Cursor { pos: self.tail_pos(), ..self.ring.head };
        while left > 0 {
            let (len, dt) = self.measure(index);
            tail.seq = tail.seq.saturating_sub(1);
            tail.at = tail.at.minus(Duration::from_micros(dt));
            (index, left) = (advance(index, len, self.buf.len()), left.saturating_sub(len));
        }
        tail
    }

    const fn tail_pos(&self) -> u64 {
        self.ring.head.pos.wrapping_sub(self.ring.used as u64)
    }

    /// Bytes that fit.
    pub const fn capacity(&self) -> usize {
        self.buf.len()
    }

    /// How many records of each [`class`] were written since the start.
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

    fn check(&self, cursor: Cursor) -> Result<(), Lagged> {
        if cursor.pos < self.tail_pos() || cursor.pos > self.ring.head.pos {
            return Err(Lagged { resume: self.tail() });
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
            at: cursor.at.plus(Duration::from_micros(dt)),
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
