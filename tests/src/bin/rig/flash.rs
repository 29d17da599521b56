//! The flash of a board as QEMU saves it: a file, which the store reads here as the board does there.

use std::fs;
use std::path::Path;

use campanile_flash::Flash;
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

/// Bytes that are written as those of the board are.
pub(crate) struct Saved(Vec<u8>);

impl Saved {
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        fs::read(file).map(Self).map_err(|error| format!("{}: {error}", file.display()))
    }

    pub(crate) fn write(&self, file: &Path) -> Result<(), String> {
        fs::write(file, &self.0).map_err(|error| format!("{}: {error}", file.display()))
    }
}

impl ErrorType for Saved {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Saved {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.copy_from_slice(&self.0[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.len()
    }
}

impl NorFlash for Saved {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 1024;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.0[from as usize..to as usize].fill(0xFF);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0[offset as usize..].iter_mut().zip(bytes).for_each(|(place, byte)| *place &= byte);
        Ok(())
    }
}

impl Flash for Saved {
    const CYCLES: u32 = 20_000;

    fn bytes(&self) -> &[u8] {
        &self.0
    }
}
