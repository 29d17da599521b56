//! The journal at a glance: figures for `status`, metrics and the estimate of wear.

use crate::health::Degraded;
use crate::position::{Boot, Position};

/// What a journal has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records of the engine's taken in.
    pub records: u64,
    /// Of those, records that were lost for good, in front of the journal or in it.
    pub lost: u64,
    /// Records deleted before some sink had delivered them, summed over the sinks.
    pub dropped: u64,
    /// Damaged parts found.
    pub damaged: u64,
    /// Failures of the disk.
    pub failures: u64,
}

/// The journal at a glance.
#[derive(Clone, Debug)]
pub struct Status {
    /// This start.
    pub boot: Boot,
    /// The last place that readers may see.
    pub head: Position,
    /// Segments, the spare one not counted.
    pub segments: usize,
    /// Bytes on disk, the spare segment included.
    pub bytes: u64,
    /// The bound of `bytes`.
    pub bytes_max: u64,
    /// Whether a spare segment is ready; without one a full disk is felt at the end of the segment.
    pub spare: bool,
    /// The journal goes on from memory: why, since when.
    pub degraded: Option<Degraded>,
    /// Bytes of memory that stand in for the disk.
    pub memory: usize,
    /// Writes and syncs, for the wear of the card.
    pub writes: u64,
    /// See `writes`.
    pub syncs: u64,
    /// Everything that is counted.
    pub counts: Counts,
}
