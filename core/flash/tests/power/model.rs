//! A flash as the data sheets have it: writing clears bits of units that are blank, erasing sets all of a page, and where
//! the power fails something of both happens. It counts what it does, and fails after so many steps.

use std::cell::Cell;
use std::rc::Rc;

use campanile_flash::Flash;
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

pub(crate) const PAGE: usize = 512;

/// How often a unit may be written before its page is erased again, by the strictest data sheet: that of the nRF51.
const WRITES: u8 = 2;

/// Flash that is written in units of `UNIT` bytes, and erased in pages of `SIZE`.
#[derive(Clone)]
pub(crate) struct Model<const UNIT: usize, const SIZE: usize = PAGE> {
    bytes: Vec<u8>,
    /// Units that were written since their page was erased.
    written: Vec<bool>,
    /// How often, also where nobody can tell it from them.
    writes: Vec<u8>,
    /// Steps left before the power fails; a write of a unit is one, an erase too.
    pub(crate) steps: u64,
    /// Steps made.
    pub(crate) made: u64,
    pub(crate) erased: Vec<u32>,
    /// Pages whose bits cannot be set or cleared any more, a bit that stays of each byte.
    pub(crate) worn: Vec<usize>,
    /// While this is set there is enough power to erase, and too little to write. A clone shares it.
    pub(crate) weak: Rc<Cell<bool>>,
    seed: u64,
}

impl<const UNIT: usize> Model<UNIT> {
    pub(crate) fn new(pages: usize) -> Self {
        Self::blank(pages)
    }
}

impl Model<4, 1024> {
    /// What the micro:bit keeps things in: 64 KiB of its nRF51.
    pub(crate) fn nrf51() -> Self {
        Self::blank(64)
    }
}

impl<const UNIT: usize, const SIZE: usize> Model<UNIT, SIZE> {
    fn blank(pages: usize) -> Self {
        Self {
            bytes: vec![0xFF; pages * SIZE],
            written: vec![false; pages * SIZE / UNIT],
            writes: vec![0; pages * SIZE / UNIT],
            steps: u64::MAX,
            made: 0,
            erased: vec![0; pages],
            worn: Vec::new(),
            weak: Rc::default(),
            seed: 0,
        }
    }

    /// With the power to come back after a cut, which another time tears otherwise.
    pub(crate) fn again(mut self, steps: u64, seed: u64) -> Self {
        (self.steps, self.seed) = (steps, self.seed.wrapping_mul(31) ^ seed);
        self
    }

    /// Changes a byte, as time does.
    pub(crate) fn rot(&mut self, at: usize) {
        self.bytes[at] ^= 0x10;
    }

    fn random(&mut self) -> u8 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 56) as u8
    }

    /// Whether there is power for a whole step; the last one is made in part.
    fn step(&mut self) -> Power {
        if self.steps == 0 {
            return Power::Off;
        }
        self.steps -= 1;
        self.made += 1;
        if self.steps == 0 { Power::Fails } else { Power::On }
    }
}

#[derive(PartialEq)]
enum Power {
    On,
    Fails,
    Off,
}

impl<const UNIT: usize, const SIZE: usize> ErrorType for Model<UNIT, SIZE> {
    type Error = NorFlashErrorKind;
}

impl<const UNIT: usize, const SIZE: usize> ReadNorFlash for Model<UNIT, SIZE> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const UNIT: usize, const SIZE: usize> NorFlash for Model<UNIT, SIZE> {
    const WRITE_SIZE: usize = UNIT;
    const ERASE_SIZE: usize = SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let (from, to) = (from as usize, to as usize);
        assert!(from.is_multiple_of(SIZE) && to.is_multiple_of(SIZE), "pages are erased whole");
        for page in from / SIZE..to / SIZE {
            let power = self.step();
            if power == Power::Off {
                return Err(NorFlashErrorKind::Other);
            }
            self.erased[page] += 1;
            let worn = self.worn.contains(&page);
            // An erase that is cut leaves all as it was, or nearly all, or sets some bits, or nearly all of them.
            let often = self.random() % 4;
            for at in page * SIZE..(page + 1) * SIZE {
                let mut bits = 0xFF;
                if power == Power::Fails {
                    let (a, b, c) = (self.random(), self.random(), self.random());
                    bits = [0, a & b & c, a, a | b | c][usize::from(often)];
                }
                self.bytes[at] |= if worn { bits & 0x7F } else { bits };
                self.written[at / UNIT] = power == Power::Fails;
                self.writes[at / UNIT] = 0;
            }
            if power == Power::Fails {
                return Err(NorFlashErrorKind::Other);
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let offset = offset as usize;
        assert!(offset.is_multiple_of(UNIT) && bytes.len().is_multiple_of(UNIT), "units are written whole");
        if self.weak.get() {
            return Err(NorFlashErrorKind::Other);
        }
        for (n, unit) in bytes.chunks(UNIT).enumerate() {
            let power = self.step();
            if power == Power::Off {
                return Err(NorFlashErrorKind::Other);
            }
            let at = offset + n * UNIT;
            let worn = self.worn.contains(&(at / SIZE));
            assert!(!self.written[at / UNIT], "the unit at {at} is written twice");
            self.written[at / UNIT] = true;
            self.writes[at / UNIT] += 1;
            assert!(self.writes[at / UNIT] <= WRITES, "the unit at {at} is written too often");
            for (k, byte) in unit.iter().enumerate() {
                let kept = if power == Power::Fails { self.random() | self.random() } else { 0 };
                self.bytes[at + k] &= byte | kept | if worn { 0x01 } else { 0 };
            }
            if power == Power::Fails {
                // Nobody can tell a unit that is blank all the same: chips allow for one write more.
                self.written[at / UNIT] = self.bytes[at..at + UNIT].iter().any(|byte| *byte != 0xFF);
                return Err(NorFlashErrorKind::Other);
            }
        }
        Ok(())
    }
}

impl<const UNIT: usize, const SIZE: usize> Flash for Model<UNIT, SIZE> {
    const CYCLES: u32 = 1_000;

    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
