//! Writing: most records go to the end of a part in few instructions; a part that is full makes room for the next.

use super::{PARTS, Ring};
use crate::id::{InputId, Level};
use crate::record::{MAX_RECORD, SHORT, edge, edge_head, frame, frame_short};
use crate::time::Instant;
use crate::wire::Union;

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
        let (head, dt) = (edge_head(input, level), self.ring.next(at));
        let mut bytes = [0; MAX_RECORD];
        let len = edge(head, dt, &mut bytes);
        self.across(&bytes, len.unwrap_or(0));
    }

    /// Appends a record that is no raw edge, of a kind that the compiler knows, if it is a short one, as most are.
    #[inline(always)]
    #[must_use]
    pub(crate) fn push_short(&mut self, at: Instant, record: &impl Union) -> bool {
        let mut bytes = [0; SHORT];
        let Some(len) = frame_short(at.since(self.ring.at).micros(), &mut bytes, record) else {
            return false;
        };
        let [kind, ..] = bytes;
        self.ring.count(kind);
        self.ring.wrote(at);
        let index = self.ring.index;
        let end = index.wrapping_add(SHORT);
        match self.buf.get_mut(index..end).and_then(<[u8]>::first_chunk_mut) {
            // What is written beyond the record is free, and is written over by the next.
            Some(place) if end <= self.ring.fence => {
                *place = bytes;
                self.ring.index = index.wrapping_add(len);
            }
            _ => self.across(&bytes, len),
        }
        true
    }

    /// Appends any record that is no raw edge.
    #[inline]
    pub(crate) fn push(&mut self, at: Instant, record: &dyn Union) {
        let dt = self.ring.next(at);
        let place = self.buf.get_mut(self.ring.index..self.ring.fence);
        let kind = if let Some((kind, len)) = place.and_then(|place| frame(dt, place, record)) {
            self.ring.index = self.ring.index.wrapping_add(len);
            kind
        } else {
            self.push_across(dt, record)
        };
        self.ring.count(kind);
    }

    /// Appends a record for which the part has no room, and gives its kind.
    #[cold]
    #[inline(never)]
    fn push_across(&mut self, dt: u64, record: &dyn Union) -> u8 {
        let mut bytes = [0; MAX_RECORD];
        let (kind, len) = frame(dt, &mut bytes, record).unwrap_or_default();
        self.across(&bytes, len);
        kind
    }

    /// Writes a record over the end of the part, and maybe of the buffer.
    #[cold]
    #[inline(never)]
    fn across(&mut self, bytes: &[u8], len: usize) {
        self.copy_in(bytes.get(..len).unwrap_or_default());
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
        let filled = ring.kept.wrapping_add(ring.used_of_part(part));
        let start = if ring.fence >= self.buf.len() { 0 } else { ring.fence };
        ring.base = ring.pos().wrapping_sub(start as u64);
        (ring.index, ring.fence) = (start, start.wrapping_add(part));
        let number = start.checked_div(part).unwrap_or(0);
        if let Some(place) = ring.overlaps.get_mut(number) {
            *place = overlap;
        }
        let oldest = ring.overlaps.get(number.wrapping_add(1) % PARTS).copied().unwrap_or(0);
        let most = part.wrapping_mul(PARTS.wrapping_sub(1));
        ring.kept = if filled > most { most.wrapping_sub(oldest.into()) } else { filled };
    }
}
