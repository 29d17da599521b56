//! A timer of a Nordic nRF51, as a count of microseconds.

use crate::register::Register;

const START: usize = 0;
/// Row: copies the count into CC.
const CAPTURE: usize = 0x40 / 4;
/// Row: the count was at CC; cleared by writing 0.
const COMPARE: usize = 0x140 / 4;
/// Bit 0: the count begins anew at CC 0.
const SHORTS: usize = 0x200 / 4;
/// From bit 16 on: a bit for each CC.
const INTENSET: usize = 0x304 / 4;
/// 3: 32 bits.
const BITMODE: usize = 0x508 / 4;
/// 4: 16 MHz by 2^4.
const PRESCALER: usize = 0x510 / 4;
/// Row: what was captured, and what to compare with.
const CC: usize = 0x540 / 4;

/// Of the rows: to read the count, and for the alarm.
const NOW: usize = 0;
const ALARM: usize = 1;

/// One of them, at the first of its registers.
pub(crate) struct Timer(pub(crate) Register);

impl Timer {
    /// Starts it as a clock of 32 bits with an alarm; not every timer has so many.
    pub(crate) fn start_clock(&self) {
        self.0.nth(BITMODE).write(3);
        self.0.nth(INTENSET).write(1 << (16 + ALARM));
        self.begin();
    }

    /// Starts it so that it asks again and again, after so many microseconds.
    pub(crate) fn start_period(&self, micros: u32) {
        self.0.nth(CC).write(micros);
        self.0.nth(SHORTS).write(1);
        self.0.nth(INTENSET).write(1 << 16);
        self.begin();
    }

    fn begin(&self) {
        self.0.nth(PRESCALER).write(4);
        self.0.nth(START).write(1);
    }

    /// The clock's count.
    pub(crate) fn micros(&self) -> u32 {
        self.0.nth(CAPTURE + NOW).write(1);
        self.0.nth(CC + NOW).read()
    }

    /// The clock asks when the count is at `at`.
    pub(crate) fn alarm(&self, at: u32) {
        self.0.nth(CC + ALARM).write(at);
    }

    /// Takes back the request.
    pub(crate) fn acknowledge(&self) {
        [NOW, ALARM].into_iter().for_each(|row| self.0.nth(COMPARE + row).write(0));
    }
}
