//! The daemon: the loop on a thread of its own, and around it what starts, feeds, watches and stops it.

pub mod lines;
pub mod mirror;
pub mod park;
pub mod safety;
pub mod wiring;
