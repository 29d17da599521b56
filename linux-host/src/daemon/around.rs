//! What the sinks see of the daemon: the journal for their words, the loop for their comings and goings.

use std::sync::Arc;

use campanile_core::input::Origin;
use campanile_core::runner::Message;
use campanile_delivery::{HostRecord, SinkName};
use tokio::sync::{mpsc, oneshot};

use super::house::House;
use super::inlet::{Inlet, Parcel};
use super::intake::Intake;
use crate::control::access::Caller;
use crate::control::protocol::Request;
use crate::control::service::{Service, StatusSource};
use crate::sinks::arrival::Wish;
use crate::sinks::figures::Board;
use crate::sinks::source::Around;

/// See the [module](self).
pub struct Surroundings {
    /// The way to the journal.
    pub inlet: Arc<Inlet>,
    /// What is known of the house.
    pub house: Arc<House>,
    /// The way to the loop.
    pub intake: Intake,
    /// The way to [`Links`](super::links::Links). Unbounded, as a sink that comes and goes does it at the pace of its retries.
    pub links: mpsc::UnboundedSender<(SinkName, bool)>,
    /// The way to [`carry_out`].
    pub arrivals: mpsc::Sender<Arrived>,
}

impl Around for Surroundings {
    async fn record(&self, word: HostRecord) {
        let (sender, receiver) = oneshot::channel();
        self.inlet.put(Parcel::Host(word, sender));
        // An error means that the journal is closed: nothing more will be written.
        let _ = receiver.await;
    }

    fn lost(&self) -> u64 {
        self.house.mirror().lost()
    }

    fn link(&self, sink: &SinkName, up: bool) {
        // Without its reader the daemon is stopping.
        let _ = self.links.send((sink.clone(), up));
    }

    fn arrive(&self, sink: &SinkName, from: &str, wish: Wish, board: &Board) -> bool {
        let (sink, from, board) = (sink.clone(), from.to_owned(), board.clone());
        self.arrivals.try_send(Arrived { sink, from, wish, board }).is_ok()
    }

    /// Without waiting: a sink goes on while the loop has no room.
    fn checkpoint(&self) {
        if !self.intake.try_send(Message::Checkpoint) {
            let intake = self.intake.clone();
            tokio::spawn(async move { intake.send(Message::Checkpoint).await });
        }
    }
}

/// Something to do that came in over a sink.
pub struct Arrived {
    sink: SinkName,
    from: String,
    wish: Wish,
    board: Board,
}

/// What waits to be carried out; beyond it what comes in is turned away.
pub const ARRIVALS: usize = 64;

/// Carries out what comes in, one after the other, and tells the sink's board what became of it.
pub async fn carry_out<T: StatusSource + 'static>(
    service: Service<T>,
    mut arrivals: mpsc::Receiver<Arrived>,
) {
    let sender = Caller::remote(Origin::Message, false, true);
    while let Some(Arrived { sink, from, wish, board }) = arrivals.recv().await {
        let request = Request { id: wish.id, operation: wish.operation };
        let response = service.call_since(sender, request, wish.began).await;
        match response.error {
            None => board.take(),
            Some(why) => {
                tracing::warn!("{sink}: {from}: {why}");
                board.turn_away(format!("{from}: {why}"));
            }
        }
    }
}
