//! A timer of Arm's Cortex-M System Design Kit, which stops at zero as long as nobody sets where it begins again. Offsets
//! and bits: Arm DDI 0479.

use crate::register::Register;

/// Bit 0: counts down; bit 3: asks at zero.
const CTRL: usize = 0;
const VALUE: usize = 1;
/// 1: does not ask any more.
const INTCLEAR: usize = 0xC / 4;

/// One of them, at the first of its registers.
pub(crate) struct CmsdkTimer(pub(crate) Register);

impl CmsdkTimer {
    pub(crate) fn start(&self) {
        self.0.nth(CTRL).write(1 | 1 << 3);
    }

    /// Asks after so many of its cycles.
    pub(crate) fn wait(&self, cycles: u32) {
        self.0.nth(VALUE).write(cycles + 1);
    }

    /// Takes back the request.
    pub(crate) fn acknowledge(&self) {
        self.0.nth(INTCLEAR).write(1);
    }
}
