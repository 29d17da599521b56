//! BBC micro:bit, the first: nRF51822, a Cortex-M0 with 16 KiB of RAM.
//!
//! Pins are sampled every 250 us by TIMER1: QEMU has no GPIOTE, which would interrupt. Time is TIMER0's, which counts
//! microseconds. Addresses: nRF51 Series Reference Manual 3.0.

use campanile_core::link::bundle::Pull;

use super::Board;
use crate::parts::nrf51::{Clock, Gpio, Nvmc, Rng, Timer, Uart};
use crate::register::registers;
use crate::{clock, edges, machine, serial};

registers! {
    CLOCK: 0x4000_0000, "The first of its registers.";
    UART0: 0x4000_2000, "As above.";
    TIMER0: 0x4000_8000, "As above; the one with 32 bits.";
    TIMER1: 0x4000_9000, "As above.";
    RNG: 0x4000_D000, "As above.";
    NVMC: 0x4001_E000, "As above.";
    GPIO: 0x5000_0000, "As above.";
}

const PINS: Gpio = Gpio(GPIO);
const UART: Uart = Uart(UART0);
const UART_IRQ: u16 = 2;
const TIME: Timer = Timer(TIMER0);
const TIME_IRQ: u16 = 8;
const SAMPLER: Timer = Timer(TIMER1);
const SAMPLER_IRQ: u16 = 9;
const SAMPLE_US: u32 = 250;
/// Behind the program's flash: see `microbit.x`.
const STORE: core::ops::Range<usize> = 192 * 1024..256 * 1024;
const TX_PIN: u8 = 24;
const RX_PIN: u8 = 25;

pub(crate) struct Microbit;

impl Board for Microbit {
    const PINS: u32 = 32;
    /// Button A, and ring 0 of the edge connector, where a buzzer goes.
    const LINES: &'static [(&'static str, u8)] = &[("BUTTON", 17), ("CHIME", 3)];
    const RESERVED: &'static [u8] = &[TX_PIN, RX_PIN];
    const LOG: usize = 1024;
    const RX_BUFFER: usize = 288;
    const RAM_BUNDLE_MAX: usize = 0;

    type Flash = Nvmc;

    fn flash() -> Option<Nvmc> {
        // SAFETY: the memory map sets it apart, and this is called once.
        Some(unsafe { Nvmc::new(NVMC, STORE.start, STORE.len()) })
    }

    fn random() -> u32 {
        Rng(RNG).random()
    }

    fn start() {
        Clock(CLOCK).start();
        PINS.output(TX_PIN, true);
        PINS.input(RX_PIN, Pull::Up);
        UART.start(TX_PIN, RX_PIN);
        TIME.start_clock();
        SAMPLER.start_period(SAMPLE_US);
        [UART_IRQ, TIME_IRQ, SAMPLER_IRQ].into_iter().for_each(machine::enable);
    }

    fn input(pin: u8, pull: Pull) {
        PINS.input(pin, pull);
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

    fn interrupt(number: u16) {
        match number {
            UART_IRQ => {
                UART.acknowledge();
                serial::interrupt();
            }
            TIME_IRQ => {
                TIME.acknowledge();
                clock::on_alarm();
            }
            _ => {
                SAMPLER.acknowledge();
                edges::sample();
            }
        }
    }
}
