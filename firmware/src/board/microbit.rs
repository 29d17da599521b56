//! BBC micro:bit, the first: nRF51822, a Cortex-M0 with 16 KiB of RAM.
//!
//! Pins are sampled every 250 us by TIMER1: QEMU has no GPIOTE, which would interrupt. Time is TIMER0's, which counts
//! microseconds. Addresses and bits: nRF51 Series Reference Manual 3.0.

use core::sync::atomic::{AtomicBool, Ordering};

use super::Board;
use crate::register::registers;
use crate::wiring::Pull;
use crate::{clock, edges, machine, serial};

registers! {
    CLOCK_HFCLKSTART: 0x4000_0000, "Starts the crystal: the serial line needs its precision.";
    CLOCK_HFCLKSTARTED: 0x4000_0100, "The crystal runs.";
    UART_STARTTX: 0x4000_2008, "Starts the transmitter.";
    UART_TXDRDY: 0x4000_211C, "A byte was sent; cleared by writing 0.";
    UART_INTENSET: 0x4000_2304, "Interrupts.";
    UART_ENABLE: 0x4000_2500, "4 switches it on.";
    UART_PSELTXD: 0x4000_250C, "Its pin.";
    UART_TXD: 0x4000_251C, "The byte to send.";
    UART_BAUDRATE: 0x4000_2524, "Of the line.";
    TIMER_START: 0x4000_8000, "Starts the count.";
    TIMER_CAPTURE: 0x4000_8040, "Row: copies the count into CC.";
    TIMER_COMPARE: 0x4000_8140, "Row: the count was at CC; cleared by writing 0.";
    TIMER_INTENSET: 0x4000_8304, "Interrupts, of CC 0 from bit 16 on.";
    TIMER_BITMODE: 0x4000_8508, "3: 32 bits.";
    TIMER_PRESCALER: 0x4000_8510, "4: 16 MHz by 2^4.";
    TIMER_CC: 0x4000_8540, "Row: what was captured, and what to compare with.";
    SAMPLER_START: 0x4000_9000, "Starts its count.";
    SAMPLER_COMPARE: 0x4000_9140, "The count was at CC; cleared by writing 0.";
    SAMPLER_SHORTS: 0x4000_9200, "1: the count begins anew at CC.";
    SAMPLER_INTENSET: 0x4000_9304, "Interrupts, as above.";
    SAMPLER_PRESCALER: 0x4000_9510, "As above.";
    SAMPLER_CC: 0x4000_9540, "The period.";
    GPIO_OUTSET: 0x5000_0508, "Drives pins high.";
    GPIO_OUTCLR: 0x5000_050C, "Drives pins low.";
    GPIO_IN: 0x5000_0510, "The pins' levels.";
    GPIO_CNF: 0x5000_0700, "Row: what each pin is.";
}

const UART_IRQ: u16 = 2;
const TIMER_IRQ: u16 = 8;
const SAMPLER_IRQ: u16 = 9;

/// Of the timer's rows: to read the count, and for the alarm.
const NOW: usize = 0;
const ALARM: usize = 1;

const SAMPLE_US: u32 = 250;
const BAUD_115200: u32 = 0x01D7_E000;
const TX_PIN: u8 = 24;

/// The byte before is still under way.
static SENDING: AtomicBool = AtomicBool::new(false);

pub(crate) struct Microbit;

impl Board for Microbit {
    const PINS: u32 = 32;
    /// Button A, and ring 0 of the edge connector, where a buzzer goes.
    const LINES: &'static [(&'static str, u8)] = &[("BUTTON", 17), ("CHIME", 3)];

    fn start() {
        CLOCK_HFCLKSTART.write(1);
        while CLOCK_HFCLKSTARTED.read() == 0 {}
        Self::output(TX_PIN, true);
        UART_PSELTXD.write(TX_PIN.into());
        UART_BAUDRATE.write(BAUD_115200);
        UART_ENABLE.write(4);
        UART_INTENSET.write(1 << 7);
        UART_STARTTX.write(1);
        TIMER_BITMODE.write(3);
        TIMER_PRESCALER.write(4);
        TIMER_INTENSET.write(1 << (16 + ALARM));
        TIMER_START.write(1);
        SAMPLER_PRESCALER.write(4);
        SAMPLER_CC.write(SAMPLE_US);
        SAMPLER_SHORTS.write(1);
        SAMPLER_INTENSET.write(1 << 16);
        SAMPLER_START.write(1);
        [UART_IRQ, TIMER_IRQ, SAMPLER_IRQ].into_iter().for_each(machine::enable);
    }

    fn input(pin: u8, pull: Pull) {
        GPIO_CNF.nth(pin.into()).write(match pull {
            Pull::None => 0,
            Pull::Down => 1 << 2,
            Pull::Up => 3 << 2,
        });
    }

    fn output(pin: u8, high: bool) {
        Self::drive(pin, high);
        GPIO_CNF.nth(pin.into()).write(1);
    }

    fn read(pin: u8) -> bool {
        GPIO_IN.read() & 1 << pin != 0
    }

    fn drive(pin: u8, high: bool) {
        if high { GPIO_OUTSET } else { GPIO_OUTCLR }.write(1 << pin);
    }

    fn micros() -> u32 {
        TIMER_CAPTURE.nth(NOW).write(1);
        TIMER_CC.nth(NOW).read()
    }

    fn alarm(at: u32) {
        TIMER_CC.nth(ALARM).write(at);
    }

    fn can_send() -> bool {
        !SENDING.load(Ordering::Relaxed)
    }

    fn send(byte: u8) {
        SENDING.store(true, Ordering::Relaxed);
        UART_TXD.write(byte.into());
    }

    fn interrupt(number: u16) {
        match number {
            UART_IRQ => {
                UART_TXDRDY.write(0);
                SENDING.store(false, Ordering::Relaxed);
                serial::pump();
            }
            TIMER_IRQ => {
                TIMER_COMPARE.nth(ALARM).write(0);
                clock::ring();
            }
            _ => {
                SAMPLER_COMPARE.write(0);
                edges::sample();
            }
        }
    }
}
