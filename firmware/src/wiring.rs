//! Which pin is which input or output of the program: made by `build.rs` from the symbol table that the compiler left
//! beside the image.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "evaluated by the compiler: what fails ends the build"
)]

use crate::board::{Board, This};

/// An input's pin.
pub(crate) struct Input {
    pub(crate) pin: u8,
    pub(crate) active_low: bool,
    pub(crate) pull: Pull,
}

/// An output's pin.
pub(crate) struct Output {
    pub(crate) pin: u8,
    pub(crate) active_low: bool,
    /// The logical level that does no harm.
    pub(crate) safe: bool,
}

/// The resistor of an input's pin.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "a program uses some of them")]
pub(crate) enum Pull {
    Up,
    Down,
    None,
}

// IMAGE, INPUTS and OUTPUTS.
include!(concat!(env!("OUT_DIR"), "/program.rs"));

/// The pin of a line that the file calls by name.
#[allow(dead_code, reason = "a program may call all lines by number")]
const fn named(name: &str) -> u8 {
    let mut n = 0;
    while n < This::LINES.len() {
        let (known, pin) = This::LINES[n];
        if is_same(known, name) {
            return pin;
        }
        n += 1;
    }
    panic!("the file names a line that this board has not: see LINES in the board's file")
}

/// The resistor that the file asks for.
#[allow(dead_code, reason = "a program may have no inputs")]
const fn pulled(pull: Pull) -> Pull {
    let mut n = 0;
    while n < This::PULLS.len() {
        if This::PULLS[n] as u8 == pull as u8 {
            return pull;
        }
        n += 1;
    }
    assert!(
        matches!(pull, Pull::None),
        "the file asks for a pull that this board has not: see PULLS in the board's file"
    );
    pull
}

/// The pin of a line that the file calls by number.
#[allow(dead_code, reason = "a program may call all lines by name")]
const fn numbered(pin: u32) -> u8 {
    assert!(pin < This::PINS, "the file has a line with a number that is no pin of this board");
    pin as u8
}

#[allow(dead_code, reason = "a program may call all lines by number")]
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut n = 0;
    while n < one.len() && n < other.len() && one[n] == other[n] {
        n += 1;
    }
    n == one.len() && n == other.len()
}
