//! Sinks: who is told what happens. Each kind has a file of its own here, and one line below.

mod aws_iot;
mod batch;
mod commands;
mod local;
mod mqtt;
mod only;
mod posts;
mod programs;
mod topics;
mod web;
mod webhook;

use campanile_core::time::Duration;

use super::super::read::{Read, kinds};
use super::super::scalar::{H, S, Within};

pub use aws_iot::AwsIotSink;
use batch::BatchTable;
pub use commands::CommandFilters;
use commands::ListenFilter;
pub use local::{ConsoleSink, FileSink};
pub use mqtt::{DiscoveryPrefix, MqttSink};
pub use only::{Filter, Filters, only};
pub use posts::{FollowTable, MastodonSink, NtfySink, XSink};
pub use programs::{ChimeSink, ExecSink};
pub use topics::{Topic, Topics};
pub use web::{Filled, Quota, secret};
pub use webhook::{HeaderSecret, HeaderSource, Link, Target, WebhookSink};

/// How often a sign of life may be wanted.
pub type Beat = Within<S, { 168 * H }>;

/// What the tables of all kinds have.
pub trait Common {
    /// What it is told.
    fn only(&self) -> &Filters;

    /// How often it is told that the node is alive.
    fn heartbeat(&self) -> Option<Duration> {
        None
    }

    /// How often it may be told how it is doing itself.
    fn figures(&self) -> Option<Duration> {
        None
    }

    /// Whether messages come in over it.
    fn brings_messages(&self) -> bool {
        false
    }
}

/// Declares the kinds of sinks.
macro_rules! sinks {
    ($($(#[doc = $doc:literal])+ $word:literal => $variant:ident($ty:ty),)*) => {
        kinds! {
            /// A sink: who is told what happens.
            pub enum Sink("a sink") { $($(#[doc = $doc])+ $word => $variant($ty),)* }
        }

        impl Sink {
            /// The word under `kind`.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $word,)*
                }
            }

            /// The keys of a kind besides `kind`; those of all kinds for one that nobody knows.
            pub fn keys(kind: Option<&str>) -> Vec<&'static str> {
                const KINDS: &[(&str, &[&str])] = &[$(($word, <$ty as Read>::KEYS)),*];
                match KINDS.iter().find(|(word, _)| Some(*word) == kind) {
                    Some((_, keys)) => keys.to_vec(),
                    None => KINDS.iter().flat_map(|(_, keys)| keys.iter().copied()).collect(),
                }
            }

            /// What all kinds have.
            pub fn common(&self) -> &dyn Common {
                match self {
                    $(Self::$variant(table) => &**table,)*
                }
            }
        }
    };
}

sinks! {
    /// An MQTT broker.
    "mqtt" => Mqtt(MqttSink),
    /// AWS IoT Core.
    "aws-iot" => AwsIot(AwsIotSink),
    /// Any HTTP: a request for each message.
    "webhook" => Webhook(WebhookSink),
    /// ntfy: a notification on a phone.
    "ntfy" => Ntfy(NtfySink),
    /// Mastodon: a status on an account.
    "mastodon" => Mastodon(MastodonSink),
    /// X: a post on an account.
    "x" => X(XSink),
    /// A program for each message; never a shell.
    "exec" => Exec(ExecSink),
    /// A sound for each message.
    "chime" => Chime(ChimeSink),
    /// JSON lines in a file.
    "file" => File(FileSink),
    /// Lines for people on the standard output.
    "console" => Console(ConsoleSink),
}
