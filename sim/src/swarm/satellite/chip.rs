//! A microcontroller's flash: writing clears bits, erasing sets all of a page, and where the power fails something of both
//! happens. It outlives the starts of its satellite, and wears out.

use std::cell::Cell;
use std::rc::Rc;

use campanile_flash::Flash;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

use crate::prng::Prng;
use crate::swarm::plan::{FlashFault, FlashPlan};
use crate::swarm::tape::mix;

/// As the nRF51 has them: a page, and the unit in which it is written.
const PAGE: usize = 1024;
const UNIT: usize = 4;

/// Pages of each of the two places for programs, as boards have them.
pub(super) const SLOT_PAGES: usize = 4;

/// An erase takes as long as writing so many bytes, or nearly: so often it is what a power cut meets.
const ERASE: u64 = 128;

/// What the world does to a flash, and sees of it, while a store has it.
#[derive(Default)]
pub(super) struct Supply {
    /// So many bytes can be written until the power fails; `None`: it lasts.
    lasts: Cell<Option<u64>>,
    /// It has failed.
    is_off: Cell<bool>,
    /// It takes nothing any more.
    is_dead: Cell<bool>,
    /// Pages that take nothing any more, a bit each, counted round.
    bad: Cell<u128>,
    /// The flash has not taken something for another reason than that the power was gone.
    pub(super) has_refused: Cell<bool>,
    /// A print of all that the flash was asked to write and to erase, in order.
    print: Cell<u64>,
}

impl Supply {
    /// The power fails after so many more bytes, or lasts.
    pub(super) fn lasts_for(&self, bytes: Option<u64>) {
        self.lasts.set(bytes);
    }

    /// It has not failed.
    pub(super) fn has_power(&self) -> bool {
        !self.is_off.get()
    }

    /// It is back.
    pub(super) fn comes_back(&self) {
        self.is_off.set(false);
        self.lasts.set(None);
    }

    pub(super) fn print(&self) -> u64 {
        self.print.get()
    }

    fn note(&self, at: usize, bytes: &[u8]) {
        self.print.set(mix(mix(self.print.get(), &at.to_le_bytes()), bytes));
    }

    /// From now on it does not work any more as it did.
    pub(super) fn spoils(&self, fault: FlashFault) {
        match fault {
            FlashFault::Dead => self.is_dead.set(true),
            FlashFault::Page(page) => self.bad.set(self.bad.get() | 1 << (page % 128)),
        }
    }

    /// Whether a page of so many takes nothing any more.
    fn is_bad(&self, page: usize, pages: usize) -> bool {
        let bad = self.bad.get();
        self.is_dead.get() || (0..128).filter(|bit| bad & 1 << bit != 0).any(|bit| bit % pages == page)
    }

    /// Takes what `bytes` need: how many of them there is power for.
    fn take(&self, bytes: u64) -> u64 {
        if self.is_off.get() {
            return 0;
        }
        let Some(left) = self.lasts.get() else { return bytes };
        self.lasts.set(Some(left.saturating_sub(bytes)));
        self.is_off.set(left < bytes);
        left.min(bytes)
    }
}

/// See the [module](self).
pub(super) struct Chip {
    bytes: Vec<u8>,
    /// How often each page was erased.
    erased: Vec<u32>,
    /// A page that was erased more often has bits that stay; 0: none ever has.
    endurance: u32,
    /// The program that came with the firmware, beside what the store has.
    linked_in: Vec<u8>,
    supply: Rc<Supply>,
    random: Prng,
}

impl Chip {
    /// A blank one; `linked_in` is the program that came with the firmware.
    pub(super) fn new(plan: &FlashPlan, linked_in: &[u8], supply: &Rc<Supply>, random: Prng) -> Self {
        let pages = 2 * SLOT_PAGES + usize::from(plan.pages).clamp(4, 64);
        Self {
            bytes: vec![u8::MAX; pages * PAGE],
            erased: vec![0; pages],
            endurance: plan.endurance,
            linked_in: linked_in.to_vec(),
            supply: Rc::clone(supply),
            random,
        }
    }

    pub(super) fn linked_in(&self) -> &[u8] {
        &self.linked_in
    }

    fn is_worn(&self, at: usize) -> bool {
        self.endurance != 0 && self.erased.get(at / PAGE).is_some_and(|times| *times > self.endurance)
    }

    fn is_bad(&self, at: usize) -> bool {
        self.supply.is_bad(at / PAGE, self.erased.len())
    }

    fn refuse(&self) -> NorFlashErrorKind {
        if !self.supply.is_off.get() {
            self.supply.has_refused.set(true);
        }
        NorFlashErrorKind::Other
    }

    /// An erase that is cut leaves all as it was, or nearly all, or sets some bits, or nearly all of them.
    fn half_erase(&mut self, page: usize) {
        let often = self.random.below(4);
        for byte in &mut self.bytes[page * PAGE..(page + 1) * PAGE] {
            let [a, b, c, ..] = self.random.bits().to_le_bytes();
            *byte |= [0, a & b & c, a, a | b | c][often as usize];
        }
    }
}

