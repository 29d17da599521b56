//! Places in the journal, in the order in which things were written.

use std::fmt;
use std::str::FromStr;

use campanile_core::time::Instant;

/// One start of a node: a counter of starts in the high half, 32 random bits in the low half, so that a card that
/// forgets a synced write does not give two starts the same identity. Later starts compare greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Boot(pub u64);

impl Boot {
    /// The start with this counter and these random bits.
    pub const fn new(counter: u32, random: u32) -> Self {
        Self((counter as u64) << 32 | random as u64)
    }

    /// How many starts, this one included.
    pub const fn counter(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The random half.
    pub const fn random(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.counter(), self.random())
    }
}

impl FromStr for Boot {
    type Err = BadBoot;

    fn from_str(text: &str) -> Result<Self, BadBoot> {
        let (counter, random) = text.split_once('-').ok_or(BadBoot)?;
        if random.len() != 8 {
            return Err(BadBoot);
        }
        let counter = counter.parse().map_err(|_| BadBoot)?;
        Ok(Self::new(counter, u32::from_str_radix(random, 16).map_err(|_| BadBoot)?))
    }
}

/// The text is no [`Boot`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadBoot;

impl fmt::Display for BadBoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boot reads like 5-9f3c21aa: a counter and eight hexadecimal digits")
    }
}

impl std::error::Error for BadBoot {}

/// The identity of one of the engine's records on its node; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// The start in which it was written.
    pub boot: Boot,
    /// Its number in that start, from 1.
    pub seq: u64,
}

/// A place in the journal: how many records of each sort a start has written, the one at this place included. Each
/// record raises exactly one of the two counts, so places are unique and compare in the order of writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The start.
    pub boot: Boot,
    /// The engine's records: the last one's number.
    pub seq: u64,
    /// The host's own records, checkpoints included.
    pub host: u64,
}

/// A reader's place: everything up to here is done.
pub type Cursor = Position;

impl Position {
    /// Before everything.
    pub const START: Self = Self { boot: Boot(0), seq: 0, host: 0 };

    /// Where a start begins.
    pub const fn start_of(boot: Boot) -> Self {
        Self { boot, seq: 0, host: 0 }
    }

    /// The identity of the engine's last record up to here.
    pub const fn id(self) -> RecordId {
        RecordId { boot: self.boot, seq: self.seq }
    }

    /// How many of the engine's records lie between this place and a later one; `None` across starts, where only
    /// walking the journal could tell.
    pub const fn records_to(self, later: Self) -> Option<u64> {
        if self.boot.0 == later.boot.0 { Some(later.seq.saturating_sub(self.seq)) } else { None }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.boot, self.seq)
    }
}

/// A place and the time of the engine's last record there: all that it takes to read on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The place.
    pub at: Position,
    /// The time that the next record's `dt` counts from.
    pub time: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_reads_as_it_is_written() {
        let boot = Boot::new(5, 0x9f3c_21aa);
        assert_eq!(boot.to_string(), "5-9f3c21aa");
        assert_eq!("5-9f3c21aa".parse(), Ok(boot));
        for bad in ["", "5", "5-9f", "-9f3c21aa", "x-9f3c21aa", "5-9f3c21ag"] {
            assert_eq!(bad.parse::<Boot>(), Err(BadBoot), "{bad}");
        }
    }

    #[test]
    fn places_compare_in_the_order_of_writing() {
        let place = |boot, seq, host| Position { boot: Boot(boot), seq, host };
        let order =
            [place(0, 0, 0), place(1, 0, 1), place(1, 1, 1), place(1, 1, 2), place(1, 2, 2), place(2, 0, 1)];
        assert!(order.is_sorted());
        assert_eq!(order[1].records_to(order[4]), Some(2));
        assert_eq!(order[4].records_to(order[5]), None);
    }
}
