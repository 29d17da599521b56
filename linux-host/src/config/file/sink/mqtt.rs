//! `kind = "mqtt"`: an MQTT broker.

use std::path::PathBuf;

use super::{Beat, CommandFilters, Common, Filters, ListenFilter, Topics};
use crate::config::read::{At, table};
use crate::config::scalar::{Int, Word, text};
use crate::sinks::mqtt::address::Address;
use campanile_core::time::Duration;

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
        /// This node's certificate in PEM, for brokers that want to see one; those between it and its authority behind it.
        "certificate" certificate (optional): At<PathBuf>,
        /// The certificate's key in PEM, which only this user and group may read.
        "key" key (optional): At<PathBuf>,
        /// The protocol to name in TLS (ALPN), where a port serves several.
        "alpn" alpn (optional): At<Word>,
        /// The most messages under way at once.
        "in-flight" in_flight (= 100): Int<1, 1000>,
        /// A sign of life with figures, so often; none without it.
        "heartbeat" heartbeat (optional): Beat,
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Filters,
        /// What may be asked for over it, such as "set:chime" or "start:*"; everything without it, nothing with [].
        "commands" commands (empty): CommandFilters,
        /// Where messages that triggers wait for come from: topics, whose last level is the message's name; those of all
        /// nodes without it.
        "listen" listen (empty): Vec<At<ListenFilter>>,
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

impl Common for MqttSink {
    fn only(&self) -> &Filters {
        &self.only
    }

    fn heartbeat(&self) -> Option<Duration> {
        self.heartbeat.map(|every| every.0)
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
