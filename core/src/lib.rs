#![no_std]
//! The core of Campanile: pins to events to action. A Raspberry Pi, a microcontroller and the simulator run this code.
//!
//! The core reads no clock, allocates nothing and never panics; every input carries its time. A port implements
//! `runner::Outputs` for its board and calls `runner::run`; `examples/minimal.rs` is a complete port.
//!
//! # Reading order
//!
//! 1. [`time`], [`id`], [`input`] and [`effect`]: what goes into the engine and what comes out.
//! 2. [`engine::Engine`]: the contract, and [`mod@capacity`]: its sizes.
//! 3. [`debounce`] and [`watcher`]: from edges to events.
//! 4. [`program`] and [`scenario`]: what a program is, and how it is executed.
//! 5. [`record`], [`decision`], [`log`]: what is recorded; [`restore`]: what survives a restart.
//! 6. `runner`: the event loop around the engine, with the guarantees that it adds.
//! 7. [`link`]: the protocol between a satellite and its host.
//!
//! # Features
//!
//! | feature | effect |
//! |---|---|
//! | `runner` (default) | the event loop, on embassy-sync and embassy-time; without it, call [`engine::Engine`] yourself |
//! | `small` | for little flash: less inlining, slower 64-bit division, at most 32 inputs, outputs and peers instead of 64, no `capacity::Host` |
//! | `defmt` | warnings of the loop through defmt; public types implement `Format` |
//! | `log` | warnings of the loop through the `log` facade; takes precedence over `defmt` |
//!
//! # Sizing
//!
//! [`capacity!`] declares the sizes of an engine. `Engine<C>` then is one value without pointers, usually a `static`. It
//! takes about 640 bytes and, on x86-64, for each
//!
//! | input | output | sensor | variable | trigger | schedule | scenario | run | byte of code or log |
//! |---|---|---|---|---|---|---|---|---|
//! | 56 | 24 | 12 | 8 | 24 | 24 | 14 | 28 | 1 |
//!
//! Sixteen inputs, eight outputs, sixteen scenarios and 2 KiB of log take 5,128 bytes. A 32-bit target needs slightly less.
//! The program's image is not kept: the engine copies its tables and code.
//!
//! The runner needs a driver of embassy-time on the clock that stamps edges. Times are microseconds; use
//! `tick-hz-1_000_000`. A coarser tick works, but makes the times of deadlines and inputs as coarse.
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
