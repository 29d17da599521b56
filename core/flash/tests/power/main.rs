//! The power fails in the middle of every write and every erase, and what was answered with `Ok` is there afterwards.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test says so by failing")]

mod both;
mod form;
mod keeper;
mod log;
mod model;
mod offered;
mod programs;
mod start_log;
mod state;
mod whole;
mod worn;
