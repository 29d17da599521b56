//! A timer of a Luminary chip, as an alarm. Offsets: LM3S6965 data sheet.

use crate::register::Register;

/// 0: 32 bits.
const CFG: usize = 0;
/// 1: once.
const MODE: usize = 1;
/// 1: counts down.
const CTL: usize = 0xC / 4;
/// 1: asks at zero.
const IMR: usize = 0x18 / 4;
/// 1: does not ask any more.
const ICR: usize = 0x24 / 4;
/// Where it begins.
const LOAD: usize = 0x28 / 4;

/// One of them, at the first of its registers.
pub(crate) struct Gptm(pub(crate) Register);

impl Gptm {
    pub(crate) fn start(&self) {
        self.0.nth(CFG).write(0);
        self.0.nth(MODE).write(1);
        self.0.nth(IMR).write(1);
    }

    /// Asks after so many cycles of the processor.
    pub(crate) fn alarm(&self, cycles: u32) {
        self.0.nth(CTL).write(0);
        self.0.nth(LOAD).write(cycles + 1);
        self.0.nth(CTL).write(1);
    }

    /// Takes back the request.
    pub(crate) fn acknowledge(&self) {
        self.0.nth(ICR).write(1);
    }
}
