//! PL061, Arm's eight pins, with the pulls and switches that Luminary added. Offsets: Arm DDI 0190, LM3S6965 data sheet.

use campanile_core::link::bundle::Pull;

use crate::register::Register;

const DIR: usize = 0x400 / 4;
const IBE: usize = 0x408 / 4;
const IE: usize = 0x410 / 4;
const RIS: usize = 0x414 / 4;
const IC: usize = 0x41C / 4;
const AFSEL: usize = 0x420 / 4;
const PUR: usize = 0x510 / 4;
const PDR: usize = 0x514 / 4;
const DEN: usize = 0x51C / 4;

/// One of its pins.
pub(crate) struct Pl061Pin {
    /// The first of its registers.
    port: Register,
    bit: u8,
}

impl Pl061Pin {
    /// The `n`th pin of the eight whose registers begin here.
    pub(crate) const fn new(port: Register, n: u8) -> Self {
        Self { port, bit: 1 << n }
    }

    /// An input, which interrupts at both edges.
    pub(crate) fn input(&self, pull: Pull) {
        self.clear(DIR);
        for (register, wanted) in [(PUR, Pull::Up), (PDR, Pull::Down)] {
            if pull == wanted { self.set(register) } else { self.clear(register) }
        }
        [DEN, IBE].into_iter().for_each(|register| self.set(register));
        if !self.has(IE) {
            // It asks when nobody listens, too.
            self.acknowledge();
            self.set(IE);
        }
    }

    /// An input no more: it does not interrupt.
    pub(crate) fn release(&self) {
        self.clear(IE);
        self.acknowledge();
    }

    /// An output that has this level from the first moment on.
    pub(crate) fn output(&self, high: bool) {
        // It takes levels of outputs only, and connects the pin with the last bit.
        self.set(DIR);
        self.drive(high);
        self.set(DEN);
    }

    /// The pin of another part of the chip.
    pub(crate) fn set_alternate_function(&self) {
        [AFSEL, DEN].into_iter().for_each(|register| self.set(register));
    }

    // The first 256 registers reach the pins whose bits their number has.

    pub(crate) fn read(&self) -> bool {
        self.port.nth(self.bit.into()).read() != 0
    }

    pub(crate) fn drive(&self, high: bool) {
        self.port.nth(self.bit.into()).write(if high { 0xFF } else { 0 });
    }

    /// Whether the pin's interrupt asks; it does not any more.
    pub(crate) fn has_moved(&self) -> bool {
        let moved = self.has(RIS);
        if moved {
            self.acknowledge();
        }
        moved
    }

    fn acknowledge(&self) {
        self.port.nth(IC).write(self.bit.into());
    }

    fn has(&self, register: usize) -> bool {
        self.port.nth(register).read() & u32::from(self.bit) != 0
    }

    fn clear(&self, register: usize) {
        self.port.nth(register).clear(self.bit.into());
    }

    fn set(&self, register: usize) {
        self.port.nth(register).set(self.bit.into());
    }
}
