//! Edges: seen by the board's interrupts, stamped there, and queued for the loop. A pin that moves faster than the loop
//! takes its edges interrupts no more until the loop has caught up: no wire, however it flickers, takes the time of the rest.

use core::cell::Cell;

use campanile_core::id::{InputId, Level};
use campanile_core::runner::{Captured, EdgeQueue, Edges};
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

/// Pins that interrupt no more, as there was no room for their edges; a bit each.
static CHOKED: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

/// Pins that were high in the last sample, a bit each. By pin, as another program may know it by another id.
static HIGH: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

/// What the loop takes edges from.
pub(crate) struct PinEdges {
    /// Pins that the storm guard does not want to hear of, a bit each.
    masked: u64,
}

impl PinEdges {
    pub(crate) const fn new() -> Self {
        Self { masked: 0 }
    }
}

impl Edges for PinEdges {
    fn next(&mut self) -> Option<Captured> {
        let next = (&EDGES).next();
        if next.is_none() {
            // What was lost is told, and there is room again. The loop reads these lines behind this.
            let choked = critical_section::with(|cs| CHOKED.borrow(cs).take());
            listen(choked & !self.masked);
        }
        next
    }

    async fn ready(&mut self) {
        (&EDGES).ready().await;
    }

    fn mask(&mut self, input: InputId, masked: bool) {
        let Some(Input { pin, .. }) = wiring::input(input) else { return };
        if masked {
            self.masked |= pin_bit(pin);
            critical_section::with(|_| This::release(pin));
        } else {
            self.masked &= !pin_bit(pin);
            listen(pin_bit(pin));
        }
    }
}

/// These pins interrupt again.
fn listen(pins: u64) {
    if pins != 0 {
        wiring::with(|wiring| {
            let inputs = wiring.inputs.iter().filter(|input| pins & pin_bit(input.pin) != 0);
            inputs.for_each(|input| This::input(input.pin, input.pull));
        });
    }
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
            if moved(input.pin) && !EDGES.push(at, id, level(input)) {
                This::release(input.pin);
                critical_section::with(|cs| {
                    let choked = CHOKED.borrow(cs);
                    choked.set(choked.get() | pin_bit(input.pin));
                });
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
