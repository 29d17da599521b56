//! The engine against the reference (`campanile_sim::oracle::reference`): random houses, random days.
//!
//! The houses and days are those of the core's own properties; see `core/tests/properties`. A failure prints its tape; a
//! tape that once failed stays as a test of its own.

// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::panic)]

/// Random things, as the core's properties draw them.
macro_rules! of_the_core {
    ($($name:ident $path:literal)*) => {$(
        #[path = $path]
        #[allow(dead_code, reason = "the core's properties use the rest")]
        mod $name;
    )*};
}

of_the_core! {
    day "../../../core/tests/properties/day.rs"
    house "../../../core/tests/properties/house.rs"
    life "../../../core/tests/properties/life.rs"
    story "../../../core/tests/properties/story.rs"
    tape "../../../core/tests/properties/tape.rs"
}

mod calm;
mod census;
mod days;
mod debounce;
mod expressions;
mod held;
