//! Writing: most records go to the end of a part in few instructions; a part that is full makes room for the next.

use core::num::NonZero;

use super::{PARTS, Ring};
use crate::decision::Decision;
use crate::id::{InputId, Level};
use crate::input::Input;
use crate::record::{CLASSES, EDGE_MAX, LONGEST, Payload, class, decision_class, edge, edge_head, frame};
use crate::time::Instant;

/// The log, to be written by the engine.
pub(crate) struct LogMut<'a> {
    pub(crate) ring: &'a mut Ring,
    pub(crate) buf: &'a mut [u8],
}

impl LogMut<'_> {
    /// Appends a raw edge. By value, so that the log is on no stack but for the rare way.
    #[cfg_attr(feature = "small", inline(never))]
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn edge(self, at: Instant, input: InputId, level: Level) {
        let (head, dt) = (edge_head(input, level), self.ring.next(at));
        let index = self.ring.index;
        let place = self.buf.get_mut(index..index.wrapping_add(EDGE_MAX));
        match place.and_then(|place| edge(head, dt, place)) {
            Some(len) => self.ring.reach(index.wrapping_add(len), self.buf.len()),
            None => self.edge_across(head, dt),
        }
    }

    /// Appends a raw edge where the buffer ends.
    #[cold]
    #[inline(never)]
    fn edge_across(mut self, head: u8, dt: u64) {
        let mut bytes = [0; EDGE_MAX];
        let len = edge(head, dt, &mut bytes);
        self.across(&bytes, len.unwrap_or(0));
    }

    /// Appends a decision.
    #[inline(always)]
    pub(crate) fn push(&mut self, at: Instant, decision: Decision) {
        let dt = self.ring.next(at);
        match self.push_here(dt, &decision) {
            Some(kind) => self.ring.count(decision_class(kind.get())),
            None if cfg!(feature = "small") => self.push_across(dt, &decision),
            None => self.push_at_length(dt, decision),
        }
    }

    /// Writes a decision to its place, and gives its kind, unless the buffer may end before.
    #[inline(always)]
    fn push_here(&mut self, dt: u64, decision: &Decision) -> Option<NonZero<u8>> {
        let place = self.buf.get_mut(self.ring.index..)?;
        let (len, kind) = frame(dt, place, decision)?;
        self.ring.reach(self.ring.index.wrapping_add(len), self.buf.len());
        Some(kind)
    }

    // By value, so that most decisions need no place in memory.
    #[cold]
    #[inline(never)]
    fn push_at_length(&mut self, dt: u64, decision: Decision) {
        self.push_across(dt, &decision);
    }

    /// Appends an input that is no raw edge. They are rare.
    pub(crate) fn push_input(&mut self, at: Instant, input: &Input) {
        let dt = self.ring.next(at);
        self.push_across(dt, input);
    }

    /// Appends a record where the buffer may end.
    #[cold]
    #[inline(never)]
    fn push_across(&mut self, dt: u64, record: &dyn Payload) {
        let mut bytes = [0; LONGEST];
        let Some((len, kind)) = frame(dt, &mut bytes, record) else { return };
        self.across(&bytes, len);
        self.ring.count(class(kind.get()).unwrap_or(CLASSES));
    }

    /// Copies a record in, over the end of the buffer.
    #[cold]
    #[inline(never)]
    fn across(&mut self, bytes: &[u8], len: usize) {
        let (index, size) = (self.ring.index, self.buf.len());
        for (at, &byte) in (index..).zip(bytes.iter().take(len)) {
            let at = if at < size { at } else { at.wrapping_sub(size) };
            if let Some(place) = self.buf.get_mut(at) {
                *place = byte;
            }
        }
        self.ring.reach(index.wrapping_add(len), size);
    }
}

impl Ring {
    /// The last record ends here, in a buffer of `size` bytes. Where that is beyond the part, it has written over what was the
    /// oldest of all.
    #[inline(always)]
    fn reach(&mut self, end: usize, size: usize) {
        self.index = if end > self.fence { self.open_parts(end, size) } else { end };
    }

    /// Goes on to the part in which a record ends, and gives its end there, as the buffer may begin anew in front of it. What was
    /// in that part is given up. Numbers and times go with it: a reader that lagged counts anew, backwards from the head,
    /// which is rare.
    #[cold]
    #[inline(never)]
    fn open_parts(&mut self, mut end: usize, size: usize) -> usize {
        let part = size / PARTS;
        let most = part.wrapping_mul(PARTS.wrapping_sub(1));
        // A log without any room swallows all.
        while end > self.fence && part > 0 {
            let begins_here = self.index == self.fence;
            let overlap = if begins_here { 0 } else { end.wrapping_sub(self.fence) };
            let full = self.fence.wrapping_sub(self.fence.saturating_sub(part));
            let filled = self.kept.wrapping_add(full);
            if self.fence >= size {
                self.base = self.base.wrapping_add(size as u64);
                end = end.wrapping_sub(size);
                self.fence = 0;
            }
            let number = self.fence.checked_div(part).unwrap_or(0);
            self.fence = self.fence.wrapping_add(part);
            if let Some(place) = self.overlaps.get_mut(number) {
                *place = u8::try_from(overlap).unwrap_or(u8::MAX);
            }
            let oldest = self.overlaps.get(number.wrapping_add(1) % PARTS).copied().unwrap_or(0);
            self.kept = if filled > most { most.wrapping_sub(oldest.into()) } else { filled };
            (self.seq, self.since) = (self.last_seq(), 0);
        }
        end
    }
}
