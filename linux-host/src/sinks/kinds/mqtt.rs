//! `kind = "mqtt"`.

use std::path::PathBuf;

use campanile_delivery::symbols::Symbols;

use super::Plan;
use crate::config::file::{self, Common as _, DiscoveryPrefix, MqttSink};
use crate::config::read::At;
use crate::sinks::batch::{Batching, Terms};
use crate::sinks::message::Renderer;
use crate::sinks::mqtt::discovery::{self, Discovery};
use crate::sinks::mqtt::listen::{Hears, Listening};
use crate::sinks::mqtt::payloads::Payloads;
use crate::sinks::mqtt::upkeep::Upkeep;
use crate::sinks::mqtt::{Mqtt, Settings, client_id_of};
use crate::sinks::only::Only;
use crate::sinks::render::Form;
use crate::sinks::tls::{Identity, Tls};
use crate::sinks::topics::Topics;

/// A broker.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sinks) struct Broker {
    settings: Settings,
    listening: Listening,
    discovery: Option<DiscoveryPrefix>,
    /// Where its own figures are kept, and whether they are.
    figures: (String, bool),
    upkeep: Upkeep,
    payloads: Payloads,
    batch: Option<Terms>,
    topics: Topics,
    only: Only,
}

impl Plan for Broker {
    type Table = MqttSink;
    type Sink = Batching<Mqtt>;

    fn new(node: &str, name: &str, mqtt: &MqttSink) -> Self {
        let topics = Topics::from(&mqtt.topics);
        let client_id = mqtt.client_id.as_ref().map(|id| id.value.0.clone());
        let settings = Settings {
            address: mqtt.url.value.clone(),
            username: mqtt.username.as_ref().map(|name| name.value.0.clone()),
            password: file::secret(&mqtt.password_file, &mqtt.password_env),
            tls: Tls {
                ca: mqtt.ca.as_ref().map(|path| path.value.clone()),
                identity: identity(mqtt.certificate.as_ref(), mqtt.key.as_ref()),
                alpn: mqtt.alpn.iter().map(|word| word.value.0.clone()).collect(),
            },
            client_id: client_id.unwrap_or_else(|| client_id_of(node, name)),
            status_topic: Some(topics.status(node)),
            window: u16::try_from(mqtt.in_flight.0).unwrap_or(u16::MAX),
            listens: false,
        };
        let listening = Listening {
            node: node.to_owned(),
            topics: topics.clone(),
            commands: mqtt.commands.commands(),
            listen: mqtt.listen.iter().map(|topic| topic.value.0.clone()).collect(),
            heard: Vec::new(),
            earlier: Vec::new(),
            hears: Hears::default(),
        };
        let discovery = mqtt.discovery.clone();
        Self {
            settings,
            listening,
            discovery,
            figures: (topics.figures(node, name), mqtt.figures().is_some()),
            upkeep: Upkeep::default(),
            payloads: mqtt.payloads.payloads(),
            batch: mqtt.batch.as_ref().map(|batch| batch.value.terms(topics.batch(node))),
            topics,
            only: file::only(&mqtt.only),
        }
    }

    fn learn(&mut self, symbols: &Symbols) {
        // With a point it is a satellite's, which comes over its line and from nowhere else.
        self.listening.heard = symbols.heard.iter().filter(|name| !name.contains('.')).cloned().collect();
        let Listening { node, commands, .. } = &self.listening;
        self.upkeep = Upkeep::new(node, &self.topics, symbols);
        if self.payloads.state.is_some() {
            self.upkeep.believe_topics(&self.topics);
        }
        let (figures, is_kept) = &self.figures;
        self.upkeep.keep_figures(figures, *is_kept);
        let (prefix, wanted) = match &self.discovery {
            None => return,
            Some(DiscoveryPrefix::Prefix(prefix)) => (prefix.as_str(), true),
            Some(DiscoveryPrefix::Nowhere) => (discovery::PREFIX, false),
        };
        let all = Discovery { prefix, node, topics: &self.topics, commands, only: &self.only, figures };
        let announcements = if wanted { all.announcements(symbols) } else { Vec::new() };
        self.upkeep.announce(prefix, announcements);
    }

    fn take_over(&mut self, before: &Self) {
        self.listening.hears = before.listening.hears.clone();
    }

    fn yield_to(&mut self, earlier: &Self) {
        if self.settings.address != earlier.settings.address {
            return;
        }
        if self.settings.status_topic == earlier.settings.status_topic {
            // Whoever leaves first would say that the node is gone.
            self.settings.status_topic = None;
        }
        self.listening.earlier.push(Listening { earlier: Vec::new(), ..earlier.listening.clone() });
    }

    fn make(&self, node: &str) -> (Batching<Mqtt>, Form) {
        let renderer = Renderer::new(node, self.topics.clone(), self.only.clone());
        let Self { settings, listening, upkeep, payloads, batch, .. } = self.clone();
        let broker = Mqtt::new(settings, listening, upkeep, payloads);
        (Batching::new(broker, batch), Form::Json(renderer))
    }
}

/// The reader has seen to it that there are both or none.
fn identity(certificate: Option<&At<PathBuf>>, key: Option<&At<PathBuf>>) -> Option<Identity> {
    Some(Identity { certificate: certificate?.value.clone(), key: key?.value.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::read_text;

    #[test]
    fn a_satellites_messages_come_from_nobody_at_the_broker() {
        let table = read_text("{ kind = \"mqtt\", url = \"mqtt://127.0.0.1\" }").unwrap();
        let mut broker = Broker::new("hall", "home", &table);
        let mut symbols = Symbols::new("hall");
        symbols.heard = vec!["doorbell".into(), "porch.rung".into()];
        broker.learn(&symbols);
        assert_eq!(broker.listening.heard, ["doorbell"]);
    }
}
