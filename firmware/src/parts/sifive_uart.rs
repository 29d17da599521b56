//! The serial line of a SiFive chip. Offsets and bits: SiFive FE310-G002 Manual.

use crate::register::Register;
use crate::serial;

/// The byte to send; bit 31: no room.
const TXDATA: usize = 0;
/// The byte that has come; bit 31: there is none.
const RXDATA: usize = 1;
/// Bit 0: on; from bit 16 on: asks when fewer than this wait.
const TXCTRL: usize = 0x08 / 4;
/// Bit 0: on; from bit 16 on: asks when more than this have come.
const RXCTRL: usize = 0x0C / 4;
/// Bit 0: the transmitter's interrupt; bit 1: the receiver's.
const IE: usize = 0x10 / 4;
/// Clock by baud rate, less 1.
const DIV: usize = 0x18 / 4;

const NOTHING: u32 = 1 << 31;

/// One of them, at the first of its registers.
pub(crate) struct SifiveUart(pub(crate) Register);

impl SifiveUart {
    /// Starts it at its clock by `divisor`.
    pub(crate) fn start(&self, divisor: u32) {
        self.0.nth(DIV).write(divisor - 1);
        self.0.nth(TXCTRL).write(1 | 1 << 16);
        self.0.nth(RXCTRL).write(serial::LISTENS.into());
        self.ask(false);
    }

    pub(crate) fn can_send(&self) -> bool {
        let can = self.0.nth(TXDATA).read() & NOTHING == 0;
        // It would ask all the time while it is idle.
        self.ask(!can);
        can
    }

    pub(crate) fn send(&self, byte: u8) {
        self.0.nth(TXDATA).write(byte.into());
    }

    pub(crate) fn receive(&self) -> Option<u8> {
        let data = self.0.nth(RXDATA).read();
        (data & NOTHING == 0).then_some(data as u8)
    }

    /// Its interrupts: the receiver's always, if somebody listens, and the transmitter's when it is full.
    fn ask(&self, full: bool) {
        self.0.nth(IE).write(u32::from(serial::LISTENS) << 1 | u32::from(full));
    }
}
