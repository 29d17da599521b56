//! Arm MPS2+ with the image AN386: a Cortex-M4.
//!
//! QEMU has neither the board's buttons nor its ports: the button is a recording, moved by Timer 1 and stamped in its
//! handler as a pin would be, and what the light does, which stands for the chime, only the log tells. SysTick counts the
//! time, Timer 0 has the alarm. Addresses and bits: Arm DAI 0386, Cortex-M System Design Kit.

use super::Board;
use crate::machine::{self, systick};
use crate::parts::no_flash::NoFlash;
use crate::parts::recording;
use crate::register::{Register, registers};
use crate::wiring::Pull;
use crate::{clock, edges, serial};

registers! {
    TIMER0: 0x4000_0000, "The first of its registers.";
    TIMER1: 0x4000_1000, "As above.";
    UART_DATA: 0x4000_4000, "The byte to send.";
    UART_STATE: 0x4000_4004, "Bit 0: the transmitter is full.";
    UART_CTRL: 0x4000_4008, "Bit 0: sends, bit 2: asks when it can.";
    UART_INTCLEAR: 0x4000_400C, "Bit 0: the transmitter does not ask any more.";
    UART_BAUDDIV: 0x4000_4010, "Clock by baud rate.";
    LEDS: 0x4002_8000, "The lights, a bit each.";
}

// Of a timer, which stops at zero as long as nobody sets where it begins again.
const CTRL: usize = 0;
const VALUE: usize = 1;
const INTCLEAR: usize = 3;

const UART_IRQ: u16 = 1;
const TIMER0_IRQ: u16 = 8;
const TIMER1_IRQ: u16 = 9;

const MHZ: u32 = 25;
/// 115,200 baud.
const DIVISOR: u32 = 217;
/// Microseconds. A call too early does no harm.
const ALARM_MAX: u32 = 100_000_000;
/// Behind the lights.
const BUTTON: u8 = 2;

pub(crate) struct Mps2An386;

/// The timer's interrupt asks after so many microseconds.
fn wait(timer: Register, micros: u32) {
    timer.nth(VALUE).write(micros * MHZ + 1);
}

impl Board for Mps2An386 {
    const PINS: u32 = 3;
    /// A recording, and the first light.
    const LINES: &'static [(&'static str, u8)] = &[("BUTTON", BUTTON), ("CHIME", 0)];

    type Flash = NoFlash;

    fn start() {
        systick::start(MHZ * 1_000);
        UART_BAUDDIV.write(DIVISOR);
        UART_CTRL.write(1 | 1 << 2);
        for timer in [TIMER0, TIMER1] {
            timer.nth(CTRL).write(1 | 1 << 3);
        }
        wait(TIMER1, recording::PAUSE);
        [UART_IRQ, TIMER0_IRQ, TIMER1_IRQ].into_iter().for_each(machine::enable);
    }

    fn input(_: u8, _: Pull) {}

    fn output(pin: u8, high: bool) {
        Self::drive(pin, high);
    }

    fn read(pin: u8) -> bool {
        // It connects the line to ground.
        pin == BUTTON && !recording::is_pressed()
    }

    fn drive(pin: u8, high: bool) {
        let others = LEDS.read() & !(1 << pin);
        LEDS.write(others | u32::from(high) << pin);
    }

    fn micros() -> u32 {
        systick::micros()
    }

    fn alarm(at: u32) {
        wait(TIMER0, at.wrapping_sub(Self::micros()).min(ALARM_MAX));
    }

    fn can_send() -> bool {
        UART_STATE.read() & 1 == 0
    }

    fn send(byte: u8) {
        UART_DATA.write(byte.into());
    }

    fn interrupt(number: u16) {
        match number {
            UART_IRQ => {
                UART_INTCLEAR.write(1);
                serial::pump();
            }
            TIMER0_IRQ => {
                TIMER0.nth(INTCLEAR).write(1);
                clock::ring();
            }
            _ => {
                TIMER1.nth(INTCLEAR).write(1);
                wait(TIMER1, recording::step());
                edges::moved(|pin| pin == BUTTON);
            }
        }
    }
}
