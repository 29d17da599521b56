//! The flash of a Nordic nRF51, which is written and erased by way of its controller. The processor stands still while that
//! is busy: 46 us for a word, 21 ms for a page.

use campanile_flash::Flash;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

use crate::register::Register;

const READY: usize = 0x400 / 4;
/// What may be done.
const CONFIG: usize = 0x504 / 4;
const ERASEPAGE: usize = 0x508 / 4;

const READ_ONLY: u32 = 0;
const WRITE: u32 = 1;
const ERASE: u32 = 2;

const PAGE: usize = 1024;

/// A part of the flash that is set apart from the program's. There is one handle for it.
pub(crate) struct Nvmc {
    controller: Register,
    first: usize,
    len: usize,
}

impl Nvmc {
    /// # Safety
    /// Nothing else is in this part, which is pages in a row, and no other handle is made for it.
    pub(crate) const unsafe fn new(controller: Register, first: usize, len: usize) -> Self {
        Self { controller, first, len }
    }

    fn allow(&self, what: u32) {
        self.controller.nth(CONFIG).write(what);
        self.wait();
    }

    fn wait(&self) {
        while self.controller.nth(READY).read() & 1 == 0 {}
    }
}

impl ErrorType for Nvmc {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Nvmc {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        check_read(self, offset, bytes.len())?;
        let from = self.bytes().iter().skip(offset as usize);
        bytes.iter_mut().zip(from).for_each(|(place, byte)| *place = *byte);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.len
    }
}

impl NorFlash for Nvmc {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to)?;
        for page in (from as usize..to as usize).step_by(PAGE) {
            self.allow(ERASE);
            self.controller.nth(ERASEPAGE).write((self.first + page) as u32);
            self.wait();
        }
        self.allow(READ_ONLY);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len())?;
        // SAFETY: words of flash that is set apart for this.
        let words = unsafe { Register::at(self.first + offset as usize) };
        self.allow(WRITE);
        for (n, word) in bytes.as_chunks().0.iter().enumerate() {
            words.nth(n).write(u32::from_le_bytes(*word));
            self.wait();
        }
        self.allow(READ_ONLY);
        Ok(())
    }
}

impl Flash for Nvmc {
    const CYCLES: u32 = 20_000;

    fn bytes(&self) -> &[u8] {
        // SAFETY: flash that is set apart for this, and changes only by way of this one handle.
        unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(self.first), self.len) }
    }
}
