//! Before the first connection: until the journal tells what there is to tell.

use std::time::Duration;

use campanile_delivery::Storage;

use super::Driver;
use crate::sinks::Sink;
use crate::sinks::context::Opening;
use crate::sinks::source::{self, Around};

/// At the start the clock is read within a moment; without it the first states would have no time.
pub(super) const CLOCK_PATIENCE: Duration = Duration::from_secs(1);
/// For the journal to have the first records of the start: the machine and its disk may be slow just then.
const START_PATIENCE: Duration = Duration::from_secs(60);

impl<K: Sink, S: Storage, A: Around> Driver<K, S, A> {
    /// Until the journal says which program the start began with, as its first records have no names before, and what
    /// time it was.
    pub(super) async fn wait_for_start(&mut self) {
        let mut stop = self.source.stop.clone();
        tokio::select! {
            biased;
            () = source::stopped(&mut stop) => {}
            _ = tokio::time::timeout(START_PATIENCE, self.opening(|opening| opening.program.is_some())) => {
                let _ = tokio::time::timeout(CLOCK_PATIENCE, self.opening(|opening| opening.wall.is_some())).await;
            }
        }
    }

    async fn opening(&mut self, holds: impl Fn(&Opening) -> bool) {
        loop {
            self.source.published.borrow_and_update();
            let opening = Opening::find(&self.source.index, self.source.boot);
            if holds(&opening) || self.source.published.changed().await.is_err() {
                return;
            }
        }
    }
}
