//! `kind = "aws-iot"`.

use std::collections::BTreeSet;

use campanile_delivery::symbols::Symbols;

use super::Plan;
use crate::config::file::{self, AwsIotSink};
use crate::sinks::aws_iot::AwsIot;
use crate::sinks::aws_iot::wishes::Settable;
use crate::sinks::batch::{Batching, Terms};
use crate::sinks::message::{Renderer, reported};
use crate::sinks::mqtt::Settings;
use crate::sinks::mqtt::address::Address;
use crate::sinks::only::Only;
use crate::sinks::render::Form;
use crate::sinks::tls::{Identity, Tls};
use crate::sinks::topics::Topics;

/// What a client with a certificate names in TLS on the port that it shares with HTTPS ("Device communication
/// protocols" of the AWS IoT Core Developer Guide, November 2026).
const ALPN: (u16, &str) = (443, "x-amzn-mqtt-ca");

/// A thing at AWS.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sinks) struct Thing {
    settings: Settings,
    shadow: bool,
    settable: Settable,
    names: BTreeSet<String>,
    batch: Option<Terms>,
    topics: Topics,
    only: Only,
}

impl Plan for Thing {
    type Table = AwsIotSink;
    type Sink = Batching<AwsIot>;

    fn new(node: &str, _: &str, sink: &AwsIotSink) -> Self {
        let port = u16::try_from(sink.port.value.0).unwrap_or(u16::MAX);
        let settings = Settings {
            address: Address { host: sink.endpoint.value.0.clone(), port, tls: true },
            username: None,
            password: None,
            tls: Tls {
                ca: sink.ca.as_ref().map(|path| path.value.clone()),
                identity: Some(Identity {
                    certificate: sink.certificate.value.clone(),
                    key: sink.key.value.clone(),
                }),
                alpn: if port == ALPN.0 { vec![ALPN.1.to_owned()] } else { Vec::new() },
            },
            client_id: sink.thing.as_ref().map_or_else(|| node.to_owned(), |thing| thing.value.0.clone()),
            status_topic: None,
            window: u16::try_from(sink.in_flight.0).unwrap_or(u16::MAX),
            listens: false,
        };
        // Basic Ingest: the rule has the topic behind the three parts in front.
        let prefix =
            sink.rule.as_ref().map_or_else(String::new, |rule| format!("$aws/rules/{}/", rule.value.0));
        let topics = Topics {
            status: String::new(),
            state: format!("{prefix}{}", sink.topics.state.value.0),
            message: format!("{prefix}{}", sink.topics.message.value.0),
            diagnostics: format!("{prefix}{}", sink.topics.diagnostics.value.0),
            figures: String::new(),
            batch: format!("{prefix}{}", sink.topics.batch.value.0),
            command: String::new(),
        };
        let batch = sink.batch.as_ref().map(|batch| batch.value.terms(topics.batch(node)));
        let (settable, names) = (Settable::default(), BTreeSet::new());
        Self { settings, shadow: sink.shadow, settable, names, batch, topics, only: file::only(&sink.only) }
    }

    fn learn(&mut self, symbols: &Symbols) {
        if self.shadow {
            self.settable = Settable::of(symbols);
            self.names = reported::names(symbols, &self.only);
        }
    }

    fn make(&self, node: &str) -> (Batching<AwsIot>, Form) {
        let renderer = Renderer::new(node, self.topics.clone(), self.only.clone());
        let renderer = if self.shadow { renderer.reporting() } else { renderer };
        let thing = self.shadow.then_some(self.settings.client_id.as_str());
        let cloud = AwsIot::new(self.settings.clone(), thing, self.settable.clone(), self.names.clone());
        (Batching::new(cloud, self.batch.clone()), Form::Json(renderer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::read_text;

    fn thing(more: &str) -> Thing {
        let table = format!(
            "{{ kind = \"aws-iot\", endpoint = \"e.amazonaws.com\", certificate = \"c\", key = \"k\"{more} }}"
        );
        Thing::new("porch", "cloud", &read_text(table.leak()).unwrap())
    }

    #[test]
    fn the_client_is_the_thing_and_the_thing_the_node() {
        assert_eq!(thing("").settings.client_id, "porch");
        assert_eq!(thing(", thing = \"Front:Door\"").settings.client_id, "Front:Door");
        assert_eq!(thing("").settings.status_topic, None, "presence is AWS' own business");
    }

    #[test]
    fn on_the_port_of_https_the_protocol_is_named() {
        assert_eq!(thing("").settings.tls.alpn, [""; 0]);
        assert_eq!(thing("").settings.address.port, 8883);
        assert_eq!(thing(", port = 443").settings.tls.alpn, ["x-amzn-mqtt-ca"]);
    }

    #[test]
    fn basic_ingest_goes_to_the_rule() {
        let topics = thing(", rule = \"doors\"").topics;
        assert_eq!(topics.message, "$aws/rules/doors/campanile/{node}/message/{name}");
        assert_eq!(topics.diagnostics, "$aws/rules/doors/campanile/{node}/diagnostics");
    }
}
