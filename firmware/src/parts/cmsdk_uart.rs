//! The serial line of Arm's Cortex-M System Design Kit. Offsets and bits: Arm DDI 0479.

use crate::register::Register;
use crate::serial;

/// The byte to send, or that has come.
const DATA: usize = 0;
/// Bit 0: the transmitter is full; bit 1: a byte has come.
const STATE: usize = 1;
/// Bit 0: sends; bit 1: receives; bit 2: asks when it can send; bit 3: asks when a byte has come.
const CTRL: usize = 0x8 / 4;
/// Bit 0: the transmitter does not ask any more; bit 1: nor does the receiver.
const INTCLEAR: usize = 0xC / 4;
/// Clock by baud rate.
const BAUDDIV: usize = 0x10 / 4;

/// One of them, at the first of its registers.
pub(crate) struct CmsdkUart(pub(crate) Register);

impl CmsdkUart {
    /// Starts it at its clock by `divisor`.
    pub(crate) fn start(&self, divisor: u32) {
        let receiver = u32::from(serial::LISTENS) * (1 << 1 | 1 << 3);
        self.0.nth(BAUDDIV).write(divisor);
        self.0.nth(CTRL).write(1 | 1 << 2 | receiver);
    }

    pub(crate) fn can_send(&self) -> bool {
        self.0.nth(STATE).read() & 1 == 0
    }

    pub(crate) fn send(&self, byte: u8) {
        self.0.nth(DATA).write(byte.into());
    }

    pub(crate) fn receive(&self) -> Option<u8> {
        (self.0.nth(STATE).read() & 1 << 1 != 0).then(|| self.0.nth(DATA).read() as u8)
    }

    /// Takes back the requests of both.
    pub(crate) fn acknowledge(&self) {
        self.0.nth(INTCLEAR).write(1 | 1 << 1);
    }
}
