//! From an item of the journal to a message: JSON for receivers, the trace for people.

use std::sync::Arc;

use campanile_core::record::Record;
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Body, Index, Item, Storage};
use campanile_sim::trace::{Trace, seconds};
use jiff::tz::TimeZone;

use super::context::{self, Context, Contexts, Opening};
use super::message::{Gauged, Kind, Message, Pulse, Renderer, Stamp};
use super::names::Names;
use crate::words::time_of_day;

/// What a sink's messages look like.
#[derive(Debug)]
pub enum Form {
    /// The documented objects.
    Json(Renderer),
    /// Lines for people.
    Trace(Box<Lines>),
}

impl Form {
    /// The message for a record that no journal has, whatever the sink's filter says.
    pub(super) fn trial(&mut self, stamp: Stamp, record: &Record, symbols: &Symbols) -> Option<Message> {
        match self {
            Self::Json(renderer) => renderer.unfiltered().record(stamp, record, symbols),
            Self::Trace(lines) => {
                lines.only = None;
                lines.message(stamp, &Body::Host(None), Some(record), symbols)
            }
        }
    }
}

/// Lines for people, as `campanile log` prints them.
#[derive(Debug)]
pub struct Lines {
    trace: Trace,
    /// Only says which of them are shown: they have to be made from every record.
    only: Option<Renderer>,
    zone: TimeZone,
}

/// Makes the messages of one sink, and knows the names and the wall clock at the place it has come to.
pub struct Render<S: Storage> {
    index: Arc<Index<S>>,
    form: Form,
    contexts: Contexts,
    names: Names,
}

impl<S: Storage> Render<S> {
    /// For a journal of a node.
    pub fn new(index: Arc<Index<S>>, node: &str, form: Form) -> Self {
        Self { index, form, contexts: Contexts::default(), names: Names::new(node) }
    }

    /// What the next item comes to for this sink.
    pub fn made(&mut self, item: &Item<'_>) -> Made {
        let record = match &item.body {
            Body::Engine(frame) => frame.record(),
            Body::Host(_) | Body::Checkpoint(_) => None,
        };
        let index = &self.index;
        let Context { wall, program } =
            self.contexts.at(item, record.as_ref(), |boot| Opening::find(index, boot));
        let symbols = self.names.of(&self.index, program);
        let stamp = Stamp { position: item.at, at: item.time, wall };
        let message = match (&mut self.form, &item.body) {
            (Form::Json(renderer), Body::Checkpoint(items)) => {
                return Made::States(renderer.checkpoint(stamp, items, symbols));
            }
            (Form::Json(renderer), body) => json(renderer, stamp, body, record.as_ref(), symbols),
            (Form::Trace(lines), body) => lines.message(stamp, body, record.as_ref(), symbols),
        };
        message.map_or(Made::Nothing, Made::Message)
    }
}

impl<S: Storage> Render<S> {
    /// How the sink is doing, for whoever keeps that.
    pub fn gauged(&self, gauged: &Gauged<'_>) -> Option<Message> {
        match &self.form {
            Form::Json(renderer) => Some(renderer.gauged(gauged)),
            Form::Trace(_) => None,
        }
    }

    /// A sign of life.
    pub fn pulse(&self, pulse: &Pulse) -> Message {
        match &self.form {
            Form::Json(renderer) => renderer.pulse(pulse),
            Form::Trace(lines) => {
                let unix = jiff::Timestamp::now().as_microsecond();
                let time = time_of_day(Some(unix), true, &lines.zone);
                let payload = format!("{time}  {}", pulse.text(self.names.node()));
                Message { topic: String::new(), payload, retain: false, kind: Kind::Diagnostics, every: None }
            }
        }
    }
}

impl<S: Storage> Render<S> {
    /// What an item comes to that was passed before, wherever that was; `None` if how things are now says more than it.
    pub fn late(&mut self, item: &Item<'_>) -> Option<Message> {
        let contexts = std::mem::take(&mut self.contexts);
        let made = self.made(item);
        self.contexts = contexts;
        match (made, &self.form) {
            (Made::Message(message), Form::Trace(_)) => {
                Some(Message { payload: message.payload + "  (late)", ..message })
            }
            (Made::Message(message), Form::Json(renderer)) => {
                (!renderer.is_shadow(message.kind)).then(|| message.late())
            }
            _ => None,
        }
    }
}

/// What an item comes to.
#[derive(Debug)]
pub enum Made {
    /// This sink does not send it.
    Nothing,
    /// A message.
    Message(Message),
    /// All states of the program, of which those count that nobody was told of yet.
    States(Vec<Message>),
}

impl Lines {
    /// Of what `only` would send, or of all that a trace has; in the zone of this machine.
    pub fn new(only: Option<Renderer>) -> Self {
        Self { trace: Trace::new(), only, zone: TimeZone::system() }
    }

    fn message(
        &mut self,
        stamp: Stamp,
        body: &Body<'_>,
        record: Option<&Record>,
        symbols: &Symbols,
    ) -> Option<Message> {
        let what = match body {
            Body::Host(Some(host)) => Some(host.to_string()),
            _ => record.and_then(|record| self.trace.what(stamp.at, record, symbols)),
        }?;
        if let Some(renderer) = &self.only {
            json(renderer, stamp, body, record, symbols)?;
        }
        let (unix, trusted) = context::time(stamp.wall, stamp.at);
        let time = time_of_day(unix, trusted, &self.zone);
        let payload = format!("{time}  {}  {what}", seconds(stamp.at));
        Some(Message { topic: String::new(), payload, retain: false, kind: Kind::Message, every: None })
    }
}

fn json(
    renderer: &Renderer,
    stamp: Stamp,
    body: &Body<'_>,
    record: Option<&Record>,
    symbols: &Symbols,
) -> Option<Message> {
    match (body, record) {
        (Body::Host(Some(host)), _) => renderer.host(stamp, host),
        (_, Some(record)) => renderer.record(stamp, record, symbols),
        _ => None,
    }
}
