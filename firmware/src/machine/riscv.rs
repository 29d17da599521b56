//! A RISC-V with one hart, in machine mode.

use riscv::interrupt::Interrupt;
use riscv::register::mie;
use riscv_rt::{TrapFrame, core_interrupt, entry};

use crate::board::{Board, This};
use crate::{clock, wiring};

/// Until an interrupt asks for something.
pub(crate) fn sleep() {
    riscv::asm::wfi();
}

/// A fault: the outputs are made safe, and the board starts anew.
pub(crate) fn restart() -> ! {
    riscv::interrupt::disable();
    wiring::make_safe();
    // The entry resets no part of the chip: a pin that interrupts and is no input of the next program would ask for ever.
    (0..This::PINS as u8).for_each(This::release);
    // SAFETY: the entry of the image: it sets up stack and memory again and needs nothing of what was.
    unsafe { core::arch::asm!("j _start", options(noreturn)) }
}

#[entry]
fn main() -> ! {
    crate::main()
}

/// Interrupts come through from here on.
pub(crate) fn listen() {
    // SAFETY: called once, outside of any critical section.
    unsafe {
        mie::set_mtimer();
        mie::set_mext();
        riscv::interrupt::enable();
    }
}

#[core_interrupt(Interrupt::MachineTimer)]
fn timer() {
    clock::on_alarm();
}

#[core_interrupt(Interrupt::MachineExternal)]
fn external() {
    This::interrupt(0);
}

#[unsafe(export_name = "ExceptionHandler")]
extern "C" fn exception(_: &TrapFrame) {
    restart()
}
