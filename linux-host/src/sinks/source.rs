//! What a sink is given: the journal, and the daemon around it.

use std::future::Future;
use std::sync::Arc;

use campanile_delivery::{Boot, HostRecord, Index, Position, SinkName, Storage};
use tokio::sync::watch;

use super::arrival::Wish;
use super::figures::Board;

/// The daemon around the sinks.
pub trait Around: Send + Sync + 'static {
    /// Puts a word of the host's into the journal; resolves when the journal has it.
    fn record(&self, word: HostRecord) -> impl Future<Output = ()> + Send;

    /// Has the journal take a checkpoint of the state as it is now.
    fn checkpoint(&self);

    /// Something to do came in over a sink; the board is told what became of it. False if there is no room for it now.
    fn arrive(&self, sink: &SinkName, from: &str, wish: Wish, board: &Board) -> bool;

    /// What the node has lost in front of its journal so far: edges and moments.
    fn lost(&self) -> u64;

    /// A sink came or went: scenarios may wait for that.
    fn link(&self, sink: &SinkName, up: bool);
}

/// What a sink takes its messages from.
pub struct Source<S: Storage, A: Around> {
    /// The journal's storage, where cursors are too.
    pub storage: Arc<S>,
    /// The journal.
    pub index: Arc<Index<S>>,
    /// Changes whenever there is more to read.
    pub published: watch::Receiver<()>,
    /// This start of the node.
    pub boot: Boot,
    /// Where a sink begins that has no place of its own yet.
    pub begin: Position,
    /// The daemon.
    pub around: Arc<A>,
    /// Becomes true at the end.
    pub stop: watch::Receiver<bool>,
}

impl<S: Storage, A: Around> Clone for Source<S, A> {
    fn clone(&self) -> Self {
        Self {
            storage: Arc::clone(&self.storage),
            index: Arc::clone(&self.index),
            published: self.published.clone(),
            boot: self.boot,
            begin: self.begin,
            around: Arc::clone(&self.around),
            stop: self.stop.clone(),
        }
    }
}

/// Whoever could say stop may be gone: that is one.
pub(super) fn is_stopped(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

/// Resolves when it is time to stop.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error is the same, see above.
    let _ = stop.wait_for(|stop| *stop).await;
}
