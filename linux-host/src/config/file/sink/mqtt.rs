//! `kind = "mqtt"`: an MQTT broker.

use std::path::PathBuf;

use campanile_core::time::Duration;
use serde_json::{Value, json};
use toml::de::DeValue;

use super::{BatchTable, Beat, CommandFilters, Common, Filled, Filters, ListenFilter, Topics};
use crate::config::read::{At, Definitions, Node, Read, Report, table, wrong_kind};
use crate::config::scalar::{Int, VariableName, Word, text};
use crate::config::source::Diagnostic;
use crate::sinks::mqtt::address::Address;
use crate::sinks::mqtt::discovery::PREFIX;
use crate::sinks::mqtt::payloads::Payloads;

/// How often Home Assistant is told at most how a sink is doing, unless the file says otherwise.
const FIGURES: Duration = Duration::from_secs(30);

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
        "password-env" password_env (optional): At<VariableName>,
        /// The client's name at the broker; "campanile-NODE-SINK" without it.
        "client-id" client_id (optional): At<Word>,
        /// Certificates in PEM that a broker's may be signed by; the system's without it.
        "ca" ca (optional): At<PathBuf>,
        /// This node's certificate in PEM, for brokers that want to see one; those between it and its authority behind it.
        "certificate" certificate (optional): At<PathBuf>,
        /// The certificate's key in PEM, which only this user and group may read.
        "key" key (optional): At<PathBuf>,
        /// The protocol to name in TLS (ALPN), where a port serves several.
        "alpn" alpn (optional): At<Word>,
        /// The most messages under way at once.
        "in-flight" in_flight (= 100): Int<1, 1000>,
        /// Many messages in one, as a JSON array; each by itself without it.
        "batch" batch (optional): At<BatchTable>,
        /// A sign of life with figures, so often; none without it.
        "heartbeat" heartbeat (optional): Beat,
        /// How it is doing, as a retained state, when that has changed and at most so often; with `discovery` every 30s
        /// unless this says otherwise, else not.
        "figures" figures (optional): Beat,
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Filters,
        /// What may be asked for over it, such as "set:chime" or "start:*"; everything without it, nothing with [].
        "commands" commands (empty): CommandFilters,
        /// Where messages that triggers wait for come from: topics, whose last level is the message's name; those of all
        /// nodes without it.
        "listen" listen (empty): Vec<At<ListenFilter>>,
        /// Whether Home Assistant is told what there is: true, or the prefix that it listens to. With false all that it was
        /// told is taken back.
        "discovery" discovery (optional): DiscoveryPrefix,
        /// What messages look like, if not as the documented objects.
        "payloads" payloads (table): PayloadsTable,
        /// Where messages go.
        "topics" topics (table): Topics,
    }
    rules [
        Rule::needs(
            "certificate", &["key"], "shows nothing without its key",
            "name the key's file with `key`",
        ),
        Rule::needs(
            "key", &["certificate"], "is a key to nothing",
            "name the certificate's file with `certificate`",
        ),
        Rule::excludes(
            "password-env", "password-file", "a second password",
            "keep one of `password-file` and `password-env`",
        ),
    ]
}

table! {
    /// Payloads: texts with places such as {value}, {text}, {time}, {name}; the documented objects without them.
    pub struct PayloadsTable("payloads") {
        /// Of states: inputs, outputs, sensors, variables.
        "state" state (optional): At<Filled>,
        /// Of messages.
        "message" message (optional): At<Filled>,
        /// Of losses and faults.
        "diagnostics" diagnostics (optional): At<Filled>,
    }
}

impl PayloadsTable {
    /// What they look like.
    pub fn payloads(&self) -> Payloads {
        let template = |filled: &Option<At<Filled>>| filled.as_ref().map(|filled| filled.value.0.clone());
        Payloads {
            state: template(&self.state),
            message: template(&self.message),
            diagnostics: template(&self.diagnostics),
        }
    }
}

impl Common for MqttSink {
    fn only(&self) -> &Filters {
        &self.only
    }

    fn heartbeat(&self) -> Option<Duration> {
        self.heartbeat.map(|every| every.0)
    }

    fn figures(&self) -> Option<Duration> {
        let shown = matches!(self.discovery, Some(DiscoveryPrefix::Prefix(_))).then_some(FIGURES);
        self.figures.map(|every| every.0).or(shown)
    }

    fn brings_messages(&self) -> bool {
        true
    }
}

text!(Address, "a URL such as \"mqtts://broker.example:8883\"", { "type": "string", "pattern": "^mqtts?://[^@]+$" }, |text| {
    if text.contains('@') {
        let what = "a user or a password in a URL would show in logs and lists of processes";
        return Err(Wrong::new(what, "write `username`, and `password-file` or `password-env`").secret());
    }
    Self::parse(text).map_err(|what| Wrong::new(what, "such as \"mqtt://127.0.0.1\" or \"mqtts://broker.example:8883\""))
}, broken: Self { host: "localhost".to_owned(), port: 1883, tls: false });

/// Where Home Assistant is told what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiscoveryPrefix {
    /// Nowhere, and no more.
    Nowhere,
    /// Below this.
    Prefix(String),
}

impl Read for DiscoveryPrefix {
    const WHAT: &'static str = "true, false, or a prefix such as \"homeassistant\"";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        match node.value() {
            DeValue::Boolean(true) => Some(Self::Prefix(PREFIX.to_owned())),
            DeValue::Boolean(false) => Some(Self::Nowhere),
            DeValue::String(text) => {
                if text.is_empty() || text.contains(['+', '#', '{', '\0']) {
                    let what = format!("{text:?} is not a valid start of a topic");
                    report.push(
                        Diagnostic::error(node.span(), what).label("here").help("such as \"homeassistant\""),
                    );
                    return None;
                }
                Some(Self::Prefix(text.trim_end_matches('/').to_owned()))
            }
            _ => {
                wrong_kind::<Self>(node, report);
                None
            }
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, { "type": "string", "pattern": "^[^+#{]+$" }] })
    }
}
