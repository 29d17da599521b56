//! The flash itself: pages that are erased whole, and bits that are only ever cleared.

use embedded_storage::nor_flash::NorFlash;

/// NOR flash that is read as memory, as a microcontroller's own is.
pub trait Flash: NorFlash {
    /// How often a page may be erased, as the data sheet has it.
    const CYCLES: u32;

    /// All of it.
    fn bytes(&self) -> &[u8];
}

impl<F: Flash> Flash for &mut F {
    const CYCLES: u32 = F::CYCLES;

    fn bytes(&self) -> &[u8] {
        (**self).bytes()
    }
}

/// The flash did not take what was to be written or erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// The largest unit that flash is written in here.
pub(crate) const UNIT_MAX: usize = 16;

/// The unit that everything is aligned to.
pub(crate) const fn unit<F: NorFlash>() -> usize {
    const {
        assert!(F::WRITE_SIZE.is_power_of_two() && F::WRITE_SIZE <= UNIT_MAX, "a unit that nobody has");
        assert!(F::ERASE_SIZE >= 512 && F::ERASE_SIZE.is_multiple_of(UNIT_MAX), "a page that is too small");
        if F::WRITE_SIZE < 4 { 4 } else { F::WRITE_SIZE }
    }
}

/// How many bytes there are from `from` on, at most.
pub(crate) fn slice<F: Flash>(flash: &F, from: usize, len: usize) -> &[u8] {
    flash.bytes().get(from..from.saturating_add(len)).unwrap_or_default()
}

/// Writes units that are blank, and reads them back: only that tells whether the flash took them.
pub(crate) fn write<F: Flash>(flash: &mut F, at: usize, bytes: &[u8]) -> Result<(), Refused> {
    let place = u32::try_from(at).map_err(|_| Refused)?;
    let _ = flash.write(place, bytes);
    if slice(flash, at, bytes.len()) == bytes { Ok(()) } else { Err(Refused) }
}

/// Erases a page.
pub(crate) fn erase<F: Flash>(flash: &mut F, at: usize) -> Result<(), Refused> {
    let (from, to) = (u32::try_from(at), u32::try_from(at.saturating_add(F::ERASE_SIZE)));
    let (Ok(from), Ok(to)) = (from, to) else { return Err(Refused) };
    flash.erase(from, to).map_err(|_| Refused)
}

pub(crate) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == u8::MAX)
}
