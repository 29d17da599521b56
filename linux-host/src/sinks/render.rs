//! From an item of the journal to a message: JSON for receivers, the trace for people.

use std::sync::Arc;

use campanile_core::record::Record;
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Body, Index, Item, Storage};
use campanile_sim::trace::Trace;

use super::message::{Kind, Message, Renderer, Stamp};
use super::wall::{Clock, first_reading};

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
    node: String,
    clock: Clock,
    program: u64,
    symbols: Arc<Symbols>,
}

impl<S: Storage> Render<S> {
    /// For a journal of a node.
    pub fn new(index: Arc<Index<S>>, node: &str, form: Form) -> Self {
        let symbols = Arc::new(Symbols::new(node));
        Self { index, form, node: node.to_owned(), clock: Clock::default(), program: 0, symbols }
    }

    /// The message for the next item; `None` if this sink does not send it.
    pub fn message(&mut self, item: &Item<'_>) -> Option<Message> {
        let record = match &item.body {
            Body::Engine(frame) => frame.record(),
            Body::Host(_) | Body::Checkpoint(_) => None,
        };
        let index = &self.index;
        let wall = self.clock.at(item, record.as_ref(), |boot| first_reading(index, boot));
        self.name(item.program);
        let stamp = Stamp { position: item.at, at: item.time, wall };
        match &mut self.form {
            Form::Json(renderer) => json(renderer, stamp, &item.body, record.as_ref(), &self.symbols),
            Form::Trace(trace, only) => {
                let what = match &item.body {
                    Body::Host(Some(host)) => {
                        Some(format!("{}  {host}", campanile_sim::trace::seconds(item.time)))
                    }
                    _ => record.as_ref().and_then(|record| trace.line(item.time, record, &self.symbols)),
                }?;
                if let Some(renderer) = only {
                    json(renderer, stamp, &item.body, record.as_ref(), &self.symbols)?;
                }
                Some(Message { topic: String::new(), payload: what, retain: false, kind: Kind::Message })
            }
        }
    }

    /// Takes the names of the program that was active, from the journal's own copy.
    fn name(&mut self, program: u64) {
        if program == self.program {
            return;
        }
        self.program = program;
        let stored = self.index.program(program);
        let symbols = stored.map(|stored| stored.map(|program| Symbols::decode(&program.symbols)));
        self.symbols = Arc::new(match symbols {
            Ok(Some(Ok(symbols))) => symbols,
            other => {
                let why = match other {
                    Ok(Some(Err(error))) => error.to_string(),
                    Err(error) => error.to_string(),
                    _ => "the journal has it not".to_owned(),
                };
                tracing::warn!("no names for program {program:016x}: {why}");
                Symbols::new(&*self.node)
            }
        });
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
