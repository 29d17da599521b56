//! The registered driver: sends each call to the clock of the calling thread.

use std::cell::RefCell;
use std::task::Waker;

use crate::lens::Lens;
use crate::monotonic::monotonic_ns;
use crate::timers::Timers;

/// The clock of a thread.
pub(crate) enum Clock {
    /// Real time, and nobody who would serve a timer.
    Bare,
    /// Real time under `block_on`.
    Real(Timers),
    /// Virtual time under a `Virtual`.
    Virtual { now: u64, timers: Timers, lens: Lens },
}

thread_local! {
    static CLOCK: RefCell<Clock> = const { RefCell::new(Clock::Bare) };
}

/// Runs `f` on this thread's clock. `f` must not wake or drop a waker: that runs foreign code, which may come back.
pub(crate) fn with_clock<T>(f: impl FnOnce(&mut Clock) -> T) -> T {
    CLOCK.with(|clock| f(&mut clock.borrow_mut()))
}

/// Puts `clock` in place of [`Clock::Bare`], until the returned value is dropped.
///
/// # Panics
/// If the thread has a clock already: two executors would take each other's timers.
pub(crate) fn install(clock: Clock) -> Installed {
    with_clock(|slot| {
        assert!(
            matches!(slot, Clock::Bare),
            "this thread already runs block_on or holds a Virtual clock; end that one first, or use another thread"
        );
        *slot = clock;
    });
    Installed(())
}

/// Keeps a clock installed on its thread.
pub(crate) struct Installed(());

impl Drop for Installed {
    fn drop(&mut self) {
        // Taken out first and dropped after: dropping a waker runs foreign code.
        let clock = CLOCK.try_with(|slot| slot.replace(Clock::Bare));
        drop(clock);
    }
}

/// Wakes every timer of this thread that is due at `now`, in the order (deadline, scheduling). Returns how many.
pub(crate) fn fire(now: u64) -> usize {
    let mut fired = 0;
    while let Some(waker) = with_clock(|clock| match clock {
        Clock::Real(timers) | Clock::Virtual { timers, .. } => timers.pop_due(now),
        Clock::Bare => None,
    }) {
        waker.wake();
        fired += 1;
    }
    fired
}

/// The time of this thread's clock in microseconds: virtual under a [`Virtual`](crate::Virtual), seen through its
/// [`Lens`], else `CLOCK_MONOTONIC`, the clock with which the kernel stamps GPIO edges. The same number as
/// `embassy_time::Instant::now().as_micros()`.
#[must_use]
pub fn now_us() -> u64 {
    // The thread's clock is gone only while the thread itself goes: then real time is the honest answer.
    let virtual_now = CLOCK.try_with(|clock| match &*clock.borrow() {
        Clock::Virtual { now, lens, .. } => Some(lens.local(*now)),
        Clock::Bare | Clock::Real(_) => None,
    });
    virtual_now.ok().flatten().unwrap_or_else(|| monotonic_ns() / 1000)
}

struct Driver;

impl embassy_time_driver::Driver for Driver {
    fn now(&self) -> u64 {
        now_us()
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        if at == u64::MAX {
            return;
        }
        // What is due already is woken at once: the queue holds the future only, and no clock need move for it.
        if at <= now_us() {
            waker.wake_by_ref();
            return;
        }
        with_clock(|clock| match clock {
            Clock::Real(timers) => timers.schedule(at, waker),
            Clock::Virtual { timers, lens, .. } => timers.schedule(lens.world(at), waker),
            Clock::Bare => panic!(
                "a timer was scheduled on a thread where nothing would wake it; run the future under \
                 campanile_clock::block_on, or enter a campanile_clock::Virtual clock on this thread"
            ),
        });
    }
}

embassy_time_driver::time_driver_impl!(static DRIVER: Driver = Driver);
