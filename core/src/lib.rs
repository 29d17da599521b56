#![no_std]
//! The core of Campanile: pins to events to action, the same code on a Raspberry Pi, on a microcontroller and in
//! the simulator.
//!
//! No clock is read, nothing is allocated, nothing panics; time comes in with every input. `engine::Engine` states
//! the contract. A port writes a board (what `Outputs` asks) and runs `runner::run`; `examples/minimal.rs` is one.

pub mod calendar;
pub mod debounce;
pub mod decision;
pub mod effect;
pub mod id;
pub mod input;
pub mod program;
pub mod record;
pub mod restore;
pub mod time;
pub mod wire;
