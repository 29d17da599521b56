//! Time: the board's count of microseconds, made 64 bits wide, is embassy's clock and stamps edges.

use core::cell::{Cell, RefCell};
use core::future::pending;
use core::task::Waker;

use campanile_core::time::Instant;
use critical_section::{CriticalSection, Mutex};
use embassy_time::Timer;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

use crate::board::{Board, This};

/// The alarm is never set further ahead, so that no wrap of the count goes unseen: 17 minutes of 71.
const FAR: u64 = 1 << 30;

/// A count that seems to be this much ahead has gone back a little: a timer at the turn of its period may.
const BACK: u32 = 1 << 31;

struct Clock {
    now: Mutex<Cell<u64>>,
    waiting: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock {
    now: Mutex::new(Cell::new(0)),
    waiting: Mutex::new(RefCell::new(Queue::new())),
});

impl Clock {
    fn now_in(&self, cs: CriticalSection<'_>) -> u64 {
        let now = self.now.borrow(cs);
        // The low half is the board's count as it was last.
        let passed = This::micros().wrapping_sub(now.get() as u32);
        if passed < BACK {
            now.set(now.get() + u64::from(passed));
        }
        now.get()
    }

    /// Wakes who waited long enough, and sets the alarm for the next.
    fn ring(&self, cs: CriticalSection<'_>) {
        let mut waiting = self.waiting.borrow_ref_mut(cs);
        loop {
            let now = self.now_in(cs);
            let next = waiting.next_expiration(now).min(now + FAR);
            This::alarm(next as u32);
            // An alarm for a moment that has passed meanwhile would come when the count is there again.
            if self.now_in(cs) < next {
                return;
            }
        }
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.now_in(cs))
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            let changed = self.waiting.borrow_ref_mut(cs).schedule_wake(at, waker);
            if changed {
                self.ring(cs);
            }
        });
    }
}

/// An alarm is due, or may be. Called once at the start, too.
pub(crate) fn on_alarm() {
    critical_section::with(|cs| CLOCK.ring(cs));
}

/// Now, on the clock that also wakes the loop.
pub(crate) fn now() -> Instant {
    Instant::from_micros(CLOCK.now())
}

/// Resolves then; never, for a deadline that is not set.
pub(crate) async fn wait_until(deadline: Instant) {
    match deadline.to_option() {
        Some(at) => Timer::at(embassy_time::Instant::from_micros(at.micros())).await,
        None => pending().await,
    }
}
