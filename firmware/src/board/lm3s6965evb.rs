//! Luminary LM3S6965 evaluation board: a Cortex-M3.
//!
//! Pins interrupt at both edges. SysTick counts the time, Timer 0 has the alarm. A line that is a number is 8 times the
//! port, port A being 0, and the pin of the port. Addresses and bits: LM3S6965 data sheet.

use campanile_core::link::bundle::Pull;

use super::Board;
use crate::machine::{self, systick};
use crate::parts::gptm::Gptm;
use crate::parts::lm3s_sysctl::Sysctl;
use crate::parts::no_flash::NoFlash;
use crate::parts::pl011::Pl011;
use crate::parts::pl061::Pl061Pin;
use crate::register::registers;
use crate::{clock, edges, serial};

registers! {
    SYSCTL: 0x400F_E000, "The first of its registers.";
    TIMER0: 0x4003_0000, "As above.";
    UART0: 0x4000_C000, "As above.";
    PORTS: 0x4000_4000, "The first register of port A; each has 4 KiB, and E begins 128 KiB behind A.";
}

const CHIP: Sysctl = Sysctl(SYSCTL);
const UART: Pl011 = Pl011(UART0);
const UART_IRQ: u16 = 5;
/// 115,200 baud: 12.5 MHz / 16 / (434 / 64).
const DIVISOR: u32 = 434;
const ALARM: Gptm = Gptm(TIMER0);
const ALARM_IRQ: u16 = 19;
const PORT_IRQS: [u16; 7] = [0, 1, 2, 3, 4, 30, 31];
/// The PLL's 200 MHz by 16.
const KHZ: u32 = 12_500;
/// Microseconds. A call too early does no harm.
const ALARM_MAX: u32 = 100_000;

/// A pin by its number.
fn place(pin: u8) -> Pl061Pin {
    let port = usize::from(pin / 8);
    let page = if port < 4 { port } else { port - 4 + 32 };
    Pl061Pin::new(PORTS.nth(page * 0x400), pin % 8)
}

pub(crate) struct Lm3s6965evb;

impl Board for Lm3s6965evb {
    const PINS: u32 = 7 * 8;
    /// The switch "select" on PF1, and the status light on PF0.
    const LINES: &'static [(&'static str, u8)] = &[("BUTTON", 41), ("CHIME", 40)];
    const RESERVED: &'static [u8] = &[0, 1]; // the serial line's

    type Flash = NoFlash;

    fn start() {
        CHIP.start();
        systick::start(KHZ);
        ALARM.start();
        Self::RESERVED.iter().for_each(|&pin| place(pin).set_alternate_function());
        UART.start(DIVISOR);
        [UART_IRQ, ALARM_IRQ].into_iter().chain(PORT_IRQS).for_each(machine::enable);
    }

    fn input(pin: u8, pull: Pull) {
        CHIP.start_ports();
        place(pin).input(pull);
    }

    fn release(pin: u8) {
        place(pin).release();
    }

    fn output(pin: u8, high: bool) {
        CHIP.start_ports();
        place(pin).output(high);
    }

    fn read(pin: u8) -> bool {
        place(pin).read()
    }

    fn drive(pin: u8, high: bool) {
        place(pin).drive(high);
    }

    fn micros() -> u32 {
        systick::micros()
    }

    fn alarm(at: u32) {
        ALARM.alarm(at.wrapping_sub(Self::micros()).min(ALARM_MAX) * KHZ / 1_000);
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
            UART_IRQ => {
                UART.acknowledge();
                serial::interrupt();
            }
            ALARM_IRQ => {
                ALARM.acknowledge();
                clock::on_alarm();
            }
            _ => edges::on_pin_change(|pin| place(pin).has_moved()),
        }
    }
}
