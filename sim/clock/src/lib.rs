//! The one embassy-time driver of hosted builds: real time, or virtual time on a thread that asks for it.
//!
//! embassy-time finds its driver at link time, and exactly one may exist in a binary. This leaf crate registers it,
//! with a tick of one microsecond; nobody else enables `embassy-time/std`, `mock-driver`, a `generic-queue-*` or a
//! tick rate. A binary or test that runs timers names the crate, or it does not link:
//!
//! ```
//! use campanile_clock as _;
//! ```
//!
//! The clock is a property of the **thread**:
//!
//! | thread | [`now_us`] and `embassy_time::Instant::now` | timers |
//! |---|---|---|
//! | holds a [`Virtual`] | virtual, moved by its owner alone | fire when the owner advances the clock |
//! | runs [`block_on`] | `CLOCK_MONOTONIC` | wake the future of that `block_on` |
//! | neither | `CLOCK_MONOTONIC` | **panic**: nobody would ever wake them |
//!
//! Guarantees:
//! - A real `now` is `CLOCK_MONOTONIC` in microseconds, the clock with which the kernel stamps GPIO edges, so the two
//!   compare. A virtual `now` is what its owner set and never goes back.
//! - Virtual clocks of different threads know nothing of each other: tests run in parallel and repeat exactly.
//! - A timer never fires before its deadline. Timers of equal deadline fire in the order in which they were scheduled.
//! - Memory: one entry a waker, at its earliest deadline, however many timers a task creates. Therefore a task may be
//!   woken for a timer that it has dropped since; it polls, and schedules what it still wants.
//! - A deadline of `u64::MAX` (`Instant::MAX`) means never and is not kept.
#![forbid(unsafe_code)]

mod driver;
mod lens;
mod monotonic;
mod real;
mod timers;
mod virtual_time;

pub use driver::now_us;
pub use lens::Lens;
pub use monotonic::monotonic_ns;
pub use real::{Park, ThreadPark, ThreadUnpark, Unpark, block_on};
pub use virtual_time::{Stalled, Virtual};
