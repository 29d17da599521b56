//! The random numbers of a Nordic nRF51.

use crate::register::Register;

const START: usize = 0;
const STOP: usize = 1;
/// A new value is there; cleared by writing 0.
const VALRDY: usize = 0x100 / 4;
/// Eight bits.
const VALUE: usize = 0x508 / 4;

/// It, at the first of its registers.
pub(crate) struct Rng(pub(crate) Register);

impl Rng {
    /// 32 random bits: a millisecond or two.
    pub(crate) fn random(&self) -> u32 {
        self.0.nth(START).write(1);
        let mut bits = 0;
        for _ in 0..4 {
            self.0.nth(VALRDY).write(0);
            while self.0.nth(VALRDY).read() == 0 {}
            bits = bits << 8 | self.0.nth(VALUE).read() & 0xFF;
        }
        self.0.nth(STOP).write(1);
        bits
    }
}
