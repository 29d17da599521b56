//! Sinks: who is told what happens.

use std::path::PathBuf;

use super::super::read::{At, kinds, table};
use super::super::scalar::{Int, Text};

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
        "url" url (required): At<Text>,
        /// As whom.
        "username" username (optional): At<Text>,
        /// A file whose first line is the password.
        "password-file" password_file (optional): At<PathBuf>,
        /// An environment variable that holds the password.
        "password-env" password_env (optional): At<Text>,
        /// The client's name at the broker; "campanile-" and the node's name without it.
        "client-id" client_id (optional): At<Text>,
        /// Certificates in PEM that a broker's may be signed by; the system's without it.
        "ca" ca (optional): At<PathBuf>,
        /// The most messages under way at once.
        "in-flight" in_flight (= 100): Int<1, 1000>,
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Vec<At<Text>>,
        /// Where messages go.
        "topics" topics (table): Topics,
    }
}

table! {
    /// Topics: `{node}`, `{kind}` (input, output, sensor, variable) and `{name}` stand for what they say.
    pub struct Topics("topics") {
        /// Whether the node is there, retained.
        "status" status (= "campanile/{node}/status"): At<Text>,
        /// States, retained.
        "state" state (= "campanile/{node}/{kind}/{name}"): At<Text>,
        /// Messages of `send`.
        "message" message (= "campanile/{node}/message/{name}"): At<Text>,
        /// Losses and faults.
        "diagnostics" diagnostics (= "campanile/{node}/diagnostics"): At<Text>,
    }
}

table! {
    /// JSON lines in a file.
    pub struct FileSink("a sink of kind file") {
        /// The file; lines are appended.
        "path" path (required): At<PathBuf>,
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Vec<At<Text>>,
    }
}

table! {
    /// Lines for people on the standard output.
    pub struct ConsoleSink("a sink of kind console") {
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Vec<At<Text>>,
    }
}
