//! Programs that come over the link: into flash where there is some, a piece at a time, else into memory.

use core::cell::RefCell;

use campanile_core::link::bundle::Bundle;
use campanile_core::link::{Staging, Verdict};

use crate::board::{Board, This};
use crate::storage::{self, Storage};

/// See the [module](self).
pub(super) struct Incoming<'a> {
    store: Option<&'a RefCell<Storage>>,
    memory: Staging<{ <This as Board>::STAGING }>,
}

impl<'a> Incoming<'a> {
    pub(super) const fn new(store: Option<&'a RefCell<Storage>>) -> Self {
        Self { store, memory: Staging::new() }
    }

    /// The longest bundle that there is room for.
    pub(super) fn max(&self) -> u16 {
        let max = self.store.map_or(<This as Board>::STAGING, |store| store.borrow().program_max());
        u16::try_from(max).unwrap_or(u16::MAX)
    }

    /// Takes a piece of a bundle; gives how much is there. The bundle that is to be `kept` runs.
    ///
    /// # Errors
    /// It cannot be taken.
    pub(super) fn take(
        &mut self,
        kept: u64,
        (hash, len): (u64, u16),
        offset: u16,
        piece: &[u8],
    ) -> Result<u16, Verdict> {
        let Some(store) = self.store else { return Ok(self.memory.take(hash, len, offset, piece)) };
        store.borrow_mut().take_piece(kept, (hash, len), offset, piece)
    }

    /// The bundle of this name, if all of it has come.
    pub(super) fn whole(&self, hash: u64) -> Option<&[u8]> {
        match self.store {
            Some(store) => storage::staged(&store.borrow(), hash),
            None => self.memory.whole(hash),
        }
    }

    /// From here on it is what the next start begins with, if there is flash for it.
    ///
    /// # Errors
    /// The flash does not take it.
    pub(super) fn commit(&self, hash: u64) -> Result<(), Verdict> {
        let Some(store) = self.store else { return Ok(()) };
        store.borrow_mut().commit(hash).map_err(|_| Verdict::Unstored)
    }

    /// The bundle that is to be installed: `hash` is its name, `image` its image's.
    pub(super) fn bundle(&self, hash: u64, image: u64) -> Option<Bundle<'_>> {
        match self.store {
            Some(store) => storage::bundle_of(Some(&store.borrow()), image),
            None => Bundle::open(self.memory.whole(hash)?),
        }
    }
}
