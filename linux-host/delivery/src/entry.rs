//! A segment as writer and readers know it, and what of one cannot be read.

use std::collections::BTreeMap;

use crate::position::{Mark, Position};
use crate::segment::HEADER_LEN;

/// At most this many damages wait to be recorded.
const REPORTS_MAX: usize = 64;

/// One segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub id: u64,
    /// Before its first record.
    pub start: Mark,
    /// Readers may read up to here.
    pub end: u32,
    /// See [`crate::segment::Header::unix`].
    pub unix: i64,
    /// See [`crate::segment::Header::program`].
    pub program: u64,
}

/// A part of a segment that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub segment: u64,
    pub offset: u32,
    pub end: u32,
    pub from: Position,
    pub to: Position,
}

/// Where damage begins, segment and offset, and up to which offset it is recorded and set aside.
pub(crate) type Known = BTreeMap<(u64, u32), u32>;

/// Damage that readers came upon, for the writer to record: each once, and again where it has grown.
#[derive(Default)]
pub(crate) struct DamageReports {
    known: Known,
    waiting: Vec<Damage>,
}

impl Damage {
    /// Whether it is a header, which is no record: none is missing then.
    pub(crate) fn is_header(&self) -> bool {
        (self.offset, self.end) == (0, HEADER_LEN)
    }

    /// Whether all of it is recorded already.
    pub(crate) fn is_in(&self, known: &Known) -> bool {
        known.get(&(self.segment, self.offset)).is_some_and(|end| *end >= self.end)
    }
}

impl DamageReports {
    pub(crate) fn report(&mut self, damage: Damage) {
        if self.waiting.len() < REPORTS_MAX && !damage.is_in(&self.known) {
            self.know(&damage);
            self.waiting.push(damage);
        }
    }

    /// This damage is, or will be, recorded.
    pub(crate) fn know(&mut self, damage: &Damage) {
        self.known.insert((damage.segment, damage.offset), damage.end);
    }

    /// What earlier starts have recorded.
    pub(crate) fn know_all(&mut self, known: &Known) {
        self.known.extend(known);
    }

    pub(crate) fn take(&mut self) -> Vec<Damage> {
        std::mem::take(&mut self.waiting)
    }

    /// Forgets segments that are gone.
    pub(crate) fn forget_before(&mut self, segment: u64) {
        self.known = self.known.split_off(&(segment, 0));
    }
}
