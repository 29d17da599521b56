//! Messages: what receivers read, made from records. Topic and JSON object are those of the documentation, and the
//! same for every sink.

mod gauged;
pub(super) mod kind;
mod loss;
mod pulse;
pub(super) mod reported;
#[cfg(test)]
mod tests;

pub use gauged::Gauged;
pub use kind::Kind;
pub use pulse::Pulse;

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use campanile_core::decision::{Decision, FaultKind, Source};
use campanile_core::id::{Level, OutputId, ScenarioId};
use campanile_core::input::{Input, OverrunWhy};
use campanile_core::record::Record;
use campanile_core::time::Instant;
use campanile_delivery::symbols::{Symbols, number};
use campanile_delivery::{Position, Wall};
use serde_json::{Map, Value};

use super::aws_iot::shadow;
use super::only::Only;
use super::topics::Topics;
use super::{checkpoint, context};

/// One message, ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `campanile/NODE/input/NAME`.
    pub topic: String,
    /// A JSON object.
    pub payload: String,
    /// Whether it is a state, which a receiver that comes later has to learn too.
    pub retain: bool,
    /// What it is about.
    pub kind: Kind,
    /// It is to be sent again after so long, while it holds.
    pub every: Option<Duration>,
}

impl Message {
    /// The same as it goes out late: told, and nothing that a receiver keeps, which may have had another since.
    #[must_use]
    pub fn late(mut self) -> Self {
        if let Some(object) = self.payload.strip_suffix('}') {
            self.payload = format!("{object},\"late\":true}}");
        }
        Self { retain: false, every: None, ..self }
    }

    /// Appends the message as one JSON line with its topic; a message without a topic is a line as it is.
    pub fn put_line(&self, out: &mut String) {
        if self.topic.is_empty() {
            out.push_str(&self.payload);
        } else {
            self.put_object(out);
        }
        out.push('\n');
    }

    /// Appends the message as one JSON object, its topic among the others.
    pub fn put_object(&self, out: &mut String) {
        let rest = self.payload.strip_prefix('{').unwrap_or(&self.payload);
        let _ = write!(out, "{{\"topic\":{},{rest}", quoted(&self.topic));
    }
}

/// Where a record stands, and when it was written.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Its identity.
    pub position: Position,
    /// Monotonic.
    pub at: Instant,
    /// What the wall clock said, if it is known.
    pub wall: Option<Wall>,
}

/// Makes messages for one node.
#[derive(Clone, Debug)]
pub struct Renderer {
    node: String,
    topics: Box<Topics>,
    only: Only,
    /// States as AWS' device shadow wants them, and not as objects of their own.
    reported: bool,
}

impl Renderer {
    /// For the records of a node, as far as `only` lets them pass.
    pub fn new(node: impl Into<String>, topics: Topics, only: Only) -> Self {
        Self { node: node.into(), topics: Box::new(topics), only, reported: false }
    }

    /// The same with states as a device shadow takes them:
    /// `{"state":{"reported":{"lamp":"on"},"desired":{"lamp":null}},"clientToken":".."}`, where what the file adds to the
    /// state of an input stands instead of its name. The token is the identity.
    #[must_use]
    pub fn reporting(self) -> Self {
        Self { reported: true, ..self }
    }

    /// Whether what it makes of this goes into a device shadow, which has only the last of everything.
    pub(super) const fn is_shadow(&self, kind: Kind) -> bool {
        self.reported && kind.is_state()
    }

    /// The same without its filter.
    pub(super) fn unfiltered(&self) -> Self {
        Self { only: Only::default(), ..self.clone() }
    }

    /// The message for one of the engine's records; `None` if receivers do not get it.
    pub fn record(&self, stamp: Stamp, record: &Record, symbols: &Symbols) -> Option<Message> {
        let draft = self.draft(stamp.at, record, symbols)?;
        Some(self.finish(draft, stamp, None))
    }

    /// The messages for all states of a program, as a checkpoint has them.
    pub fn checkpoint(&self, stamp: Stamp, items: &[u8], symbols: &Symbols) -> Vec<Message> {
        let drafts = checkpoint::states(items, symbols)
            .into_iter()
            .filter_map(|decision| self.decision(stamp.at, decision, symbols));
        drafts.map(|draft| self.finish(draft, stamp, Some(stamp.position.host))).collect()
    }

