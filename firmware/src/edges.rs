//! Edges: seen by the board's interrupts, stamped there, and queued for the loop.

use core::cell::Cell;

use campanile_core::id::{InputId, Level};
use campanile_core::runner::EdgeQueue;
use critical_section::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;

use crate::INPUTS;
use crate::board::{Board, This};
use crate::clock;
use crate::wiring::{self, Input, pin_bit};

/// Edges that may wait for the loop: a bad switch's whole bounce.
const WAITING: usize = 32;

/// What the loop takes them from.
pub(crate) static EDGES: EdgeQueue<CriticalSectionRawMutex, WAITING, INPUTS> = EdgeQueue::new();

/// The pins that were looked at in the last sample, and those of them that were high; a bit each. By pin, as another program may
/// know it by another id.
static BEFORE: Mutex<Cell<(u64, u64)>> = Mutex::new(Cell::new((0, 0)));

/// The logical level of an input now.
pub(crate) fn level(input: &Input) -> Level {
    input.level(This::read(input.pin))
}

/// Pins have moved: those for which `moved` is true, which takes back the request of its pin's interrupt as well. A pin
/// that moved there and back is an edge too, to the level that it has again.
#[allow(dead_code, reason = "for boards whose pins interrupt")]
pub(crate) fn moved(mut moved: impl FnMut(u8) -> bool) {
    let at = clock::now();
    wiring::with(|wiring| {
        for (id, input) in (0..).map(InputId).zip(&wiring.inputs) {
            // First the request, then the level: a pin that moves in between asks again.
            if moved(input.pin) {
                EDGES.push(at, id, level(input));
            }
        }
    });
}

/// Looks at all pins: for boards on which they do not interrupt. Called at least every half millisecond, or short
/// presses are missed.
#[allow(dead_code, reason = "for boards whose pins do not interrupt")]
pub(crate) fn sample() {
    let at = clock::now();
    critical_section::with(|cs| {
        let (known, was_high) = BEFORE.borrow(cs).get();
        let wiring = wiring::WIRING.borrow_ref(cs);
        let (mut looked_at, mut high) = (0, 0);
        for (id, input) in (0..).map(InputId).zip(&wiring.inputs) {
            let (is_high, bit) = (This::read(input.pin), pin_bit(input.pin));
            looked_at |= bit;
            high |= if is_high { bit } else { 0 };
            if known & bit != 0 && (was_high & bit != 0) != is_high {
                EDGES.push(at, id, input.level(is_high));
            }
        }
        BEFORE.borrow(cs).set((looked_at, high));
    });
}
