//! The serial line of a Nordic nRF51.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::register::Register;
use crate::serial;

const STARTRX: usize = 0;
const STARTTX: usize = 0x008 / 4;
/// A byte has come; cleared by writing 0.
const RXDRDY: usize = 0x108 / 4;
/// A byte was sent; cleared by writing 0.
const TXDRDY: usize = 0x11C / 4;
/// Bit 7: TXDRDY; bit 2: RXDRDY.
const INTENSET: usize = 0x304 / 4;
/// 4: on.
const ENABLE: usize = 0x500 / 4;
const PSELTXD: usize = 0x50C / 4;
const PSELRXD: usize = 0x514 / 4;
const RXD: usize = 0x518 / 4;
const TXD: usize = 0x51C / 4;
const BAUDRATE: usize = 0x524 / 4;
const BAUD_115200: u32 = 0x01D7_E000;

/// The byte before is still under way.
static SENDING: AtomicBool = AtomicBool::new(false);

/// It, at the first of its registers.
pub(crate) struct Uart(pub(crate) Register);

impl Uart {
    /// Starts it at 115,200 baud, its receiver only if somebody listens. The pins are output and input already.
    pub(crate) fn start(&self, tx: u8, rx: u8) {
        self.0.nth(PSELTXD).write(tx.into());
        self.0.nth(PSELRXD).write(if serial::LISTENS { rx.into() } else { u32::MAX });
        self.0.nth(BAUDRATE).write(BAUD_115200);
        self.0.nth(ENABLE).write(4);
        self.0.nth(INTENSET).write(1 << 7 | u32::from(serial::LISTENS) << 2);
        self.0.nth(STARTTX).write(1);
        self.0.nth(STARTRX).write(serial::LISTENS.into());
    }

    pub(crate) fn can_send(&self) -> bool {
        !SENDING.load(Ordering::Relaxed)
    }

    pub(crate) fn send(&self, byte: u8) {
        SENDING.store(true, Ordering::Relaxed);
        self.0.nth(TXD).write(byte.into());
    }

    /// A byte that has come.
    pub(crate) fn receive(&self) -> Option<u8> {
        let ready = self.0.nth(RXDRDY);
        if ready.read() == 0 {
            return None;
        }
        // First the event: the next byte of its queue of six makes a new one.
        ready.write(0);
        Some(self.0.nth(RXD).read() as u8)
    }

    /// Takes back the interrupt's request, if that is that the byte is sent.
    pub(crate) fn acknowledge(&self) {
        if self.0.nth(TXDRDY).read() != 0 {
            self.0.nth(TXDRDY).write(0);
            SENDING.store(false, Ordering::Relaxed);
        }
    }
}
