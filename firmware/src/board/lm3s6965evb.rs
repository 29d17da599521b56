//! Luminary LM3S6965 evaluation board: a Cortex-M3.
//!
//! Pins interrupt at both edges. SysTick counts the time, Timer 0 has the alarm. A line that is a number is 8 times the
//! port, port A being 0, and the pin of the port. Addresses and bits: LM3S6965 data sheet.

use super::Board;
use crate::machine::{self, systick};
use crate::parts::pl011::Pl011;
use crate::parts::pl061::Pl061;
use crate::register::registers;
use crate::wiring::Pull;
use crate::{clock, edges, serial};

registers! {
    SYSCTL_RIS: 0x400F_E050, "Bit 6: the PLL is locked.";
    SYSCTL_RCC: 0x400F_E060, "Where the processor's clock comes from.";
    SYSCTL_RCGC1: 0x400F_E104, "Clocks of parts; bit 0: UART0, bit 16: Timer 0.";
    SYSCTL_RCGC2: 0x400F_E108, "Clocks of the ports, a bit each.";
    TIMER_CFG: 0x4003_0000, "0: 32 bits.";
    TIMER_MODE: 0x4003_0004, "1: once.";
    TIMER_CTL: 0x4003_000C, "1: counts down.";
    TIMER_IMR: 0x4003_0018, "1: asks at zero.";
    TIMER_ICR: 0x4003_0024, "1: does not ask any more.";
    TIMER_LOAD: 0x4003_0028, "Where it begins.";
    UART0: 0x4000_C000, "The first of its registers.";
    PORTS_A_TO_D: 0x4000_4000, "The first register of the first one, 4 KiB each.";
    PORTS_E_TO_G: 0x4002_4000, "As above.";
}

const UART: Pl011 = Pl011(UART0);
const UART_IRQ: u16 = 5;
/// 115,200 baud: 12.5 MHz / 16 / (434 / 64).
const DIVISOR: u32 = 434;
const TIMER_IRQ: u16 = 19;
const PORT_IRQS: [u16; 7] = [0, 1, 2, 3, 4, 30, 31];
/// The PLL's 200 MHz by 16.
const KHZ: u32 = 12_500;
/// Microseconds. A call too early does no harm.
const ALARM_MAX: u32 = 100_000;

/// The port of a pin, and the pin's bit there.
fn place(pin: u8) -> (Pl061, u8) {
    let port = usize::from(pin / 8);
    let first = if port < 4 { PORTS_A_TO_D.nth(port * 0x400) } else { PORTS_E_TO_G.nth((port - 4) * 0x400) };
    (Pl061(first), 1 << (pin % 8))
}

/// From the crystal of 8 MHz by way of the PLL, in the order that the data sheet asks for.
fn start_clock() {
    let (bypass, divide, by_16) = (1 << 11, 1 << 22, 0xF << 23);
    let rcc = SYSCTL_RCC.read() & !(divide | 0xF << 23);
    SYSCTL_RCC.write(rcc | bypass);
    // Without: main oscillator off, source, crystal, PLL off.
    let rcc = rcc & !(1 | 3 << 4 | 0xF << 6 | 1 << 13) | 0xE << 6 | by_16 | divide;
    SYSCTL_RCC.write(rcc | bypass);
    while SYSCTL_RIS.read() & 1 << 6 == 0 {}
    SYSCTL_RCC.write(rcc & !bypass);
}

pub(crate) struct Lm3s6965evb;

impl Board for Lm3s6965evb {
    const PINS: u32 = 7 * 8;
    /// The switch "select" on PF1, and the status light on PF0.
    const LINES: &'static [(&'static str, u8)] = &[("BUTTON", 41), ("CHIME", 40)];

    fn start() {
        start_clock();
        systick::start(KHZ);
        SYSCTL_RCGC1.set(1 | 1 << 16);
        TIMER_CFG.write(0);
        TIMER_MODE.write(1);
        TIMER_IMR.write(1);
        // PA1 is the transmitter's.
        Pl061(PORTS_A_TO_D).lend(1 << 1);
        UART.start(DIVISOR);
        [UART_IRQ, TIMER_IRQ].into_iter().for_each(machine::enable);
        PORT_IRQS.into_iter().for_each(machine::enable);
    }

    fn input(pin: u8, pull: Pull) {
        SYSCTL_RCGC2.set(0x7F);
        let (port, bit) = place(pin);
        port.input(bit, pull);
    }

    fn output(pin: u8, high: bool) {
        SYSCTL_RCGC2.set(0x7F);
        let (port, bit) = place(pin);
        port.output(bit, high);
    }

    fn read(pin: u8) -> bool {
        let (port, bit) = place(pin);
        port.read(bit)
    }

    fn drive(pin: u8, high: bool) {
        let (port, bit) = place(pin);
        port.drive(bit, high);
    }

    fn micros() -> u32 {
        systick::micros()
    }

    fn alarm(at: u32) {
        let left = at.wrapping_sub(Self::micros()).min(ALARM_MAX);
        TIMER_CTL.write(0);
        TIMER_LOAD.write(left * KHZ / 1_000 + 1);
        TIMER_CTL.write(1);
    }

    fn can_send() -> bool {
        UART.can_send()
    }

    fn send(byte: u8) {
        UART.send(byte);
    }

    fn interrupt(number: u16) {
        match number {
            UART_IRQ => {
                UART.acknowledge();
                serial::pump();
            }
            TIMER_IRQ => {
                TIMER_ICR.write(1);
                clock::ring();
            }
            _ => edges::moved(|pin| {
                let (port, bit) = place(pin);
                port.has_moved(bit)
            }),
        }
    }
}
