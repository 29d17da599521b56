//! The simulator: a house on a virtual clock, with the shipped code.
//!
//! The engine and the runner of a Raspberry Pi or a microcontroller watch a virtual board. Time jumps from deadline to
//! deadline, and every random choice comes from one seed, so a run is reproducible byte for byte.

pub mod board;
pub mod bounce;
pub mod compare;
mod error;
pub mod executor;
mod house;
mod node;
pub mod oracle;
pub mod picture;
pub mod prng;
pub mod replay;
pub mod script;
pub mod span;
pub mod swarm;
#[cfg(test)]
mod testing;
pub mod trace;
pub mod world;
