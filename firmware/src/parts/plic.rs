//! PLIC, which brings the interrupts of a RISC-V chip's parts to its one hart. Offsets: RISC-V PLIC specification.

use crate::register::Register;

const ENABLE: usize = 0x2000 / 4;
const THRESHOLD: usize = 0x20_0000 / 4;
const CLAIM: usize = 0x20_0004 / 4;

/// One of them, at the first of its registers.
pub(crate) struct Plic(pub(crate) Register);

impl Plic {
    /// Lets all of a range of interrupts through, those too whose handler came to no end when the board started anew: the
    /// PLIC knows nothing of that start and waits for them to be complete, which it takes of enabled ones only.
    pub(crate) fn enable(&self, numbers: core::ops::Range<u16>) {
        for number in numbers {
            let number = usize::from(number);
            self.0.nth(number).write(1);
            self.0.nth(ENABLE + number / 32).set(1 << (number % 32));
            self.0.nth(CLAIM).write(number as u32);
        }
        self.0.nth(THRESHOLD).write(0);
    }

    /// Calls `f` with the interrupt that asks. If another one does, the processor is interrupted again.
    pub(crate) fn serve(&self, f: impl Fn(u16)) {
        let number = self.0.nth(CLAIM).read();
        if number != 0 {
            f(number as u16);
            self.0.nth(CLAIM).write(number);
        }
    }
}