    fn draft<'s>(&self, at: Instant, record: &Record, symbols: &'s Symbols) -> Option<Draft<'s>> {
        match *record {
            Record::Decision(decision) => self.decision(at, decision, symbols),
            Record::Input(Input::Overrun { input, lost, why }) => {
                let whose = input.map_or_else(String::new, |input| format!(" of {}", symbols.input(input)));
                let why = match why {
                    OverrunWhy::Kernel => "the kernel's buffer was full",
                    OverrunWhy::Queue => "the engine's queue was full",
                    OverrunWhy::Storm => "the storm guard masked the line",
                };
                let mut draft = self.diagnosis(at, "lost", &format!("{lost} edges{whose} lost: {why}"))?;
                let _ = write!(draft.more, ",\"lost\":{lost}");
                Some(draft)
            }
            Record::Input(Input::Stall { until }) => {
                let ms = until.since(at).micros() / 1000;
                self.diagnosis(at, "stalled", &format!("the node stood still for {ms} ms"))
            }
            Record::Input(_) => None,
        }
    }

    fn decision<'s>(&self, at: Instant, decision: Decision, symbols: &'s Symbols) -> Option<Draft<'s>> {
        match decision {
            Decision::Event { source: Source::Input { input }, value, onset_ago, bounces } => {
                let level = Level::from_bool(value? != 0);
                let mut draft = self.state(Kind::Input, symbols.input(input), at.minus(onset_ago))?;
                draft.value = word(level).into();
                let _ = write!(draft.more, ",\"bounces\":{bounces}");
                draft.report = reported::added(symbols, input, level);
                if self.reported {
                    draft.gone = reported::gone(symbols, input, level);
                }
                let every = symbols.inputs.get(input.index()).and_then(|input| input.report.every());
                draft.every = every.map(|span| Duration::from_micros(span.micros()));
                Some(draft)
            }
            Decision::Event { source: Source::Sensor { sensor }, value, onset_ago, .. } => {
                let mut draft = self.state(Kind::Sensor, symbols.sensor(sensor), at.minus(onset_ago))?;
                let decimals = symbols.sensors.get(sensor.index()).map_or(0, |sensor| sensor.decimals);
                // As text, so that 41.5 stays 41.5.
                draft.value = value.map_or(Cow::Borrowed("null"), |value| number(value, decimals).into());
                Some(draft)
            }
            Decision::Set { output, level, .. } => {
                let mut draft = self.state(Kind::Output, symbols.output(output), at)?;
                draft.value = word(level).into();
                Some(draft)
            }
            Decision::Let { var, value } => {
                let mut draft = self.state(Kind::Variable, symbols.variable(var), at)?;
                draft.value = value.to_string().into();
                Some(draft)
            }
            Decision::Send { template, values, onset_ago } => {
                let name = symbols.message(template);
                let mut draft = self.state(Kind::Message, name, at.minus(onset_ago))?;
                draft.value = quoted(name).into();
                let message = symbols.messages.get(template.index());
                let text = message.and_then(|message| message.text(values.as_slice()));
                let data = message.map(|message| message.data(values.as_slice())).unwrap_or_default();
                let (text, data) = (Value::from(text), Value::from(data));
                let _ = write!(draft.more, ",\"text\":{text},\"data\":{data}");
                Some(draft)
            }
            Decision::Missed { trigger, n } => {
                let text = format!("{n} moments of \"{}\" fell into a stall", symbols.trigger(trigger));
                self.diagnosis(at, "missed", &text)
            }
            Decision::Fault { what, at: id } => self.diagnosis(at, "fault", &fault(what, id, symbols)),
            Decision::Run { .. }
            | Decision::Skip { .. }
            | Decision::Wait { .. }
            | Decision::TimedOut { .. }
            | Decision::End { .. }
            | Decision::Reply { .. }
            | Decision::Arm { .. } => None,
        }
    }

    fn state<'s>(&self, kind: Kind, name: &'s str, onset: Instant) -> Option<Draft<'s>> {
        self.only.takes(kind, name).then(|| Draft {
            kind,
            name,
            topic: self.topics.of(&self.node, kind, name),
            onset,
            value: Cow::Borrowed(""),
            more: String::new(),
            report: Map::new(),
            gone: Vec::new(),
            every: None,
        })
    }

    fn diagnosis<'s>(&self, at: Instant, word: &str, text: &str) -> Option<Draft<'s>> {
        self.only.takes(Kind::Diagnostics, "").then(|| Draft {
            kind: Kind::Diagnostics,
            name: "",
            topic: self.topics.of(&self.node, Kind::Diagnostics, ""),
            onset: at,
            value: quoted(word).into(),
            more: format!(",\"text\":{}", quoted(text)),
            report: Map::new(),
            gone: Vec::new(),
            every: None,
        })
    }

    fn finish(&self, draft: Draft<'_>, stamp: Stamp, host: Option<u64>) -> Message {
        let payload = if self.reported && draft.kind.is_state() {
            draft.reported(stamp.position, host)
        } else {
            self.object(&draft, stamp, host)
        };
        Message {
            topic: draft.topic,
            payload,
            retain: draft.kind.is_state(),
            kind: draft.kind,
            every: draft.every,
        }
    }

    fn object(&self, draft: &Draft<'_>, stamp: Stamp, host: Option<u64>) -> String {
        let (time, trusted) = context::time(stamp.wall, draft.onset);
        let mut payload = String::with_capacity(192);
        let _ = write!(payload, "{{\"value\":{},\"time\":", draft.value);
        put_time(&mut payload, time);
        let Position { boot, seq, .. } = stamp.position;
        let _ = write!(
            payload,
            ",\"trusted\":{trusted},\"node\":\"{}\",\"boot\":\"{boot}\",\"seq\":{seq}",
            self.node
        );
        if let Some(host) = host {
            let _ = write!(payload, ",\"host\":{host}");
        }
        payload.push_str(&draft.more);
        for (key, value) in &draft.report {
            let _ = write!(payload, ",{}:{value}", quoted(key));
        }
        payload.push('}');
        payload
    }
}

