#![no_std]
//! The core of Campanile: pins to events to action, the same code on a Raspberry Pi, on a microcontroller and in
//! the simulator.
//!
//! No clock is read, nothing is allocated, nothing panics; time comes in with every input. [`engine::Engine`] states
//! the contract. A port writes a board (what `Outputs` asks) and runs `runner::run`; `examples/minimal.rs` is one.
// Tests may fail loudly.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::large_stack_arrays
    )
)]

#[cfg(test)]
extern crate std;

mod bits;
pub mod calendar;
pub mod capacity;
pub mod debounce;
pub mod decision;
pub mod effect;
pub mod engine;
mod fifo;
#[cfg(feature = "runner")]
mod fmt;
pub mod id;
pub mod input;
pub mod link;
pub mod log;
pub mod program;
pub mod record;
pub mod restore;
#[cfg(feature = "runner")]
pub mod runner;
pub mod scenario;
pub mod slots;
pub mod storm;
pub mod time;
pub mod watcher;
pub mod wire;
