//! What the disk did not take at the end of a start.

use std::{error, fmt, io};

use crate::group::Loss;
use crate::host::GapWhy;

/// The disk refused the end of the journal: records are lost, and this is how many.
#[derive(Debug)]
pub struct Unwritten {
    pub(crate) missing: Option<Loss>,
    /// Why, as the journal would say it.
    pub why: GapWhy,
    /// What the system said first.
    pub error: io::Error,
    /// The journal itself says what is missing, and that the start stopped in order.
    pub said: bool,
    /// The state at the stop is kept: the next start goes on with it.
    pub state: bool,
}

impl Unwritten {
    /// How many of the engine's records are lost.
    pub fn count(&self) -> u64 {
        self.missing.map_or(0, |missing| missing.count)
    }
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.missing {
            Some(Loss { from, count, .. }) => write!(f, "{count} records, from {from} on, are lost")?,
            None => write!(f, "no record is lost, but the last words are not on the disk")?,
        }
        write!(f, ", as {}", self.why)?;
        if self.why == GapWhy::Fault {
            write!(f, " ({})", self.error)?;
        }
        f.write_str("; ")?;
        f.write_str(match (self.said, self.state) {
            (true, true) => "the journal says so, and the next start goes on with the state as it is now",
            (true, false) => "the journal says so; the next start goes on with the state before them",
            (false, _) => {
                "the journal could not even say so, and the next start goes on with the state before them"
            }
        })
    }
}

impl error::Error for Unwritten {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}
