//! Both programs side by side: what was counted, where they differ, and what could not be compared.

use crate::replay::place::Place;
use crate::replay::range::Extent;
use crate::replay::report::Piece;
use crate::replay::tally::{Moment, Row};

/// Both programs side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Where the other program took over; `None` if nothing was compared.
    pub first: Option<Place>,
    /// The last record.
    pub last: Place,
    /// How many inputs both had.
    pub inputs: u64,
    /// How many inputs were of something that the other program has not.
    pub unknown: u64,
    /// What was not compared, in order, and why; behind each the other program takes over anew.
    pub passed: Vec<Piece>,
    /// What was read of the journal for the range that was asked for.
    pub extent: Extent,
    /// What was counted.
    pub rows: Vec<Row>,
    /// How many moments differ.
    pub differing: u64,
    /// The first of these.
    pub moments: Vec<Moment>,
}

impl Comparison {
    /// Whether all that can be asked for was compared.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.passed.iter().all(Piece::is_in_order)
    }
}
