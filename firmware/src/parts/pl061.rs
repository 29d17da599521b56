//! PL061, Arm's eight pins, with the pulls and switches that Luminary added. Offsets: Arm DDI 0190, LM3S6965 data sheet.

use crate::register::Register;
use crate::wiring::Pull;

const DIR: usize = 0x400 / 4;
const IBE: usize = 0x408 / 4;
const IE: usize = 0x410 / 4;
const RIS: usize = 0x414 / 4;
const IC: usize = 0x41C / 4;
const AFSEL: usize = 0x420 / 4;
const PUR: usize = 0x510 / 4;
const PDR: usize = 0x514 / 4;
const DEN: usize = 0x51C / 4;

/// One of them, at the first of its registers. Pins are given as a bit.
pub(crate) struct Pl061(pub(crate) Register);

impl Pl061 {
    /// An input, which interrupts at both edges.
    pub(crate) fn input(&self, pin: u8, pull: Pull) {
        match pull {
            Pull::Up => self.0.nth(PUR).set(pin.into()),
            Pull::Down => self.0.nth(PDR).set(pin.into()),
            Pull::None => {}
        }
        self.0.nth(DEN).set(pin.into());
        self.0.nth(IBE).set(pin.into());
        self.0.nth(IE).set(pin.into());
    }

    /// An output that has this level from the first moment on.
    pub(crate) fn output(&self, pin: u8, high: bool) {
        // It takes levels of outputs only, and connects the pin with the last bit.
        self.0.nth(DIR).set(pin.into());
        self.drive(pin, high);
        self.0.nth(DEN).set(pin.into());
    }

    /// The pin of another part of the chip.
    pub(crate) fn lend(&self, pin: u8) {
        self.0.nth(AFSEL).set(pin.into());
        self.0.nth(DEN).set(pin.into());
    }

    // The first 256 registers reach the pins whose bits their number has.

    pub(crate) fn read(&self, pin: u8) -> bool {
        self.0.nth(pin.into()).read() != 0
    }

    pub(crate) fn drive(&self, pin: u8, high: bool) {
        self.0.nth(pin.into()).write(if high { 0xFF } else { 0 });
    }

    /// Whether the pin's interrupt asks; it does not any more.
    pub(crate) fn has_moved(&self, pin: u8) -> bool {
        let moved = self.0.nth(RIS).read() & u32::from(pin) != 0;
        if moved {
            self.0.nth(IC).write(pin.into());
        }
        moved
    }
}
