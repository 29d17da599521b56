//! Any Cortex-M.

use cortex_m::peripheral::{NVIC, SCB};
use cortex_m_rt::{ExceptionFrame, entry, exception};

use crate::board::{Board, This};
use crate::wiring;

#[allow(dead_code, reason = "for boards without a better timer")]
pub(crate) mod systick;

/// A number of the board's, to switch an interrupt on.
#[derive(Clone, Copy)]
struct Interrupt(u16);

// SAFETY: the number is the board's own from its reference manual, and never changes.
unsafe impl cortex_m::interrupt::InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

/// Lets the board's interrupt through to [`Board::interrupt`].
pub(crate) fn enable(number: u16) {
    // SAFETY: nothing relies on an interrupt being off; data shared with handlers is behind critical sections.
    unsafe { NVIC::unmask(Interrupt(number)) };
}

/// Until an interrupt asks for something.
pub(crate) fn sleep() {
    cortex_m::asm::wfi();
}

/// A fault: the outputs are made safe, and the board starts anew.
pub(crate) fn restart() -> ! {
    cortex_m::interrupt::disable();
    wiring::make_safe();
    SCB::sys_reset()
}

#[entry]
fn main() -> ! {
    cortex_m::interrupt::disable();
    crate::main()
}

/// Interrupts come through from here on.
pub(crate) fn listen() {
    // SAFETY: called once, outside of any critical section.
    unsafe { cortex_m::interrupt::enable() };
}

// SAFETY: what it calls takes critical sections for all that it shares.
#[exception]
unsafe fn DefaultHandler(number: i16) {
    match u16::try_from(number) {
        Ok(number) => This::interrupt(number),
        Err(_) => restart(),
    }
}

// SAFETY: nothing goes on behind it.
#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    restart()
}
