//! A segment as writer and readers know it, and what of one cannot be read.

use std::collections::BTreeSet;

use crate::position::{Mark, Position};

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

/// Damage that readers came upon, for the writer to record; each once.
#[derive(Default)]
pub(crate) struct DamageReports {
    known: BTreeSet<(u64, u32)>,
    waiting: Vec<Damage>,
}

impl DamageReports {
    pub(crate) fn report(&mut self, damage: Damage) {
        if self.waiting.len() < REPORTS_MAX && self.known.insert((damage.segment, damage.offset)) {
            self.waiting.push(damage);
        }
    }

    /// The damage at this place is recorded already.
    pub(crate) fn know(&mut self, segment: u64, offset: u32) {
        self.known.insert((segment, offset));
    }

    pub(crate) fn take(&mut self) -> Vec<Damage> {
        std::mem::take(&mut self.waiting)
    }

    /// Forgets segments that are gone.
    pub(crate) fn forget_before(&mut self, segment: u64) {
        self.known = self.known.split_off(&(segment, 0));
    }
}
