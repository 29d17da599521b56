//! What the sinks see of the daemon: the journal for their words, the loop for their comings and goings.

use std::sync::Arc;

use campanile_core::input::Input;
use campanile_core::runner::Message;
use campanile_delivery::{HostRecord, SinkName};
use tokio::sync::{mpsc, oneshot};

use super::house::House;
use super::inlet::{Inlet, Parcel};
use super::intake::Intake;
use crate::sinks::source::Around;

/// See the [module](self).
pub struct Surroundings {
    /// The way to the journal.
    pub inlet: Arc<Inlet>,
    /// The way to the loop.
    pub intake: Intake,
    /// The way to [`tell_links`]. Unbounded, as a sink that comes and goes does it at the pace of its retries.
    pub links: mpsc::UnboundedSender<(SinkName, bool)>,
}

impl Around for Surroundings {
    async fn record(&self, word: HostRecord) {
        let (sender, receiver) = oneshot::channel();
        self.inlet.put(Parcel::Host(word, sender));
        // An error means that the journal is closed: nothing more will be written.
        let _ = receiver.await;
    }

    fn link(&self, sink: &SinkName, up: bool) {
        // Without its reader the daemon is stopping.
        let _ = self.links.send((sink.clone(), up));
    }

    /// Without waiting: a sink goes on while the loop has no room.
    fn checkpoint(&self) {
        if !self.intake.try_send(Message::Checkpoint) {
            let intake = self.intake.clone();
            tokio::spawn(async move { intake.send(Message::Checkpoint).await });
        }
    }
}

/// Tells the loop which sinks come and go, in the order in which they do.
pub async fn tell_links(
    house: Arc<House>,
    intake: Intake,
    mut links: mpsc::UnboundedReceiver<(SinkName, bool)>,
) {
    while let Some((sink, up)) = links.recv().await {
        let names = house.names().await;
        if let Some(peer) = names.symbols.find_peer(sink.as_str()) {
            intake.send(Message::Input(Input::Link { peer, up })).await;
        }
    }
}