impl ErrorType for Chip {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Chip {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        check_read(self, offset, bytes.len())?;
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Chip {
    const WRITE_SIZE: usize = UNIT;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to)?;
        for page in from as usize / PAGE..to as usize / PAGE {
            self.supply.note(page, &[]);
            if self.is_bad(page * PAGE) {
                return Err(self.refuse());
            }
            match self.supply.take(ERASE) {
                ERASE => {}
                0 => return Err(self.refuse()),
                _ => {
                    self.erased[page] += 1;
                    self.half_erase(page);
                    return Err(self.refuse());
                }
            }
            self.erased[page] += 1;
            // A bit of each byte of a worn one cannot be set any more.
            let sets = if self.is_worn(page * PAGE) { 0x7F } else { u8::MAX };
            self.bytes[page * PAGE..(page + 1) * PAGE].iter_mut().for_each(|byte| *byte |= sets);
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len())?;
        let at = offset as usize;
        self.supply.note(at, bytes);
        if self.is_bad(at) {
            return Err(self.refuse());
        }
        let whole = self.supply.take(bytes.len() as u64) as usize;
        // A bit of each byte of a worn page cannot be cleared any more.
        let stays = u8::from(self.is_worn(at));
        for (place, byte) in self.bytes[at..].iter_mut().zip(&bytes[..whole]) {
            *place &= byte | stays;
        }
        if whole < bytes.len() {
            // Of the byte that was under way some bits are cleared.
            let kept = self.random.bits() as u8;
            self.bytes[at + whole] &= bytes[whole] | kept;
            return Err(self.refuse());
        }
        if stays != 0 {
            self.supply.has_refused.set(true);
        }
        Ok(())
    }
}

impl Flash for Chip {
    const CYCLES: u32 = 20_000;

    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chip(endurance: u32) -> (Chip, Rc<Supply>) {
        let supply = Rc::<Supply>::default();
        (Chip::new(&FlashPlan { pages: 4, endurance }, &[], &supply, Prng::new(1)), supply)
    }

    #[test]
    fn writing_clears_bits_and_erasing_sets_them() {
        let (mut chip, _) = chip(0);
        chip.write(8, &[0x0F; 4]).unwrap();
        chip.write(8, &[0xF1; 4]).unwrap();
        assert_eq!(chip.bytes()[4..12], [0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 1, 1]);
        chip.erase(0, PAGE as u32).unwrap();
        assert!(chip.bytes().iter().all(|byte| *byte == 0xFF));
    }

    #[test]
    fn where_the_power_fails_the_bytes_before_are_written_and_nothing_behind() {
        for lasts in 0..12 {
            let (mut chip, supply) = chip(0);
            supply.lasts_for(Some(lasts));
            assert!(chip.write(16, &[0; 12]).is_err() && !supply.has_power());
            let (before, behind) = chip.bytes()[16..28].split_at(lasts as usize);
            assert!(before.iter().all(|byte| *byte == 0) && behind[1..].iter().all(|byte| *byte == 0xFF));
            assert!(chip.write(32, &[0; 4]).is_err() && chip.erase(0, PAGE as u32).is_err(), "it is off");
            supply.comes_back();
            chip.write(32, &[0; 4]).unwrap();
            assert!(!supply.has_refused.get(), "that was the power and not the flash");
        }
    }

    #[test]
    fn a_page_that_is_bad_takes_nothing_and_a_dead_flash_nothing_anywhere() {
        let (mut chip, supply) = chip(0);
        chip.write(0, &[0; 4]).unwrap();
        let pages = chip.erased.len() as u8;
        supply.spoils(FlashFault::Page(pages));
        assert!(chip.write(8, &[0; 4]).is_err() && chip.erase(0, PAGE as u32).is_err());
        assert!(supply.has_refused.get());
        assert_eq!(chip.bytes()[..12], [0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
        chip.write(PAGE as u32, &[0; 4]).unwrap();
        supply.spoils(FlashFault::Dead);
        assert!(chip.write(2 * PAGE as u32, &[0; 4]).is_err());
    }

    #[test]
    fn a_page_that_was_erased_too_often_takes_no_more() {
        let (mut chip, supply) = chip(3);
        for _ in 0..4 {
            assert!(!supply.has_refused.get());
            chip.erase(0, PAGE as u32).unwrap();
            chip.write(0, &[0; 4]).unwrap();
        }
        assert!(supply.has_refused.get());
        assert_eq!(chip.bytes()[..4], [1; 4]);
        chip.write(PAGE as u32, &[0; 4]).unwrap();
        assert_eq!(chip.bytes()[PAGE..PAGE + 4], [0; 4], "the others are as they were");
    }
}
