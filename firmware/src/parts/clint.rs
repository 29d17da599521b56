//! CLINT, the timer that SiFive's chips and many other RISC-V have: a count of 64 bits, and a moment to wait for.

use crate::register::Register;

const MTIMECMP: usize = 0x4000 / 4;
const MTIME: usize = 0xBFF8 / 4;

/// One of them, at the first of its registers, and how long its ticks are, in microseconds: a fraction.
pub(crate) struct Clint {
    pub(crate) registers: Register,
    pub(crate) tick: (u32, u32),
}

impl Clint {
    fn ticks(&self) -> u64 {
        let (low, high) = (self.registers.nth(MTIME), self.registers.nth(MTIME + 1));
        loop {
            let before = high.read();
            let ticks = u64::from(before) << 32 | u64::from(low.read());
            if high.read() == before {
                return ticks;
            }
        }
    }

    /// The count of microseconds, its low half.
    pub(crate) fn micros(&self) -> u32 {
        (self.ticks() * u64::from(self.tick.0) / u64::from(self.tick.1)) as u32
    }

    /// The timer's interrupt asks from the moment on at which the count is at `at`.
    pub(crate) fn alarm(&self, at: u32) {
        let left = u64::from(at.wrapping_sub(self.micros()));
        let moment = self.ticks() + left * u64::from(self.tick.1) / u64::from(self.tick.0) + 1;
        let (low, high) = (self.registers.nth(MTIMECMP), self.registers.nth(MTIMECMP + 1));
        // No moment in between may be in the past.
        low.write(u32::MAX);
        high.write((moment >> 32) as u32);
        low.write(moment as u32);
    }
}
