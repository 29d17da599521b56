//! A button that moves by itself: for boards with no button that anybody could press. It plays a visit, drawn from the
//! simulator's model of a switch, over and over; a timer of the board moves it.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Microseconds before a visit.
pub(crate) const PAUSE: u32 = 1_000_000;

/// Microseconds from each move of a visit to the next: the bounces of a press, the hold, the bounces of the release.
const VISIT: [u32; 19] =
    [495, 381, 288, 132, 121, 117, 66, 69, 51, 28, 150_000, 1_227, 819, 703, 460, 369, 306, 150, 127];

static MOVES: AtomicUsize = AtomicUsize::new(0);
static PRESSED: AtomicBool = AtomicBool::new(false);

/// Moves it, and gives the microseconds to the next time.
pub(crate) fn step() -> u32 {
    let moves = MOVES.load(Ordering::Relaxed);
    // There and back again: as many moves one way as the other.
    PRESSED.store(moves.is_multiple_of(2), Ordering::Relaxed);
    let next = VISIT.get(moves).copied();
    MOVES.store(next.map_or(0, |_| moves + 1), Ordering::Relaxed);
    next.unwrap_or(PAUSE)
}

pub(crate) fn is_pressed() -> bool {
    PRESSED.load(Ordering::Relaxed)
}
