//! What the core hands over, and why it can be refused.

use campanile_core::time::Instant;

/// Whole records of the engine's log, as the core hands them over.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The number of the first record.
    pub first_seq: u64,
    /// The time of the record before the first.
    pub base: Instant,
    /// The records.
    pub bytes: &'a [u8],
    /// How many they are.
    pub count: u64,
}

/// Why a batch was refused. The journal is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// Its first record is not behind the last one taken, whose number this is.
    Repeated(u64),
    /// It is no row of whole records, or not as many as it says.
    Malformed,
    /// A checkpoint has to fit into a quarter of a segment.
    TooLarge,
}

impl std::fmt::Display for AppendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Repeated(last) => write!(f, "the journal has records up to {last} already"),
            Self::Malformed => write!(f, "the batch is not made of whole records"),
            Self::TooLarge => write!(f, "the checkpoint is too large for the segments of this journal"),
        }
    }
}

impl std::error::Error for AppendError {}
