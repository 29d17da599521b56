//! Sinks: who is told what happens.

use std::path::PathBuf;

use serde_json::{Value, json};
use toml::de::DeValue;

use super::super::read::{At, Definitions, Node, Read, Report, kinds, read_text, table, wrong_kind};
use super::super::scalar::{Int, Word, Wrong, text};
use super::super::source::Diagnostic;
use crate::sinks::message::Kind;
use crate::sinks::mqtt::address::Address;
use crate::sinks::only::Only;
use crate::sinks::topics;

kinds! {
    /// A sink: who is told what happens.
    pub enum Sink("a sink") {
        /// An MQTT broker.
        "mqtt" => Mqtt(MqttSink),
        /// JSON lines in a file.
        "file" => File(FileSink),
        /// Lines for people on the standard output.
        "console" => Console(ConsoleSink),
    }
}

table! {
    /// An MQTT broker, version 5, QoS 1.
    pub struct MqttSink("a sink of kind mqtt") {
        /// Where: "mqtt://host:1883", or "mqtts://host:8883" with TLS.
        "url" url (required): At<Address>,
        /// As whom.
        "username" username (optional): At<Word>,
        /// A file whose first line is the password.
        "password-file" password_file (optional): At<PathBuf>,
        /// An environment variable that holds the password.
        "password-env" password_env (optional): At<Word>,
        /// The client's name at the broker; "campanile-NODE-SINK" without it.
        "client-id" client_id (optional): At<Word>,
        /// Certificates in PEM that a broker's may be signed by; the system's without it.
        "ca" ca (optional): At<PathBuf>,
        /// The most messages under way at once.
        "in-flight" in_flight (= 100): Int<1, 1000>,
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Filters,
        /// Where messages go.
        "topics" topics (table): Topics,
    }
    rules [
        Rule::excludes(
            "password-env", "password-file", "a second password",
            "keep one of `password-file` and `password-env`",
        ),
    ]
}

table! {
    /// Topics: `{node}`, `{kind}` (input, output, sensor, variable) and `{name}` stand for what they say.
    pub struct Topics("topics") {
        /// Whether the node is there, retained.
        "status" status (= "campanile/{node}/status"): At<Topic<1>>,
        /// States, retained.
        "state" state (= "campanile/{node}/{kind}/{name}"): At<Topic<3>>,
        /// Messages of `send`.
        "message" message (= "campanile/{node}/message/{name}"): At<Topic<3>>,
        /// Losses and faults.
        "diagnostics" diagnostics (= "campanile/{node}/diagnostics"): At<Topic<1>>,
    }
}

impl Default for topics::Topics {
    fn default() -> Self {
        let read: Option<Topics> = read_text("{}");
        Self::from(&read.expect("every topic has a default"))
    }
}

impl From<&Topics> for topics::Topics {
    fn from(topics: &Topics) -> Self {
        Self {
            status: topics.status.value.0.clone(),
            state: topics.state.value.0.clone(),
            message: topics.message.value.0.clone(),
            diagnostics: topics.diagnostics.value.0.clone(),
        }
    }
}

table! {
    /// JSON lines in a file.
    pub struct FileSink("a sink of kind file") {
        /// The file; lines are appended.
        "path" path (required): At<PathBuf>,
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Filters,
    }
}

table! {
    /// Lines for people on the standard output.
    pub struct ConsoleSink("a sink of kind console") {
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Filters,
    }
}

/// What the places in a topic may be: of these the first so many.
const PLACES: [&str; 3] = ["node", "kind", "name"];

/// A topic in which the first so many of `{node}`, `{kind}` and `{name}` have a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic<const N: usize>(pub String);

impl<const N: usize> Read for Topic<N> {
    const WHAT: &'static str = "a topic";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::String(text) = node.value() else {
            wrong_kind::<Self>(node, report);
            return None;
        };
        match check_topic(text, &PLACES[..N]) {
            Ok(()) => Some(Self(text.clone().into_owned())),
            Err(wrong) => {
                report.push(wrong.at(node.span()));
                None
            }
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": "^[^+#]+$" })
    }
}

fn check_topic(text: &str, places: &[&str]) -> Result<(), Wrong> {
    let usable = || format!("what can stand in it: {{{}}}", places.join("}, {"));
    if text.is_empty() || text.starts_with('$') {
        return Err(Wrong::new("a topic is not empty and does not begin with $", usable()));
    }
    if let Some(wrong) = text.chars().find(|c| matches!(c, '+' | '#' | '\0')) {
        return Err(Wrong::new(
            format!("{wrong:?} has no place in a topic to publish to"),
            "it is for subscriptions",
        ));
    }
    for part in text.split('{').skip(1) {
        let Some((place, _)) = part.split_once('}') else {
            return Err(Wrong::new("a } is missing", usable()));
        };
        if !places.contains(&place) {
            return Err(Wrong::new(format!("{{{place}}} has no meaning here"), usable()));
        }
    }
    Ok(())
}

text!(Address, "a URL such as \"mqtts://broker.example:8883\"", { "type": "string", "pattern": "^mqtts?://[^@]+$" }, |text| {
    if text.contains('@') {
        let what = "a user or a password in a URL would show in logs and lists of processes";
        return Err(Wrong::new(what, "write `username`, and `password-file` or `password-env`").secret());
    }
    Self::parse(text).map_err(|what| Wrong::new(what, "such as \"mqtt://127.0.0.1\" or \"mqtts://broker.example:8883\""))
}, broken: Self { host: "localhost".to_owned(), port: 1883, tls: false });

/// One pattern of `only`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// What kind of message.
    pub kind: Kind,
    /// Its name, in which `*` stands for anything.
    pub name: String,
    /// As it is written.
    pub pattern: String,
}

text!(Filter, "a filter such as \"input:*\"", { "type": "string", "pattern": filter_pattern() }, |text| {
    Only::parse(&[text]).map_err(|what| Wrong::new(what, "such as \"input:*\" or \"message:doorbell\""))?;
    let (kind, name) = text.split_once(':').unwrap_or((text, "*"));
    let kind = Kind::ALL.into_iter().find(|known| known.word() == kind).unwrap_or(Kind::Diagnostics);
    Ok(Self { kind, name: name.to_owned(), pattern: text.to_owned() })
});

fn filter_pattern() -> String {
    let words: Vec<_> =
        Kind::ALL.into_iter().filter(|kind| *kind != Kind::Diagnostics).map(Kind::word).collect();
    format!("^(({}):.+|{}(:.*)?)$", words.join("|"), Kind::Diagnostics.word())
}

/// The patterns of `only`: without the key none, and then everything passes.
#[derive(Clone, Debug, Default)]
pub struct Filters(pub Vec<At<Filter>>);

impl Read for Filters {
    const WHAT: &'static str = "a list of filters such as [\"input:*\"]";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        if matches!(node.value(), DeValue::Array(patterns) if patterns.is_empty()) {
            let what = "an empty list lets everything pass, as if it were not there";
            report.push(Diagnostic::error(node.span(), what).label("leave it out, or name what is to pass"));
        }
        Vec::read(node, report).map(Self)
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let mut schema = Vec::<At<Filter>>::schema(definitions);
        schema["minItems"] = 1.into();
        schema
    }
}

/// The filter that patterns make together.
pub fn only(filters: &Filters) -> Only {
    let patterns: Vec<_> = filters.0.iter().map(|filter| filter.value.pattern.as_str()).collect();
    // Each was read by the same rules before.
    Only::parse(&patterns).unwrap_or_default()
}
