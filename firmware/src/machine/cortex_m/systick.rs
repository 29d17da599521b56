//! The timer that nearly every Cortex-M has, as a count of microseconds: whole periods, as long as its 24 bits allow, and
//! the cycles since. It has no alarm to spare: that is another timer's.

use core::cell::Cell;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::exception;
use critical_section::Mutex;

#[derive(Clone, Copy)]
struct Count {
    /// The processor's clock.
    khz: u32,
    /// Microseconds a period.
    period: u32,
    /// Microseconds up to the last interrupt.
    passed: u32,
}

static COUNT: Mutex<Cell<Count>> = Mutex::new(Cell::new(Count { khz: 1, period: 0, passed: 0 }));

/// Starts it, on a processor of so many kHz.
pub(crate) fn start(khz: u32) {
    let Some(cortex_m::Peripherals { SYST: mut timer, .. }) = cortex_m::Peripherals::take() else { return };
    let millis = (1 << 24) / khz;
    critical_section::with(|cs| COUNT.borrow(cs).set(Count { khz, period: millis * 1_000, passed: 0 }));
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(millis * khz - 1);
    timer.clear_current();
    timer.enable_interrupt();
    timer.enable_counter();
}

/// The count. Called with interrupts switched off.
pub(crate) fn micros() -> u32 {
    let mut count = critical_section::with(|cs| COUNT.borrow(cs).get());
    let mut cycles = cycles();
    if SCB::is_pendst_pending() {
        // The period is over, and its interrupt has not been taken.
        (cycles, count.passed) = (self::cycles(), count.passed.wrapping_add(count.period));
    }
    count.passed.wrapping_add((u64::from(cycles) * 1_000 / u64::from(count.khz)) as u32)
}

/// Since the period began, with the timer at zero; it counts down.
fn cycles() -> u32 {
    match SYST::get_current() {
        0 => 0,
        left => SYST::get_reload() + 1 - left,
    }
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let cell = COUNT.borrow(cs);
        let count = cell.get();
        cell.set(Count { passed: count.passed.wrapping_add(count.period), ..count });
    });
}
