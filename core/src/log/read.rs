//! Reading: from a cursor on, or from a number.

use super::{Cursor, Entry, Lagged, PARTS, Ring};
use crate::record::{CLASSES, Frame, MAX_RECORD};
use crate::time::Duration;

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
            tail.seq = tail.seq.wrapping_sub(1);
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
        self.ring.kept.wrapping_add(self.ring.used_of_part(self.buf.len() / PARTS))
    }

    /// Bytes that fit.
    pub const fn capacity(&self) -> usize {
        self.buf.len()
    }

    /// How many records of each [`class`](crate::record::class) were written since the start, modulo 2³².
    pub fn counters(&self) -> [u32; CLASSES] {
        let mut counters = self.ring.counters;
        // What was before, and all that were no raw edges: the rest were.
        let others = counters.iter().fold(0, |sum: u32, count| sum.wrapping_add(*count));
        let [edges, ..] = &mut counters;
        *edges = ((self.ring.last_seq() & 0xffff_ffff) as u32).wrapping_sub(others);
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
        let all = self.behind(cursor);
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
            let sum = used.wrapping_add(len);
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
            pos: cursor.pos.wrapping_add(len as u64),
            seq: cursor.seq.wrapping_add(1),
            at: cursor.at.plus(Duration::from_micros(dt)),
        };
        Ok(Some((len, next)))
    }

    /// Bytes from a cursor that was checked to the head.
    const fn behind(&self, cursor: Cursor) -> usize {
        (self.ring.pos().wrapping_sub(cursor.pos) & 0xffff_ffff) as usize
    }

    fn index(&self, cursor: Cursor) -> usize {
        let back = self.behind(cursor);
        let head = self.ring.index;
        if back <= head {
            head.wrapping_sub(back)
        } else {
            head.wrapping_add(self.buf.len()).wrapping_sub(back)
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
        let len = usize::from(self.byte(at)).wrapping_add(2);
        if framed {
            at = next(at);
        }
        let (mut dt, mut shift, mut read) = (0u64, 0u32, 1usize);
        loop {
            let byte = self.byte(at);
            dt |= u64::from(byte & 0x7f).wrapping_shl(shift);
            (at, read, shift) = (next(at), read.wrapping_add(1), shift.wrapping_add(7));
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

const fn advance(index: usize, by: usize, len: usize) -> usize {
    let sum = index.wrapping_add(by);
    if sum >= len { sum.wrapping_sub(len) } else { sum }
}
