//! The clocks of a Nordic nRF51.

use crate::register::Register;

const HFCLKSTART: usize = 0;
const HFCLKSTARTED: usize = 0x100 / 4;

/// They, at the first of their registers.
pub(crate) struct Clock(pub(crate) Register);

impl Clock {
    /// Starts the crystal, and waits until it runs: the serial line needs its precision.
    pub(crate) fn start(&self) {
        self.0.nth(HFCLKSTART).write(1);
        while self.0.nth(HFCLKSTARTED).read() == 0 {}
    }
}
