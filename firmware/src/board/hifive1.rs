//! SiFive HiFive1 Rev B: FE310-G002, a RISC-V with 16 KiB of RAM.
//!
//! Pins interrupt at both edges. Time is the CLINT's. Addresses and bits: SiFive FE310-G002 Manual.

use campanile_core::link::bundle::Pull;

use super::Board;
use crate::parts::clint::Clint;
use crate::parts::no_flash::NoFlash;
use crate::parts::plic::Plic;
use crate::parts::sifive_uart::SifiveUart;
use crate::register::registers;
use crate::{edges, serial};

registers! {
    CLINT: 0x0200_0000, "The first of its registers.";
    PLIC: 0x0C00_0000, "The first of its registers.";
    GPIO_VALUE: 0x1001_2000, "The pins' levels.";
    GPIO_INPUT_EN: 0x1001_2004, "Pins that are inputs.";
    GPIO_OUTPUT_EN: 0x1001_2008, "Pins that are outputs.";
    GPIO_PORT: 0x1001_200C, "The outputs' levels.";
    GPIO_PUE: 0x1001_2010, "Pulls towards the high voltage.";
    GPIO_RISE_IE: 0x1001_2018, "Interrupts at rising edges.";
    GPIO_RISE_IP: 0x1001_201C, "Asked for by them; cleared by writing 1.";
    GPIO_FALL_IE: 0x1001_2020, "Interrupts at falling edges.";
    GPIO_FALL_IP: 0x1001_2024, "As above.";
    GPIO_IOF_EN: 0x1001_2038, "Pins that belong to other parts.";
    UART0: 0x1001_3000, "The first of its registers.";
}

/// QEMU counts at 10 MHz. The board's own 32,768 Hz are (15_625, 512).
const TIME: Clint = Clint { registers: CLINT, tick: (1, 10) };
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
    const HEARD: usize = 288;
    const STAGING: usize = 512;

    type Flash = NoFlash;

    fn start() {
        GPIO_IOF_EN.set(1 << RX_PIN | 1 << TX_PIN);
        UART.start(DIVISOR);
        INTERRUPTS.enable(UART_IRQ..UART_IRQ + 1);
        INTERRUPTS.enable(GPIO_IRQ..GPIO_IRQ + Self::PINS as u16);
    }

    fn input(pin: u8, pull: Pull) {
        if pull == Pull::Up {
            GPIO_PUE.set(1 << pin);
        }
        GPIO_INPUT_EN.set(1 << pin);
        GPIO_RISE_IE.set(1 << pin);
        GPIO_FALL_IE.set(1 << pin);
    }

    fn output(pin: u8, high: bool) {
        Self::drive(pin, high);
        GPIO_OUTPUT_EN.set(1 << pin);
    }

    fn read(pin: u8) -> bool {
        GPIO_VALUE.read() & 1 << pin != 0
    }

    fn drive(pin: u8, high: bool) {
        let others = GPIO_PORT.read() & !(1 << pin);
        GPIO_PORT.write(others | u32::from(high) << pin);
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
        INTERRUPTS.each(|number| match number {
            UART_IRQ => serial::interrupt(),
            _ => edges::moved(|pin| {
                let moved = (GPIO_RISE_IP.read() | GPIO_FALL_IP.read()) & 1 << pin != 0;
                if moved {
                    GPIO_RISE_IP.write(1 << pin);
                    GPIO_FALL_IP.write(1 << pin);
                }
                moved
            }),
        });
    }
}
