//! SiFive HiFive1 Rev B: FE310-G002, a RISC-V with 16 KiB of RAM.
//!
//! Pins interrupt at both edges. Time is the CLINT's. Addresses and bits: SiFive FE310-G002 Manual.

use campanile_core::link::bundle::Pull;

use super::Board;
use crate::parts::clint::Clint;
use crate::parts::no_flash::NoFlash;
use crate::parts::plic::Plic;
use crate::parts::sifive_gpio::SifiveGpio;
use crate::parts::sifive_uart::SifiveUart;
use crate::register::registers;
use crate::{edges, serial};

registers! {
    CLINT: 0x0200_0000, "The first of its registers.";
    PLIC: 0x0C00_0000, "As above.";
    GPIO: 0x1001_2000, "As above.";
    UART0: 0x1001_3000, "As above.";
}

/// QEMU counts at 10 MHz. The board's own 32,768 Hz are (15_625, 512).
const TIME: Clint = Clint { registers: CLINT, tick: (1, 10) };
const PINS: SifiveGpio = SifiveGpio(GPIO);
const INTERRUPTS: Plic = Plic(PLIC);
const UART: SifiveUart = SifiveUart(UART0);
const UART_IRQ: u16 = 3;
/// Of pin 0.
const GPIO_IRQ: u16 = 8;
/// 115,200 baud of the 16 MHz that the chip starts with.
const DIVISOR: u32 = 139;
const RX_PIN: u8 = 16;
const TX_PIN: u8 = 17;

pub(crate) struct Hifive1;

impl Board for Hifive1 {
    const PINS: u32 = 32;
    /// Pins 2 and 3 of the connector.
    const LINES: &'static [(&'static str, u8)] = &[("BUTTON", 18), ("CHIME", 19)];
    const RESERVED: &'static [u8] = &[RX_PIN, TX_PIN];
    const PULLS: &'static [Pull] = &[Pull::Up];
    const LOG: usize = 1024;
    const RX_BUFFER: usize = 288;
    const RAM_BUNDLE_MAX: usize = 512;

    type Flash = NoFlash;

    fn start() {
        [RX_PIN, TX_PIN].into_iter().for_each(|pin| PINS.set_alternate_function(pin));
        UART.start(DIVISOR);
        INTERRUPTS.enable(UART_IRQ..UART_IRQ + 1);
        INTERRUPTS.enable(GPIO_IRQ..GPIO_IRQ + Self::PINS as u16);
    }

    fn input(pin: u8, pull: Pull) {
        PINS.input(pin, pull);
    }

    fn release(pin: u8) {
        PINS.release(pin);
    }

    fn output(pin: u8, high: bool) {
        PINS.output(pin, high);
    }

    fn read(pin: u8) -> bool {
        PINS.read(pin)
    }

    fn drive(pin: u8, high: bool) {
        PINS.drive(pin, high);
    }

    fn micros() -> u32 {
        TIME.micros()
    }

    fn alarm(at: u32) {
        TIME.alarm(at);
    }

    fn can_send() -> bool {
        UART.can_send()
    }

    fn send(byte: u8) {
        UART.send(byte);
    }

    fn receive() -> Option<u8> {
        UART.receive()
    }

    fn interrupt(_: u16) {
        INTERRUPTS.serve(|number| match number {
            UART_IRQ => serial::interrupt(),
            _ => edges::on_pin_change(|pin| PINS.has_moved(pin)),
        });
    }
}
