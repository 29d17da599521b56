//! How a sink is doing, as a state for its receiver.

use std::fmt::Write as _;
use std::time::Duration;

use campanile_delivery::{Boot, SinkName};

use super::{Kind, Message, Renderer, put_time};
use crate::sinks::figures::Figures;

/// What is said of it.
#[derive(Clone, Debug)]
pub struct Gauged<'a> {
    /// The sink.
    pub sink: &'a SinkName,
    /// This start of the node.
    pub boot: Boot,
    /// From a record to the acknowledgement of its message, the longest of late.
    pub lag: Duration,
    /// What the node and the sink have lost.
    pub lost: u64,
    /// What it has done.
    pub figures: Figures,
}

impl Renderer {
    /// The message of it: of no record, so without a number of one.
    pub fn gauged(&self, gauged: &Gauged<'_>) -> Message {
        let Gauged { sink, boot, lag, lost, figures } = gauged;
        let Figures { delivered, repeated, refused, .. } = figures;
        let behind = figures.behind.map_or_else(|| "null".to_owned(), |behind| behind.to_string());
        let mut payload = format!(
            "{{\"lag\":{:.3},\"behind\":{behind},\"delivered\":{delivered},\"repeated\":{repeated},\
             \"dead-letters\":{refused},\"lost\":{lost},\"time\":",
            lag.as_secs_f64()
        );
        put_time(&mut payload, Some(jiff::Timestamp::now().as_microsecond()));
        let _ = write!(payload, ",\"node\":\"{}\",\"boot\":\"{boot}\",\"sink\":\"{sink}\"}}", self.node);
        let topic = self.topics.figures(&self.node, sink.as_str());
        Message { topic, payload, retain: true, kind: Kind::Diagnostics, every: None }
    }
}
