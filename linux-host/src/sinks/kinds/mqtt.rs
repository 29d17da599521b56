//! `kind = "mqtt"`.

use std::path::PathBuf;

use campanile_delivery::symbols::Symbols;

use super::Plan;
use crate::config::file::{self, MqttSink};
use crate::config::read::At;
use crate::sinks::message::Renderer;
use crate::sinks::mqtt::listen::Listening;
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
    topics: Topics,
    only: Only,
}

impl Plan for Broker {
    type Table = MqttSink;
    type Sink = Mqtt;

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
        };
        let listening = Listening {
            node: node.to_owned(),
            topics: topics.clone(),
            commands: mqtt.commands.commands(),
            listen: mqtt.listen.iter().map(|topic| topic.value.0.clone()).collect(),
            heard: Vec::new(),
        };
        Self { settings, listening, topics, only: file::only(&mqtt.only) }
    }

    fn learn(&mut self, symbols: &Symbols) {
        self.listening.heard.clone_from(&symbols.heard);
    }

    fn make(&self, node: &str) -> (Mqtt, Form) {
        let renderer = Renderer::new(node, self.topics.clone(), self.only.clone());
        (Mqtt::new(self.settings.clone(), self.listening.clone()), Form::Json(renderer))
    }
}

/// The reader has seen to it that there are both or none.
fn identity(certificate: Option<&At<PathBuf>>, key: Option<&At<PathBuf>>) -> Option<Identity> {
    Some(Identity { certificate: certificate?.value.clone(), key: key?.value.clone() })
}
