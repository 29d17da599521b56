//! The log's ways out: into the store, if the board has one, and from there on over the serial line, so that nothing is
//! published that a power cut could take back.

use core::cell::RefCell;

use campanile_core::log::{Cursor, EventLog};
use campanile_core::restore::Restore;
use campanile_core::runner;
use embassy_futures::select::select;

use crate::keeper::{Keeper, WINDOW};
use crate::storage::{Storage, bundle_of};
use crate::stream::Stream;
use crate::{clock, wiring};

/// Takes the log.
pub(crate) struct Recorder<'a> {
    store: Option<&'a RefCell<Storage>>,
    keeper: Keeper<'a>,
    stream: Stream,
}

impl<'a> Recorder<'a> {
    /// Of the start `own`: without a number there is nothing to keep the log under.
    pub(crate) fn new(store: Option<&'a RefCell<Storage>>, own: u64) -> Self {
        let stored = store.filter(|_| own != 0);
        Self { store, keeper: Keeper::new(stored), stream: Stream::new() }
    }
}

impl runner::Recorder for Recorder<'_> {
    fn record(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        let kept = self.keeper.keep(log, from, WINDOW);
        self.stream.send(log, from, kept)
    }

    async fn room(&mut self) {
        select(clock::wait_until(self.keeper.due()), self.stream.room()).await;
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.keeper.wants_checkpoint()
    }

    fn checkpoint(&mut self, item: Restore) {
        self.keeper.checkpoint(&item);
    }

    fn checkpoint_done(&mut self) {
        self.keeper.checkpoint_done();
    }

    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        wiring::prepare(bundle_of(self.store.map(RefCell::borrow).as_deref(), hash)?)
    }
}
