//! Replay: a journal is executed again, and must come to the same bytes (I2).
//!
//! The log is a function of the program, the engine's revision and the stamped inputs. So a journal is its own test:
//! from every start and every checkpoint on, its inputs are fed to a fresh engine with the program that the journal
//! keeps, and what that decides is compared with what stands there. At every checkpoint the state is compared too, and
//! a new engine begins with it: so every record is executed once, and every stretch proves that it can do alone.

mod comparison;
mod other;
mod pieces;
mod place;
mod range;
mod read;
mod report;
mod stretch;
mod tally;
#[cfg(test)]
mod tests;
mod walk;
mod what_if;
mod words;

pub use comparison::Comparison;
pub use place::Place;
pub use range::{Bound, Extent, Range};
pub use report::{Outcome, Piece, Report, Why};
pub(crate) use stretch::items;
pub use stretch::{Difference, Divergence, Stretch};
pub use tally::{Count, Moment, Row, Unit};
pub use walk::replay;
pub use what_if::what_if;
pub use words::Words;
