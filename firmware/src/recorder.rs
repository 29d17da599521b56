//! The log's ways out: into the store, if the board has one, and from there on over the serial line, so that nothing is
//! published that a power cut could take back.

use campanile_core::link::bundle::Bundle;
use campanile_core::log::{Cursor, EventLog};
use campanile_core::restore::Restore;
use campanile_core::runner;
use embassy_futures::select::select;
use embassy_time::Timer;

use crate::storage::{Keeper, WINDOW, bundle_of};
use crate::stream::Stream;
use crate::wiring::{self, Wiring};

/// Takes the log.
pub(crate) struct Recorder<'a> {
    keeper: Option<Keeper<'a>>,
    /// Up to here the store has it; `None` before the first record.
    kept: Option<Cursor>,
    stream: Stream,
}

impl<'a> Recorder<'a> {
    pub(crate) const fn new(keeper: Option<Keeper<'a>>) -> Self {
        Self { keeper, kept: None, stream: Stream::new() }
    }

    fn bundle(&self, hash: u64) -> Option<Bundle<'static>> {
        self.keeper.as_ref().map_or_else(|| bundle_of(None, hash), |keeper| keeper.bundle_of(hash))
    }
}

impl runner::Recorder for Recorder<'_> {
    fn record(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        let kept = match &mut self.keeper {
            Some(keeper) => keeper.keep(log, self.kept.unwrap_or(from), WINDOW),
            None => log.head(),
        };
        self.kept = Some(kept);
        self.stream.send(log, from, kept)
    }

    async fn room(&mut self) {
        let due = self.keeper.as_ref().map_or(u64::MAX, |keeper| keeper.due().micros());
        let kept = async {
            match due {
                u64::MAX => core::future::pending().await,
                due => Timer::at(embassy_time::Instant::from_micros(due)).await,
            }
        };
        select(kept, self.stream.room()).await;
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.keeper.as_ref().is_some_and(Keeper::wants_checkpoint)
    }

    fn checkpoint(&mut self, item: Restore) {
        if let Some(keeper) = &mut self.keeper {
            keeper.checkpoint(&item);
        }
    }

    fn checkpoint_done(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            keeper.checkpoint_done();
        }
    }

    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        let bundle = self.bundle(hash)?;
        wiring::prepare(Wiring::of(&bundle).ok()?);
        Some(bundle.image)
    }
}
