//! What the sinks see of the daemon: the journal for their words, the loop for their comings and goings.

use std::sync::Arc;

use campanile_core::input::Input;
use campanile_core::runner::Message;
use campanile_delivery::{HostRecord, SinkName};
use tokio::sync::oneshot;

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
    /// Has the names.
    pub house: Arc<House>,
}

impl Around for Surroundings {
    async fn record(&self, word: HostRecord) {
        let (sender, receiver) = oneshot::channel();
        self.inlet.put(Parcel::Host(word, sender));
        // An error means that the journal is closed: nothing more will be written.
        let _ = receiver.await;
    }

    fn link(&self, sink: &SinkName, up: bool) {
        let peer = self.house.mirror().symbols().find_peer(sink.as_str());
        let Some(peer) = peer else { return };
        self.tell_loop(Message::Input(Input::Link { peer, up }));
    }

    fn checkpoint(&self) {
        self.tell_loop(Message::Checkpoint);
    }
}

impl Surroundings {
    /// Without waiting: a sink goes on while the loop has no room.
    fn tell_loop(&self, message: Message) {
        if !self.intake.try_send(message) {
            let intake = self.intake.clone();
            tokio::spawn(async move { intake.send(message).await });
        }
    }
}
