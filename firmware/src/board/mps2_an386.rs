//! Arm MPS2+ with the image AN386: a Cortex-M4.
//!
//! QEMU has neither the board's buttons nor its ports: the button is a recording, moved by Timer 1 and stamped in its
//! handler as a pin would be, and what the light does, which stands for the chime, only the log tells. SysTick counts the
//! time, Timer 0 has the alarm. Addresses and bits: Arm DAI 0386, Cortex-M System Design Kit.

use campanile_core::link::bundle::Pull;

use super::Board;
use crate::machine::{self, systick};
use crate::parts::cmsdk_timer::CmsdkTimer;
use crate::parts::cmsdk_uart::CmsdkUart;
use crate::parts::no_flash::NoFlash;
use crate::parts::recording;
use crate::register::registers;
use crate::{clock, edges, serial};

registers! {
    TIMER0: 0x4000_0000, "The first of its registers.";
    TIMER1: 0x4000_1000, "As above.";
    UART0: 0x4000_4000, "As above.";
    LEDS: 0x4002_8000, "The lights, a bit each.";
}

const UART: CmsdkUart = CmsdkUart(UART0);
const RX_IRQ: u16 = 0;
const TX_IRQ: u16 = 1;
const ALARM: CmsdkTimer = CmsdkTimer(TIMER0);
const ALARM_IRQ: u16 = 8;
const RECORDER: CmsdkTimer = CmsdkTimer(TIMER1);
const RECORDER_IRQ: u16 = 9;

const MHZ: u32 = 25;
/// 115,200 baud.
const DIVISOR: u32 = 217;
/// Microseconds. A call too early does no harm.
const ALARM_MAX: u32 = 100_000_000;
/// Behind the lights.
const BUTTON: u8 = 2;

pub(crate) struct Mps2An386;

impl Board for Mps2An386 {
    const PINS: u32 = 3;
    /// A recording, and the first light.
    const LINES: &'static [(&'static str, u8)] = &[("BUTTON", BUTTON), ("CHIME", 0)];

    type Flash = NoFlash;

    fn start() {
        systick::start(MHZ * 1_000);
        UART.start(DIVISOR);
        [ALARM, RECORDER].iter().for_each(CmsdkTimer::start);
        RECORDER.wait(recording::PAUSE * MHZ);
        [RX_IRQ, TX_IRQ, ALARM_IRQ, RECORDER_IRQ].into_iter().for_each(machine::enable);
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
        ALARM.wait(at.wrapping_sub(Self::micros()).min(ALARM_MAX) * MHZ);
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

    fn interrupt(number: u16) {
        match number {
            RX_IRQ | TX_IRQ => {
                UART.acknowledge();
                serial::interrupt();
            }
            ALARM_IRQ => {
                ALARM.acknowledge();
                clock::on_alarm();
            }
            _ => {
                RECORDER.acknowledge();
                RECORDER.wait(recording::step() * MHZ);
                edges::on_pin_change(|pin| pin == BUTTON);
            }
        }
    }
}