/// A message without what all have in common.
struct Draft<'s> {
    kind: Kind,
    name: &'s str,
    topic: String,
    onset: Instant,
    /// In JSON.
    value: Cow<'static, str>,
    /// Further keys and their values, in JSON, each behind a comma.
    more: String,
    /// What the file adds to the state of an input.
    report: Map<String, Value>,
    /// What a device shadow has of the level before, and no more.
    gone: Vec<String>,
    every: Option<Duration>,
}

impl Draft<'_> {
    /// As a device shadow takes it.
    fn reported(&self, position: Position, host: Option<u64>) -> String {
        let Position { boot, seq, .. } = position;
        let mut state = if self.report.is_empty() {
            vec![format!("{}:{}", quoted(self.name), self.value)]
        } else {
            self.report.iter().map(|(key, value)| format!("{}:{value}", quoted(key))).collect()
        };
        state.extend(self.gone.iter().map(|name| format!("{}:null", quoted(name))));
        let state = format!("{{{}}}", state.join(","));
        let host = host.map_or_else(String::new, |host| format!(".{host}"));
        // What can be wished for is told together with the end of the wish: a safe level or a scenario may have come
        // after it, and must not be undone by a wish that still stands.
        let ended = matches!(self.kind, Kind::Output | Kind::Variable)
            .then(|| format!("{{{}:null}}", quoted(self.name)));
        shadow::update(&state, ended.as_deref(), &format!("{boot}.{seq}{host}"))
    }
}

/// In JSON.
const fn word(level: Level) -> &'static str {
    if level.is_on() { "\"on\"" } else { "\"off\"" }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// RFC 3339, UTC, always with microseconds; `null` if nothing is known.
fn put_time(out: &mut String, unix: Option<i64>) {
    let _ = match unix.and_then(|us| jiff::Timestamp::from_microsecond(us).ok()) {
        Some(time) => write!(out, "\"{time:.6}\""),
        None => write!(out, "null"),
    };
}

fn fault(what: FaultKind, at: u8, symbols: &Symbols) -> String {
    let scenario = symbols.scenario(ScenarioId(at));
    match what {
        FaultKind::DivisionByZero => format!("{scenario} divided by zero and ended"),
        FaultKind::Cascade => format!("{scenario} dropped: more than 64 occurrences at one instant"),
        FaultKind::AgendaFull => format!("{scenario} dropped: the agenda is full"),
        FaultKind::TooManySteps => format!("{scenario} ended: more than 255 steps without a wait"),
        FaultKind::OutputFailed => {
            format!("the hardware does not take the level of {}", symbols.output(OutputId(at)))
        }
        FaultKind::SafetyHolds => {
            format!("{} not written: it has just been made safe", symbols.output(OutputId(at)))
        }
        FaultKind::LogicBug => format!("the engine broke a rule of its own ({at}): please report it"),
    }
}
