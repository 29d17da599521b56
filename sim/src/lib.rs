//! The simulator: a house on a virtual clock, with the code that ships.
//!
//! The same engine and the same runner as on a Raspberry Pi or a microcontroller watch a virtual board. Time
//! jumps from deadline to deadline, every random choice comes from one seed, and so a run repeats to the byte.

pub mod bounce;
pub mod compare;
pub mod executor;
pub mod prng;
pub mod script;
pub mod trace;
