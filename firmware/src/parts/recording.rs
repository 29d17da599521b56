//! A button that moves by itself: for boards with no button that anybody could press. It plays the trace that presses all other
//! boards' buttons, `tests/traces/doorbell.csv`, over and over; a timer of the board moves it.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Microseconds before the trace.
pub(crate) const PAUSE: u32 = 1_000_000;

/// Microseconds from each move of the trace to the next; it begins and ends with an open contact.
const TRACE: &[u32] = &include!(concat!(env!("OUT_DIR"), "/trace.rs"));

static MOVES: AtomicUsize = AtomicUsize::new(0);
static PRESSED: AtomicBool = AtomicBool::new(false);

/// Moves it, and gives the microseconds to the next time.
pub(crate) fn step() -> u32 {
    let moves = MOVES.load(Ordering::Relaxed);
    // There and back again: as many moves one way as the other.
    PRESSED.store(moves.is_multiple_of(2), Ordering::Relaxed);
    let next = TRACE.get(moves).copied();
    MOVES.store(next.map_or(0, |_| moves + 1), Ordering::Relaxed);
    next.unwrap_or(PAUSE)
}

pub(crate) fn is_pressed() -> bool {
    PRESSED.load(Ordering::Relaxed)
}
