//! PL011, Arm's serial line. Offsets and bits: Arm DDI 0183.

use crate::register::Register;
use crate::serial;

const DR: usize = 0;
const FR: usize = 0x18 / 4;
const IBRD: usize = 0x24 / 4;
const FBRD: usize = 0x28 / 4;
const LCRH: usize = 0x2C / 4;
const CR: usize = 0x30 / 4;
const IMSC: usize = 0x38 / 4;
const ICR: usize = 0x44 / 4;

/// The transmitter's queue is full.
const TXFF: u32 = 1 << 5;
/// It takes bytes again.
const TXI: u32 = 1 << 5;
/// The receiver's queue is empty.
const RXFE: u32 = 1 << 4;
/// Bytes have come: the queue is half full, or nothing has followed for a while.
const RXI: u32 = 1 << 4 | 1 << 6;
/// Eight bits, with queues.
const FORM: u32 = 0x70;
/// Switched on, both ways.
const ON: u32 = 0x301;

/// One of them, at the first of its registers.
pub(crate) struct Pl011(pub(crate) Register);

impl Pl011 {
    /// Starts it at a sixteenth of its clock by `by`, which is in 64ths; its interrupt, too.
    pub(crate) fn start(&self, by: u32) {
        self.0.nth(IBRD).write(by / 64);
        self.0.nth(FBRD).write(by % 64);
        self.0.nth(LCRH).write(FORM);
        self.0.nth(IMSC).write(if serial::LISTENS { TXI | RXI } else { TXI });
        self.0.nth(CR).write(ON);
    }

    pub(crate) fn can_send(&self) -> bool {
        self.0.nth(FR).read() & TXFF == 0
    }

    pub(crate) fn send(&self, byte: u8) {
        self.0.nth(DR).write(byte.into());
    }

    /// A byte that has come. Asked behind [`acknowledge`](Self::acknowledge), until there is none.
    pub(crate) fn receive(&self) -> Option<u8> {
        (self.0.nth(FR).read() & RXFE == 0).then(|| self.0.nth(DR).read() as u8)
    }

    /// Takes back the interrupt's request.
    pub(crate) fn acknowledge(&self) {
        self.0.nth(ICR).write(TXI | RXI);
    }
}
