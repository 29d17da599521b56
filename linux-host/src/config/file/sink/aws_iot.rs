//! `kind = "aws-iot"`: AWS IoT Core.

use std::path::PathBuf;

use super::{BatchTable, Beat, Common, Filters, Topic};
use crate::config::read::{At, table};
use crate::config::scalar::{Int, text};
use crate::sinks::aws_iot::limits;
use campanile_core::time::Duration;

table! {
    /// AWS IoT Core, with a certificate, a device shadow and its limits kept.
    pub struct AwsIotSink("a sink of kind aws-iot") {
        /// The account's own: `aws iot describe-endpoint --endpoint-type iot:Data-ATS` prints it.
        "endpoint" endpoint (required): At<Endpoint>,
        /// 8883, or 443 where a firewall lets nothing else out.
        "port" port (= 8883): At<Int<1, 65535>>,
        /// The thing in AWS' registry, and the client's name; the node's name without it.
        "thing" thing (optional): At<Thing>,
        /// The thing's certificate in PEM.
        "certificate" certificate (required): At<PathBuf>,
        /// The certificate's key in PEM, which only this user and group may read.
        "key" key (required): At<PathBuf>,
        /// Certificates in PEM that the endpoint's may be signed by; the system's without it, which have Amazon's.
        "ca" ca (optional): At<PathBuf>,
        /// Whether states go into the thing's device shadow; else they go to their topics.
        "shadow" shadow (= true): bool,
        /// The rule that messages go to by Basic Ingest, past the broker and without its price.
        "rule" rule (optional): At<RuleName>,
        /// The most messages under way at once.
        "in-flight" in_flight (= 100): Int<1, { limits::IN_FLIGHT }>,
        /// Many messages in one, as a JSON array; each by itself without it.
        "batch" batch (optional): At<BatchTable>,
        /// A sign of life with figures, so often; none without it.
        "heartbeat" heartbeat (optional): Beat,
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Filters,
        /// Where messages go.
        "topics" topics (table): AwsTopics,
    }
}

table! {
    /// Topics at AWS: `{node}`, `{kind}` (input, output, sensor, variable) and `{name}` stand for what they say.
    pub struct AwsTopics("topics of a sink of kind aws-iot") {
        /// States, without a device shadow.
        "state" state (= "campanile/{node}/{kind}/{name}"): At<Topic<3>>,
        /// Messages of `send`.
        "message" message (= "campanile/{node}/message/{name}"): At<Topic<3>>,
        /// Losses and faults.
        "diagnostics" diagnostics (= "campanile/{node}/diagnostics"): At<Topic<1>>,
        /// Arrays of messages, with `batch`.
        "batch" batch (= "campanile/{node}/batch"): At<Topic<1>>,
    }
}

impl Common for AwsIotSink {
    fn only(&self) -> &Filters {
        &self.only
    }

    fn heartbeat(&self) -> Option<Duration> {
        self.heartbeat.map(|every| every.0)
    }
}

/// The name of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(pub String);

text!(Endpoint, "a host such as \"a1b2c3d4e5-ats.iot.eu-central-1.amazonaws.com\"", { "type": "string", "pattern": "^[A-Za-z0-9.-]+$" }, |text| {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')) {
        Ok(Self(text.to_owned()))
    } else {
        Err(Wrong::new(
            "an endpoint is a host name, without scheme and port",
            "`aws iot describe-endpoint --endpoint-type iot:Data-ATS` prints it",
        ))
    }
}, broken: Self("localhost".to_owned()));

/// A thing's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing(pub String);

text!(Thing, "the name of a thing", { "type": "string", "pattern": "^[A-Za-z0-9:_-]{1,128}$" }, |text| {
    let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-'));
    if fits && (1..=limits::NAME).contains(&text.len()) {
        Ok(Self(text.to_owned()))
    } else {
        Err(Wrong::new(
            format!("\"{text}\" is not a valid thing name"),
            format!("letters, digits, :, _ and -, up to {}", limits::NAME),
        ))
    }
});

/// A rule's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleName(pub String);

text!(RuleName, "the name of a rule", { "type": "string", "pattern": "^[A-Za-z0-9_]{1,128}$" }, |text| {
    let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fits && (1..=limits::NAME).contains(&text.len()) {
        Ok(Self(text.to_owned()))
    } else {
        Err(Wrong::new(
            format!("\"{text}\" is not a valid rule name"),
            format!("letters, digits and _, up to {}", limits::NAME),
        ))
    }
});
