//! What a sink sends of a journal: the same messages as the sink's own, counted instead of sent.

use std::sync::Arc;

use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Index, Item, Storage};
use tokio::time::Instant;

use super::aws_iot::price::Use;
use super::kinds::Spec;
use super::render::{Made, Render};
use super::states::States;
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
    /// So far.
    pub count: Count,
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
                let bytes = message.topic.len() + message.payload.len();
                let used = self.metering.map(|metering| metering.of(message.kind.is_state(), bytes));
                self.count.messages += 1;
                self.count.bytes += bytes as u64;
                self.count.used += used.unwrap_or_default();
            }
        }
    }

    /// What is told again after a time, a state or a sign of life.
    pub fn again(sink: &file::Sink, is_state: bool) -> Count {
        // As long as most of them are.
        const BYTES: usize = 200;
        let used = Metering::of_sink(sink).map(|metering| metering.of(is_state, BYTES)).unwrap_or_default();
        Count { messages: 1, bytes: BYTES as u64, used }
    }
}
