//! Takes the log and the checkpoints into the store, where the board has one.

use core::cell::RefCell;

use campanile_core::log::{Cursor, EventLog};
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};

use crate::storage::Storage;
use crate::{clock, wiring};

/// Records wait so long for company.
pub(crate) const WINDOW: Duration = campanile_flash::Keeper::WINDOW;

/// See the [module](self).
pub(crate) struct Keeper<'a> {
    /// `None`: nothing is kept, and nothing waits for it.
    store: Option<&'a RefCell<Storage>>,
    keeper: campanile_flash::Keeper,
}

impl<'a> Keeper<'a> {
    pub(crate) const fn new(store: Option<&'a RefCell<Storage>>) -> Self {
        Self { store, keeper: campanile_flash::Keeper::new() }
    }

    /// Keeps what is new if it has company or has waited for this window; the first record is behind `from`. Gives the place
    /// from which on nobody may be told yet.
    pub(crate) fn keep(&mut self, log: &EventLog<'_>, from: Cursor, window: Duration) -> Cursor {
        let mut store = self.store.map(RefCell::borrow_mut);
        self.keeper.keep(store.as_deref_mut(), log, from, (clock::now(), window))
    }

    /// When something has waited for company long enough.
    pub(crate) fn due(&self) -> Instant {
        self.keeper.due()
    }

    pub(crate) fn wants_checkpoint(&self) -> bool {
        self.store.is_some_and(|store| store.borrow().wants_checkpoint())
    }

    /// Takes an item of a checkpoint, which begins with the first one.
    pub(crate) fn checkpoint(&mut self, item: &Restore) {
        let Some(store) = self.store else { return };
        self.keeper.checkpoint(&mut store.borrow_mut(), wiring::with(|wiring| wiring.program), item);
    }

    /// That was the last item.
    pub(crate) fn checkpoint_done(&mut self) {
        if let Some(store) = self.store {
            self.keeper.checkpoint_done(&mut store.borrow_mut());
        }
    }
}
