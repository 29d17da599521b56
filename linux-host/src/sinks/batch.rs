//! `batch = { most = 50, within = "1s" }`: many messages in one, where it is messages that are paid for, or the way to the
//! receiver that takes the time.
//!
//! What was gathered is published as one JSON array, each message as its documented object with its topic, in order. It
//! is done when the receiver has the array, and then all of them are: so the cursor never stands inside a batch that may
//! be lost, and one that goes twice, perhaps cut in another way, is known by the identities in it. Of a state, the last
//! one of a batch is kept under its own topic too, for whoever comes later; it goes before the array, which so says for both.

mod gathering;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::aws_iot::price::Use;
use super::endpoint::Endpoint;
use super::message::Message;
use super::quota::Memory;
use super::{Failure, Outcome, Sink};
pub(super) use gathering::{Gathered, Gathering};

/// The most that one batch can be allowed to hold.
pub const MOST: usize = 1000;
/// Messages of all batches under way: they are all the memory that this takes.
const WINDOW: usize = 4096;

/// How messages are gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Where batches go.
    pub topic: String,
    /// So many at the most, 2 to [`MOST`].
    pub most: usize,
    /// None waits longer for others.
    pub within: Duration,
}

/// A sink that can carry batches.
pub trait Carrier: Sink {
    /// The largest payload that the receiver takes under a topic, in bytes.
    fn largest(&self, topic: &str) -> usize;

    /// Whether this message goes by itself, behind what was gathered before it.
    fn goes_alone(&self, message: &Message) -> bool;

    /// Whether the receiver keeps the last state of each topic.
    fn keeps_topics(&self) -> bool;
}

/// A sink whose messages go in batches, or each by itself if there are no terms.
#[derive(Debug)]
pub struct Batching<K> {
    sink: K,
    terms: Option<Arc<Terms>>,
    gathering: Gathering,
    /// When what was gathered has waited long enough.
    due: Option<Instant>,
    /// Ready to go, until the sink has room.
    waiting: VecDeque<(Part, Message)>,
    /// With the sink, oldest first.
    under_way: VecDeque<Part>,
    /// What the sink takes at once.
    window: usize,
    /// Of a batch that the receiver will never take, so many are not told of yet.
    refused: Option<(usize, String)>,
    /// The receiver keeps no states under their topics: said once a connection.
    keeps_nothing: bool,
}

/// What one message of the sink's stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A message.
    One,
    /// So many messages.
    Array(usize),
    /// The last state of a batch, which has it too.
    State,
}

impl Part {
    const fn messages(self) -> usize {
        match self {
            Self::One => 1,
            Self::Array(messages) => messages,
            Self::State => 0,
        }
    }
}

impl<K: Carrier> Batching<K> {
    /// Does nothing yet.
    pub fn new(sink: K, terms: Option<Terms>) -> Self {
        Self {
            sink,
            terms: terms.map(Arc::new),
            gathering: Gathering::default(),
            due: None,
            waiting: VecDeque::new(),
            under_way: VecDeque::new(),
            window: 1,
            refused: None,
            keeps_nothing: false,
        }
    }

    fn forget(&mut self) {
        self.gathering = Gathering::default();
        self.due = None;
        self.waiting.clear();
        self.under_way.clear();
        self.refused = None;
        self.keeps_nothing = false;
    }

    /// By itself, behind what was gathered.
    fn alone(&mut self, message: Message) {
        self.close();
        self.waiting.push_back((Part::One, message));
    }

    fn gather(&mut self, message: &Message, terms: &Terms) {
        let largest = self.sink.largest(&terms.topic);
        if !self.gathering.has_room(message, terms, largest) {
            self.close();
        }
        self.gathering.add(message, self.sink.keeps_topics());
        if self.gathering.is_full(terms) {
            self.close();
        } else {
            self.due.get_or_insert_with(|| Instant::now() + terms.within);
        }
    }

    /// What was gathered is a batch.
    fn close(&mut self) {
        self.due = None;
        let Some(terms) = &self.terms else { return };
        let Some(Gathered { states, array, messages }) = self.gathering.take(&terms.topic) else { return };
        self.waiting.extend(states.into_iter().map(|state| (Part::State, state)));
        self.waiting.push_back((Part::Array(messages), array));
    }

    /// Gives the sink what it has room for.
    fn release(&mut self) -> Result<(), Failure> {
        while self.under_way.len() < self.window
            && let Some((part, message)) = self.waiting.pop_front()
        {
            self.under_way.push_back(part);
            self.sink.send(message)?;
        }
        Ok(())
    }

    /// What the sink's outcome means for the messages; nothing if it only concerns what nobody waits for.
    fn understand(&mut self, outcome: Outcome) -> Option<Outcome> {
        match outcome {
            Outcome::Done(parts) => {
                let done = self.under_way.drain(..parts.min(self.under_way.len()));
                let messages = done.map(Part::messages).sum();
                (messages > 0).then_some(Outcome::Done(messages))
            }
            Outcome::Refused(why) => match self.under_way.pop_front()? {
                Part::One => Some(Outcome::Refused(why)),
                Part::Array(messages) => {
                    self.refused = Some((messages, why));
                    None
                }
                Part::State => {
                    if !std::mem::replace(&mut self.keeps_nothing, true) {
                        tracing::warn!("the receiver keeps no state of a batch under its own topic: {why}");
                    }
                    None
                }
            },
            Outcome::Came(arrival) => Some(Outcome::Came(arrival)),
        }
    }
}

impl<K: Carrier> Sink for Batching<K> {
    async fn open(&mut self) -> Result<usize, Failure> {
        self.forget();
        self.window = self.sink.open().await?.max(1);
        Ok(match &self.terms {
            Some(terms) => self.window.saturating_mul(terms.most).min(WINDOW),
            None => self.window,
        })
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        match self.terms.clone() {
            Some(terms) if !self.sink.goes_alone(&message) => self.gather(&message, &terms),
            _ => self.alone(message),
        }
        self.release()
    }

    fn send_again(&mut self, message: Message) -> Result<(), Failure> {
        self.alone(message);
        self.release()
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.close();
        self.release()
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        loop {
            if let Some((messages, why)) = self.refused.take() {
                if messages > 1 {
                    self.refused = Some((messages - 1, why.clone()));
                }
                return Ok(Outcome::Refused(why));
            }
            self.release()?;
            let due = self.due;
            tokio::select! {
                biased;
                outcome = self.sink.outcome() => {
                    if let Some(outcome) = self.understand(outcome?) {
                        return Ok(outcome);
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.close(),
            }
        }
    }

    fn keeps_states(&self) -> bool {
        self.sink.keeps_states()
    }

    fn remember(&mut self, memory: Arc<dyn Memory>) {
        self.sink.remember(memory);
    }

    fn worked(&self) -> bool {
        self.sink.worked()
    }

    fn used(&self) -> Option<Use> {
        self.sink.used()
    }

    async fn endpoint(&mut self) -> Result<Option<Endpoint>, Failure> {
        self.sink.endpoint().await
    }

    async fn listen(&mut self) -> Result<Option<String>, Failure> {
        self.sink.listen().await
    }

    fn remark(&self) -> Option<String> {
        self.sink.remark()
    }

    fn stand_aside(&mut self) {
        self.sink.stand_aside();
    }

    async fn close(&mut self) {
        self.sink.close().await;
    }
}
