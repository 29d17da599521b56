//! The pins of a Nordic nRF51.

use campanile_core::link::bundle::Pull;

use crate::register::Register;

const OUTSET: usize = 0x508 / 4;
const OUTCLR: usize = 0x50C / 4;
const IN: usize = 0x510 / 4;
/// Row: what each pin is.
const CNF: usize = 0x700 / 4;

/// All of them, at the first of their registers.
pub(crate) struct Gpio(pub(crate) Register);

impl Gpio {
    pub(crate) fn input(&self, pin: u8, pull: Pull) {
        self.0.nth(CNF + usize::from(pin)).write(match pull {
            Pull::None => 0,
            Pull::Down => 1 << 2,
            Pull::Up => 3 << 2,
        });
    }

    /// An output that has this level from the first moment on.
    pub(crate) fn output(&self, pin: u8, high: bool) {
        self.drive(pin, high);
        self.0.nth(CNF + usize::from(pin)).write(1);
    }

    pub(crate) fn read(&self, pin: u8) -> bool {
        self.0.nth(IN).read() & 1 << pin != 0
    }

    pub(crate) fn drive(&self, pin: u8, high: bool) {
        self.0.nth(if high { OUTSET } else { OUTCLR }).write(1 << pin);
    }
}
