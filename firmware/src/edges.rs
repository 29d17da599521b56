//! Edges: seen by the board's interrupts, stamped there, and queued for the loop.

use core::cell::Cell;

use campanile_core::id::{InputId, Level};
use campanile_core::runner::{EdgeQueue, Interrupts, PinEdges};
use critical_section::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;

use crate::INPUTS;
use crate::board::{Board, This};
use crate::clock;
use crate::wiring::{self, Input, pin_bit};

/// Edges that may wait for the loop: a bad switch's whole bounce.
const WAITING: usize = 32;

/// Those that wait.
pub(crate) static EDGES: EdgeQueue<CriticalSectionRawMutex, WAITING, INPUTS> = EdgeQueue::new();

/// Pins that were high in the last sample, a bit each. By pin, as another program may know it by another id.
static HIGH: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

/// The interrupts of the program's inputs.
pub(crate) struct Pins;

impl Interrupts for Pins {
    fn enable(&self, input: InputId) {
        if let Some(Input { pin, pull, .. }) = wiring::input(input) {
            This::input(pin, pull);
        }
    }

    fn disable(&self, input: InputId) {
        if let Some(Input { pin, .. }) = wiring::input(input) {
            This::release(pin);
        }
    }
}

/// What the loop takes edges from.
pub(crate) const fn taken() -> PinEdges<'static, CriticalSectionRawMutex, Pins, WAITING, INPUTS> {
    PinEdges::new(&EDGES, &Pins)
}

/// The logical level of an input now.
pub(crate) fn level(input: &Input) -> Level {
    input.level(This::read(input.pin))
}

/// Pins have moved: those for which `moved` is true, which takes back the request of its pin's interrupt as well. A pin
/// that moved there and back is an edge too, to the level that it has again.
#[allow(dead_code, reason = "for boards whose pins interrupt")]
pub(crate) fn on_pin_change(mut moved: impl FnMut(u8) -> bool) {
    let at = clock::now();
    wiring::with(|wiring| {
        for (id, input) in (0..).map(InputId).zip(&wiring.inputs) {
            // First the request, then the level: a pin that moves in between asks again.
            if moved(input.pin) {
                EDGES.interrupt(at, id, level(input), &Pins);
            }
        }
    });
}

/// A pin is an input from now on. Its first sample is held against this level: a move between a reading of the loop and that
/// sample is an edge.
pub(crate) fn begin(pin: u8) {
    critical_section::with(|cs| {
        let (high, bit) = (HIGH.borrow(cs), pin_bit(pin));
        high.set(if This::read(pin) { high.get() | bit } else { high.get() & !bit });
    });
}

/// Looks at all pins: for boards on which they do not interrupt. Called at least every half millisecond, or short
/// presses are missed.
#[allow(dead_code, reason = "for boards whose pins do not interrupt")]
pub(crate) fn sample() {
    let at = clock::now();
    critical_section::with(|cs| {
        let was_high = HIGH.borrow(cs).get();
        let wiring = wiring::WIRING.borrow_ref(cs);
        let mut high = 0;
        for (id, input) in (0..).map(InputId).zip(&wiring.inputs) {
            let (is_high, bit) = (This::read(input.pin), pin_bit(input.pin));
            high |= if is_high { bit } else { 0 };
            if (was_high & bit != 0) != is_high {
                EDGES.push(at, id, input.level(is_high));
            }
        }
        HIGH.borrow(cs).set(high);
    });
}
