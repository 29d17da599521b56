//! The pins of a SiFive chip. Offsets and bits: SiFive FE310-G002 Manual.

use campanile_core::link::bundle::Pull;

use crate::register::Register;

// All of them have a bit for each pin.
const VALUE: usize = 0;
const INPUT_EN: usize = 1;
const OUTPUT_EN: usize = 0x08 / 4;
/// The outputs' levels.
const PORT: usize = 0x0C / 4;
/// Pulls towards the high voltage; there are no others.
const PUE: usize = 0x10 / 4;
const RISE_IE: usize = 0x18 / 4;
/// Asked for by rising edges; cleared by writing 1.
const RISE_IP: usize = 0x1C / 4;
const FALL_IE: usize = 0x20 / 4;
const FALL_IP: usize = 0x24 / 4;
/// Pins that belong to other parts.
const IOF_EN: usize = 0x38 / 4;

/// All of them, at the first of their registers.
pub(crate) struct SifiveGpio(pub(crate) Register);

impl SifiveGpio {
    /// An input, which interrupts at both edges.
    pub(crate) fn input(&self, pin: u8, pull: Pull) {
        self.0.nth(OUTPUT_EN).clear(1 << pin);
        if pull == Pull::Up {
            self.0.nth(PUE).set(1 << pin)
        } else {
            self.0.nth(PUE).clear(1 << pin)
        }
        self.0.nth(INPUT_EN).set(1 << pin);
        if self.0.nth(RISE_IE).read() & 1 << pin == 0 {
            // It asks when nobody listens, too.
            self.acknowledge(pin);
            [RISE_IE, FALL_IE].into_iter().for_each(|register| self.0.nth(register).set(1 << pin));
        }
    }

    /// An input no more: it does not interrupt.
    pub(crate) fn release(&self, pin: u8) {
        [RISE_IE, FALL_IE].into_iter().for_each(|register| self.0.nth(register).clear(1 << pin));
        self.acknowledge(pin);
    }

    /// An output that has this level from the first moment on.
    pub(crate) fn output(&self, pin: u8, high: bool) {
        self.drive(pin, high);
        self.0.nth(OUTPUT_EN).set(1 << pin);
    }

    /// The pin of another part of the chip.
    pub(crate) fn set_alternate_function(&self, pin: u8) {
        self.0.nth(IOF_EN).set(1 << pin);
    }

    pub(crate) fn read(&self, pin: u8) -> bool {
        self.0.nth(VALUE).read() & 1 << pin != 0
    }

    pub(crate) fn drive(&self, pin: u8, high: bool) {
        let port = self.0.nth(PORT);
        if high { port.set(1 << pin) } else { port.clear(1 << pin) }
    }

    /// Whether the pin's interrupt asks; it does not any more.
    pub(crate) fn has_moved(&self, pin: u8) -> bool {
        let asked = self.0.nth(RISE_IP).read() | self.0.nth(FALL_IP).read();
        let moved = asked & 1 << pin != 0;
        if moved {
            self.acknowledge(pin);
        }
        moved
    }

    fn acknowledge(&self, pin: u8) {
        [RISE_IP, FALL_IP].into_iter().for_each(|register| self.0.nth(register).write(1 << pin));
    }
}
