//! Messages that wait for others to go with.

use super::Terms;
use crate::sinks::message::{Kind, Message};

/// The most bytes that one batch has, whatever the receiver would take.
const BYTES: usize = 128 * 1024;
/// What an element takes beside topic and payload: `"topic":`, its quotes, two commas, and a letter to be escaped or two.
const FRAME: usize = 16;

/// What was gathered so far.
#[derive(Debug, Default)]
pub(in crate::sinks) struct Gathering {
    /// Objects and the commas between them.
    elements: String,
    messages: usize,
    /// The last of each topic.
    states: Vec<Message>,
}

/// One batch.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sinks) struct Gathered {
    /// The last state of each topic in it.
    pub(in crate::sinks) states: Vec<Message>,
    /// All of it.
    pub(in crate::sinks) array: Message,
    /// How many messages that are.
    pub(in crate::sinks) messages: usize,
}

impl Gathering {
    /// Whether one more goes with these. The first one always does: if it is too large alone, that is found out where
    /// such messages are.
    pub(in crate::sinks) fn has_room(&self, message: &Message, terms: &Terms, largest: usize) -> bool {
        let bytes = self.elements.len() + message.topic.len() + message.payload.len() + FRAME;
        self.messages == 0 || (self.messages < terms.most && bytes <= largest.min(BYTES))
    }

    /// Whether there is nothing yet.
    pub(in crate::sinks) const fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Whether none more does.
    pub(in crate::sinks) fn is_full(&self, terms: &Terms) -> bool {
        self.messages >= terms.most
    }

    /// Adds a message; its state is kept under its topic too, if that is wanted.
    pub(in crate::sinks) fn add(&mut self, message: &Message, keeps_topics: bool) {
        if self.messages > 0 {
            self.elements.push(',');
        }
        message.put_object(&mut self.elements);
        self.messages += 1;
        if keeps_topics && message.retain {
            self.states.retain(|state| state.topic != message.topic);
            self.states.push(message.clone());
        }
    }

    /// What was gathered, for this topic; nothing is left of it here.
    pub(in crate::sinks) fn take(&mut self, topic: &str) -> Option<Gathered> {
        let Self { elements, messages, states } = std::mem::take(self);
        let array = Message {
            topic: topic.to_owned(),
            payload: format!("[{elements}]"),
            retain: false,
            kind: Kind::Message,
            every: None,
        };
        (messages > 0).then_some(Gathered { states, array, messages })
    }
}
