//! The log's ways out: into the store, if the board has one, and from there on over the serial line, so that nothing is
//! published that a power cut could take back.

use core::cell::RefCell;
use core::future::pending;

use campanile_core::log::{Cursor, EventLog};
use campanile_core::restore::Restore;
use campanile_core::runner;
use campanile_flash::Keeper;
use embassy_futures::select::select;

use crate::storage::{Storage, bundle_of};
use crate::stream::Stream;
use crate::{clock, wiring};

/// Takes the log.
pub(crate) struct Recorder<'a> {
    store: Option<&'a RefCell<Storage>>,
    /// The store, unless this start has no number there to keep its log under: then nothing is kept, and nothing waits for it.
    kept_in: Option<&'a RefCell<Storage>>,
    keeper: Keeper,
    stream: Stream,
    /// The serial line did not take all that may be told.
    is_choked: bool,
}

impl<'a> Recorder<'a> {
    /// Of the start `own`; 0 without a number.
    pub(crate) fn new(store: Option<&'a RefCell<Storage>>, own: u64) -> Self {
        let kept_in = store.filter(|_| own != 0);
        Self { store, kept_in, keeper: Keeper::new(), stream: Stream::new(), is_choked: false }
    }
}

impl runner::Recorder for Recorder<'_> {
    fn record(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        let mut store = self.kept_in.map(RefCell::borrow_mut);
        let kept = self.keeper.keep(store.as_deref_mut(), log, from, (clock::now(), Keeper::WINDOW));
        let sent = self.stream.send(log, from, kept);
        self.is_choked = sent.pos < kept.pos;
        sent
    }

    async fn room(&mut self) {
        let Self { keeper, stream, is_choked, .. } = self;
        // A line that takes bytes is nothing to wait for while the store holds them back.
        let room = async { if *is_choked { stream.room().await } else { pending().await } };
        select(clock::wait_until(keeper.due()), room).await;
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.kept_in.is_some_and(|store| store.borrow().wants_checkpoint())
    }

    fn checkpoint(&mut self, item: Restore) {
        if let Some(store) = self.kept_in {
            let program = wiring::with(|wiring| wiring.program);
            self.keeper.checkpoint(&mut store.borrow_mut(), program, &item);
        }
    }

    fn checkpoint_done(&mut self) {
        if let Some(store) = self.kept_in {
            self.keeper.checkpoint_done(&mut store.borrow_mut());
        }
    }

    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        wiring::prepare(bundle_of(self.store.map(RefCell::borrow).as_deref(), hash)?)
    }
}
