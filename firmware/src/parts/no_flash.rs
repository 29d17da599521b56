//! For boards without flash that outlives a reset, or that QEMU does not model: there is none of it.

use core::convert::Infallible;

use campanile_flash::Flash;
use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

/// Nobody has one.
pub(crate) enum NoFlash {}

impl ErrorType for NoFlash {
    type Error = Infallible;
}

impl ReadNorFlash for NoFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, _: u32, _: &mut [u8]) -> Result<(), Infallible> {
        match *self {}
    }

    fn capacity(&self) -> usize {
        match *self {}
    }
}

impl NorFlash for NoFlash {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = 1024;

    fn erase(&mut self, _: u32, _: u32) -> Result<(), Infallible> {
        match *self {}
    }

    fn write(&mut self, _: u32, _: &[u8]) -> Result<(), Infallible> {
        match *self {}
    }
}

impl Flash for NoFlash {
    const CYCLES: u32 = 0;

    fn bytes(&self) -> &[u8] {
        match *self {}
    }
}
