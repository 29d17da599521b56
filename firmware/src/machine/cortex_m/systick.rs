//! The timer that nearly every Cortex-M has, as a count of microseconds: an interrupt each millisecond, and the cycles
//! since then.

use core::cell::Cell;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::exception;
use critical_section::Mutex;

use crate::clock;

/// Microseconds between interrupts.
const PERIOD: u32 = 1_000;

/// Microseconds up to the last interrupt.
static PASSED: Mutex<Cell<u32>> = Mutex::new(Cell::new(0));

/// Starts it, on a processor of so many kHz: 16,777 at most, as it counts to 2²⁴.
pub(crate) fn start(khz: u32) {
    let Some(cortex_m::Peripherals { SYST: mut timer, .. }) = cortex_m::Peripherals::take() else { return };
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(khz - 1);
    timer.clear_current();
    timer.enable_interrupt();
    timer.enable_counter();
}

/// The count. Called with interrupts switched off.
pub(crate) fn micros() -> u32 {
    let (mut cycles, mut passed) = (cycles(), passed());
    if SCB::is_pendst_pending() {
        // The period is over, and its interrupt has not been taken.
        (cycles, passed) = (self::cycles(), passed.wrapping_add(PERIOD));
    }
    passed.wrapping_add(cycles * PERIOD / (SYST::get_reload() + 1))
}

/// Since the period began, with the timer at zero; it counts down.
fn cycles() -> u32 {
    match SYST::get_current() {
        0 => 0,
        left => SYST::get_reload() + 1 - left,
    }
}

fn passed() -> u32 {
    critical_section::with(|cs| PASSED.borrow(cs).get())
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let passed = PASSED.borrow(cs);
        passed.set(passed.get().wrapping_add(PERIOD));
    });
    clock::ring();
}
