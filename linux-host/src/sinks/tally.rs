//! What a sink sends of a journal: the same messages as the sink's own, counted instead of sent.

use std::sync::Arc;
use std::time::Duration;

use campanile_core::time::Instant as Moment;
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Boot, Index, Item, Storage};
use tokio::time::Instant;

use super::aws_iot::price::Use;
use super::batch::{Gathered, Gathering, Terms};
use super::kinds::Spec;
use super::message::Message;
use super::render::{Made, Render};
use super::states::States;
use super::topics::Topics;
use crate::config::file;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Messages.
    pub messages: u64,
    /// Bytes of their topics and payloads.
    pub bytes: u64,
    /// What they use of a service that is paid for.
    pub used: Use,
}

/// Counts for one sink.
pub struct Tally<S: Storage> {
    render: Render<S>,
    states: States,
    metering: Option<Metering>,
    batches: Option<Batches>,
    /// So far.
    count: Count,
}

/// Messages that go out together.
#[derive(Debug)]
struct Batches {
    terms: Terms,
    /// The last state of each topic goes out too.
    keeps_topics: bool,
    gathering: Gathering,
    /// When the first of them was written, in which start.
    since: (Boot, Moment),
}

impl Batches {
    fn of_sink(sink: &file::Sink, node: &str) -> Option<Self> {
        let (table, topic, keeps_topics) = match sink {
            file::Sink::Mqtt(mqtt) => (&mqtt.batch, Topics::from(&mqtt.topics).batch(node), true),
            // With a rule's name before it, which is not metered.
            file::Sink::AwsIot(aws) => (&aws.batch, aws.topics.batch.value.0.replace("{node}", node), false),
            _ => return None,
        };
        let terms = table.as_ref()?.value.terms(topic);
        let since = (Boot::default(), Moment::ZERO);
        Some(Self { terms, keeps_topics, gathering: Gathering::default(), since })
    }

    /// What goes out before a message of this time, if anything has to.
    fn close_before(&mut self, at: (Boot, Moment)) -> Option<Gathered> {
        let within = Duration::from_micros(at.1.since(self.since.1).micros()) < self.terms.within;
        if at.0 == self.since.0 && within { None } else { self.close() }
    }

    fn close(&mut self) -> Option<Gathered> {
        self.gathering.take(&self.terms.topic)
    }

    /// Gathers a message; what goes out before it, as there is no room for both.
    fn gather(&mut self, message: &Message, at: (Boot, Moment)) -> Option<Gathered> {
        let has_room = self.gathering.has_room(message, &self.terms, usize::MAX);
        let gathered = if has_room { None } else { self.close() };
        if self.gathering.is_empty() {
            self.since = at;
        }
        self.gathering.add(message, self.keeps_topics);
        gathered
    }
}

/// How messages are metered.
#[derive(Clone, Copy, Debug)]
struct Metering {
    shadow: bool,
    rule: bool,
}

impl Metering {
    fn of_sink(sink: &file::Sink) -> Option<Self> {
        match sink {
            file::Sink::AwsIot(aws) => Some(Self { shadow: aws.shadow, rule: aws.rule.is_some() }),
            _ => None,
        }
    }

    fn of(self, is_state: bool, bytes: usize) -> Use {
        match self {
            Self { shadow: true, .. } if is_state => Use::change(bytes),
            Self { rule: true, .. } => Use::rule(bytes),
            Self { .. } => Use::message(bytes),
        }
    }
}

impl<S: Storage> Tally<S> {
    /// Nothing yet, for a sink of a file.
    pub fn new(index: &Arc<Index<S>>, node: &str, name: &str, sink: &file::Sink, symbols: &Symbols) -> Self {
        let form = Spec::new(node, name, sink, symbols).form(node);
        Self {
            render: Render::new(Arc::clone(index), node, form),
            states: States::default(),
            metering: Metering::of_sink(sink),
            batches: Batches::of_sink(sink, node),
            count: Count::default(),
        }
    }

    /// The next item; it counts if it is in the time that is looked at.
    pub fn see(&mut self, item: &Item<'_>, counts: bool) {
        let made = match self.render.made(item) {
            Made::States(all) => self.states.untold(all, item.at),
            other => other,
        };
        let messages = match made {
            Made::Nothing => return,
            Made::Message(message) => vec![message],
            Made::States(states) => states,
        };
        for message in messages {
            self.states.note(&message, item.at, Instant::now());
            if counts {
                self.send(message, (item.at.boot, item.time));
            }
        }
    }

    fn send(&mut self, message: Message, at: (Boot, Moment)) {
        let has_shadow = self.metering.is_some_and(|metering| metering.shadow);
        match &mut self.batches {
            Some(batches) if has_shadow && message.kind.is_state() => {
                let before = batches.close();
                self.add_batch(before);
                self.add(&message);
            }
            Some(batches) => {
                let before = batches.close_before(at);
                let full = batches.gather(&message, at);
                self.add_batch(before);
                self.add_batch(full);
            }
            None => self.add(&message),
        }
    }

    fn add_batch(&mut self, batch: Option<Gathered>) {
        let Some(Gathered { states, array, .. }) = batch else { return };
        states.iter().for_each(|state| self.add(state));
        self.add(&array);
    }

    fn add(&mut self, message: &Message) {
        let bytes = message.topic.len() + message.payload.len();
        let used = self.metering.map(|metering| metering.of(message.kind.is_state(), bytes));
        self.count.messages += 1;
        self.count.bytes += bytes as u64;
        self.count.used += used.unwrap_or_default();
    }

    /// What was counted, once everything was seen.
    pub fn end(mut self) -> Count {
        let last = self.batches.as_mut().and_then(Batches::close);
        self.add_batch(last);
        self.count
    }

    /// What is told again after a time, a state or a sign of life.
    pub fn again(sink: &file::Sink, is_state: bool) -> Count {
        // As long as most of them are.
        const BYTES: usize = 200;
        let used = Metering::of_sink(sink).map(|metering| metering.of(is_state, BYTES)).unwrap_or_default();
        Count { messages: 1, bytes: BYTES as u64, used }
    }
}
