//! Words about dead letters and losses on their way into the journal, and the cursor that waits for them.

use std::sync::Arc;

use campanile_delivery::{HostRecord, Storage, Ticket};

use super::{Driver, Letters};
use crate::sinks::Sink;
use crate::sinks::source::Around;

impl<K: Sink, S: Storage, A: Around> Driver<K, S, A> {
    /// Has the cursor kept, but not past a loss on which the journal has no word yet.
    pub(super) fn keep(&mut self) {
        if self.letters.iter().all(|(ticket, _)| ticket.is_some()) {
            self.keeper.set(self.feed.outbox.cursor());
        }
    }

    /// Has the journal take a word.
    pub(super) fn say(&mut self, ticket: Option<Ticket>, word: HostRecord) {
        let around = Arc::clone(&self.source.around);
        self.letters.push_back((ticket, Box::pin(async move { around.record(word).await })));
    }

    /// The journal has the word on a message that was refused.
    pub(super) fn recorded(&mut self, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            self.feed.outbox.recorded(ticket);
        }
    }
}

/// The first letter that the journal has; waits for ever if there is none under way.
pub(super) async fn first(letters: &mut Letters) -> Option<Ticket> {
    match letters.front_mut() {
        Some((ticket, letter)) => {
            letter.as_mut().await;
            let ticket = *ticket;
            letters.pop_front();
            ticket
        }
        None => std::future::pending().await,
    }
}
