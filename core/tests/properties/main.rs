//! Properties of the core: random houses and random days against slow, obvious oracles.
//!
//! Debounce, expressions and whole days are held against the reference, `tests/tests/reference`, with the houses and days
//! from here.
//!
//! All random things are read off a tape of bytes (`tape`), so that a failing case shrinks to a short one. `house` makes
//! programs, `day` makes inputs, `story` puts them together, `life` drives an engine as a runner does. A failure prints
//! the tape; a tape that once failed stays as a test of its own.

// Tests may fail loudly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

mod checkpoints;
mod day;
mod edges;
mod golden;
mod house;
mod images;
mod life;
mod link;
mod mended;
mod postcard;
mod programs;
mod records;
mod replays;
mod ring;
mod safety;
mod specimens;
mod starts;
mod story;
mod tape;
mod watchman;
