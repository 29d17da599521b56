//! Edges: seen by the board's interrupts, stamped there, and queued for the loop.

use core::cell::Cell;

use campanile_core::id::{InputId, Level};
use campanile_core::runner::EdgeQueue;
use critical_section::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;

use crate::INPUTS;
use crate::board::{Board, This};
use crate::clock;
use crate::wiring::{self, Input};

/// Edges that may wait for the loop: a bad switch's whole bounce.
const WAITING: usize = 32;

/// What the loop takes them from.
pub(crate) static EDGES: EdgeQueue<CriticalSectionRawMutex, WAITING, INPUTS> = EdgeQueue::new();

/// What each input was at the last sample, a bit each; `None` before the first.
static BEFORE: Mutex<Cell<Option<u64>>> = Mutex::new(Cell::new(None));

/// The logical level of an input now.
pub(crate) fn level(input: &Input) -> Level {
    Level::from_bool(This::read(input.pin) != input.active_low)
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
        let before = BEFORE.borrow(cs);
        let wiring = wiring::WIRING.borrow_ref(cs);
        let mut levels = 0;
        for (id, input) in (0..).map(InputId).zip(&wiring.inputs) {
            let (level, bit) = (level(input), 1 << id.0);
            levels |= if level.is_on() { bit } else { 0 };
            if before.get().is_some_and(|before| (before & bit != 0) != level.is_on()) {
                EDGES.push(at, id, level);
            }
        }
        before.set(Some(levels));
    });
}
