//! The log's ways out: into the store, if the board has one, and from there on over the serial line, so that nothing is
//! published that a power cut could take back.

use core::cell::RefCell;
use core::future::pending;

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
    /// The serial line did not take all that may be told.
    is_choked: bool,
}

impl<'a> Recorder<'a> {
    /// Of the start `own`: without a number there is nothing to keep the log under.
    pub(crate) fn new(store: Option<&'a RefCell<Storage>>, own: u64) -> Self {
        let stored = store.filter(|_| own != 0);
        Self { store, keeper: Keeper::new(stored), stream: Stream::new(), is_choked: false }
    }
}

impl runner::Recorder for Recorder<'_> {
    fn record(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        let kept = self.keeper.keep(log, from, WINDOW);
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
