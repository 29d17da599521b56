//! Pictures of what happened: a journal, or a part of it, as lanes over time; for a wave viewer ([`vcd`]), for a bug
//! report ([`svg`]), for a terminal ([`terminal`]).
//!
//! Each input has its raw and its debounced level, each scenario its runs, each message its sends. Lanes go by name, so
//! that they go on through a swap of programs; times are microseconds from the beginning of the picture.

mod axis;
mod labels;
mod lanes;
mod read;
mod recording;
pub mod svg;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod vcd;

pub use read::record;
pub use recording::{Clock, Lane, Mark, Recording, Run, Send, Track, What};
