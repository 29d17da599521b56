//! A satellite as its house has it: its log comes into a journal of its own, its inputs are lines that move here, and its
//! outputs lines that take levels. All of it without the wire and without the time, so that the simulator runs what
//! ships.
//!
//! ```text
//! house ─levels─▶ Mirror ─▶ Session ─commands─▶ wire
//!       ◀─moves──        ◀─    │    ◀─records──
//!                              └─▶ Book (its journal)
//! ```

mod book;
mod memory;
mod mirror;
mod news;
mod program;
mod renamed;
mod requests;
mod session;

pub use book::{Book, BookError};
pub use memory::Memory;
pub use mirror::{Mirror, Move};
pub use news::News;
pub use program::{Misfit, Program, Unbundled};
pub use requests::Outcome;
pub use session::{Session, World};
