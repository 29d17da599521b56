//! What a replay found: the journal in pieces, each re-executed, different or passed over, and why.

use std::fmt;

use campanile_delivery::{GapWhy, Position};

use crate::replay::place::Place;
use crate::replay::range::Extent;
use crate::replay::stretch::Divergence;

/// Records in a row, and what became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The first record.
    pub first: Place,
    /// The last record.
    pub last: Place,
    /// The program that they begin with; 0 if that is not known.
    pub program: u64,
    /// How many of the engine's records.
    pub records: u64,
    /// What became of them.
    pub outcome: Outcome,
}

impl Piece {
    /// Whether it was re-executed to the same bytes, or cannot be in any journal.
    #[must_use]
    pub const fn is_in_order(&self) -> bool {
        match &self.outcome {
            Outcome::Same => true,
            Outcome::Diverged { .. } => false,
            Outcome::Passed(why) => why.is_usual(),
        }
    }
}

/// What became of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Re-executed, to the same bytes.
    Same,
    /// Re-executed, to others from there on.
    Diverged {
        /// Where the stretch with the difference begins: its checkpoint or start.
        stretch: Position,
        /// The record.
        at: Place,
        /// The difference.
        divergence: Box<Divergence>,
    },
    /// Not re-executed.
    Passed(Why),
}

/// Why records cannot be re-executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// What came before is gone, and the next checkpoint stands behind them.
    NoCheckpoint,
    /// The start ended before it said which program it runs; nothing had come in.
    Unnamed,
    /// Another revision of the engine wrote them.
    CoreRev(u16),
    /// The journal has not kept their program.
    NoProgram(u64),
    /// Their program cannot be used.
    BadProgram(u64, String),
    /// They are missing or cannot be read, so many; `None`: nobody knows how many.
    Missing(Option<u64>),
    /// The journal never had them, and says so: how many, and why.
    Gap(u64, GapWhy),
}

impl Why {
    /// Whether a journal in order can have such a piece.
    #[must_use]
    pub const fn is_usual(&self) -> bool {
        matches!(self, Self::NoCheckpoint | Self::Unnamed)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCheckpoint => write!(f, "a replay can begin at the next checkpoint or start only"),
            Self::Unnamed => write!(f, "the start ended before it said which program it runs"),
            Self::CoreRev(rev) => write!(
                f,
                "written by revision {rev} of the engine, and this is revision {}: replay them with the campanile \
                 that wrote them",
                campanile_core::record::CORE_REV
            ),
            Self::NoProgram(hash) => {
                write!(
                    f,
                    "the journal has no program {hash:016x}: copy its program-* files too; if it was linked into a \
                     board's firmware, `campanile compile FILE.toml --into DIR` adds it"
                )
            }
            Self::BadProgram(hash, why) => write!(f, "program {hash:016x} cannot be used: {why}"),
            Self::Missing(Some(1)) => write!(f, "1 record is missing or cannot be read"),
            Self::Missing(Some(count)) => write!(f, "{count} records are missing or cannot be read"),
            Self::Missing(None) => write!(f, "records are missing or cannot be read, nobody knows how many"),
            Self::Gap(count, why) => write!(f, "{count} records that the journal never had: {why}"),
        }
    }
}

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The journal in pieces, in order; empty if there is nothing in it, or in the range that was asked for.
    pub pieces: Vec<Piece>,
    /// What was read of the journal for the range that was asked for.
    pub extent: Extent,
    /// The last record that was looked at: the first behind the range, or the last of the journal.
    pub nearest: Place,
    /// Records that were re-executed and compared.
    pub records: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Inputs among these.
    pub inputs: u64,
    /// Checkpoints whose state was compared.
    pub checkpoints: u64,
    /// Stretches that were begun: at a start or a checkpoint.
    pub stretches: u64,
}

impl Report {
    /// The pieces that differ.
    pub fn divergences(&self) -> impl Iterator<Item = (&Piece, &Place, &Divergence)> {
        self.pieces.iter().filter_map(|piece| match &piece.outcome {
            Outcome::Diverged { at, divergence, .. } => Some((piece, at, &**divergence)),
            _ => None,
        })
    }

    /// Whether all that can be asked for was re-executed to the same bytes.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.pieces.iter().all(Piece::is_in_order)
    }
}
