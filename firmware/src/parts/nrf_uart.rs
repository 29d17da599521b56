//! The serial line of a Nordic nRF51. Offsets: nRF51 Series Reference Manual 3.0.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::register::Register;

const STARTTX: usize = 0x008 / 4;
/// A byte was sent; cleared by writing 0.
const TXDRDY: usize = 0x11C / 4;
/// Bit 7: TXDRDY.
const INTENSET: usize = 0x304 / 4;
/// 4: on.
const ENABLE: usize = 0x500 / 4;
const PSELTXD: usize = 0x50C / 4;
const TXD: usize = 0x51C / 4;
const BAUDRATE: usize = 0x524 / 4;
const BAUD_115200: u32 = 0x01D7_E000;

/// The byte before is still under way.
static SENDING: AtomicBool = AtomicBool::new(false);

/// It, at the first of its registers.
pub(crate) struct NrfUart(pub(crate) Register);

impl NrfUart {
    /// Starts it at 115,200 baud. The pin is an output already.
    pub(crate) fn start(&self, tx: u8) {
        self.0.nth(PSELTXD).write(tx.into());
        self.0.nth(BAUDRATE).write(BAUD_115200);
        self.0.nth(ENABLE).write(4);
        self.0.nth(INTENSET).write(1 << 7);
        self.0.nth(STARTTX).write(1);
    }

    pub(crate) fn can_send(&self) -> bool {
        !SENDING.load(Ordering::Relaxed)
    }

    pub(crate) fn send(&self, byte: u8) {
        SENDING.store(true, Ordering::Relaxed);
        self.0.nth(TXD).write(byte.into());
    }

    /// Takes back the interrupt's request: the byte is sent.
    pub(crate) fn acknowledge(&self) {
        self.0.nth(TXDRDY).write(0);
        SENDING.store(false, Ordering::Relaxed);
    }
}
