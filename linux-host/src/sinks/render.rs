//! From an item of the journal to a message: JSON for receivers, the trace for people.

use std::sync::Arc;

use campanile_core::record::Record;
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Body, Index, Item, Storage};
use campanile_sim::trace::Trace;

use super::context::{Context, Contexts, Opening};
use super::message::{Kind, Message, Renderer, Stamp};
use super::names::Names;

/// What a sink's messages look like.
#[derive(Debug)]
pub enum Form {
    /// The documented objects.
    Json(Renderer),
    /// Lines for people, which have to be made from every record; the renderer only says which are shown.
    Trace(Box<Trace>, Option<Renderer>),
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

    /// The message for the next item; `None` if this sink does not send it.
    pub fn message(&mut self, item: &Item<'_>) -> Option<Message> {
        let record = match &item.body {
            Body::Engine(frame) => frame.record(),
            Body::Host(_) | Body::Checkpoint(_) => None,
        };
        let index = &self.index;
        let Context { wall, program } =
            self.contexts.at(item, record.as_ref(), |boot| Opening::find(index, boot));
        let symbols = self.names.of(&self.index, program);
        let stamp = Stamp { position: item.at, at: item.time, wall };
        match &mut self.form {
            Form::Json(renderer) => json(renderer, stamp, &item.body, record.as_ref(), symbols),
            Form::Trace(trace, only) => {
                let what = match &item.body {
                    Body::Host(Some(host)) => {
                        Some(format!("{}  {host}", campanile_sim::trace::seconds(item.time)))
                    }
                    _ => record.as_ref().and_then(|record| trace.line(item.time, record, symbols)),
                }?;
                if let Some(renderer) = only {
                    json(renderer, stamp, &item.body, record.as_ref(), symbols)?;
                }
                Some(Message {
                    topic: String::new(),
                    payload: what,
                    retain: false,
                    kind: Kind::Message,
                    every: None,
                })
            }
        }
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
