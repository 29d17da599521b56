//! Home Assistant's MQTT discovery: every input, output, sensor, variable, message and scenario of the program introduces
//! itself, as a part of one device. The forms are those of Home Assistant 2024.3 and later, which CI holds them against.
//!
//! What a thing is to Home Assistant follows from what it is here and from what may be asked for over the sink: an output
//! that may not be set is shown and cannot be switched. The topics are those of the sink, whatever its templates are.

mod diagnostics;
mod states;
#[cfg(test)]
mod tests;

use campanile_delivery::symbols::Symbols;
use serde_json::{Value, json};

use crate::sinks::commands::{Commands, Verb};
use crate::sinks::message::Kind;
use crate::sinks::only::Only;
use crate::sinks::topics::Topics;

/// The prefix that Home Assistant listens to unless it is told otherwise.
pub const PREFIX: &str = "homeassistant";

/// What is introduced, and under which prefix.
#[derive(Clone, Debug)]
pub struct Discovery<'a> {
    /// Home Assistant's own topics begin with it.
    pub prefix: &'a str,
    /// This node.
    pub node: &'a str,
    /// Where the sink's messages go, and commands come from.
    pub topics: &'a Topics,
    /// What may be asked for.
    pub commands: &'a Commands,
    /// What the sink is told, and so can show.
    pub only: &'a Only,
    /// Where the sink's own figures are.
    pub figures: &'a str,
}

/// The name under which Home Assistant groups a node's topics: no other program's.
fn group(node: &str) -> String {
    format!("campanile_{node}")
}

/// The topics of all introductions of a node.
pub fn filter(prefix: &str, node: &str) -> String {
    format!("{prefix}/+/{}/+/config", group(node))
}

/// Where Home Assistant says that it has started, and wants to hear them again.
pub fn birth(prefix: &str) -> String {
    format!("{prefix}/status")
}

impl Discovery<'_> {
    /// All introductions: topics and payloads, to be retained.
    pub fn announcements(&self, symbols: &Symbols) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for input in &symbols.inputs {
            self.input(input, &mut all);
        }
        for output in &symbols.outputs {
            self.output(&output.name, &mut all);
        }
        for sensor in &symbols.sensors {
            self.sensor(sensor, &mut all);
        }
        for variable in &symbols.variables {
            self.variable(variable, &mut all);
        }
        let mut messages: Vec<_> = symbols.messages.iter().map(|message| message.name.as_str()).collect();
        messages.sort_unstable();
        messages.dedup();
        for message in messages {
            self.message(message, &mut all);
        }
        for scenario in &symbols.scenarios {
            self.scenario(scenario, &mut all);
        }
        self.diagnostics(&mut all);
        self.figures(&mut all);
        all
    }

    fn message(&self, name: &str, all: &mut Vec<(String, String)>) {
        if self.only.takes(Kind::Message, name) {
            self.put(
                all,
                "event",
                "message",
                name,
                json!({
                    "state_topic": self.topics.of(self.node, Kind::Message, name),
                    "event_types": [name],
                    "value_template": format!("{{\"event_type\": \"{name}\"}}"),
                }),
            );
        }
    }

    fn scenario(&self, name: &str, all: &mut Vec<(String, String)>) {
        if self.commands.allow(Verb::Start, name) {
            self.put(
                all,
                "button",
                "scenario",
                name,
                json!({
                    "command_topic": self.command(Verb::Start, name),
                    "payload_press": "PRESS",
                }),
            );
        }
    }

    fn command(&self, verb: Verb, name: &str) -> String {
        self.topics.command(self.node, verb.word(), name)
    }

    /// Adds what all of them have.
    fn put(
        &self,
        all: &mut Vec<(String, String)>,
        component: &str,
        kind: &str,
        name: &str,
        mut config: Value,
    ) {
        let object = format!("{kind}_{name}");
        let id = format!("{}_{object}", group(self.node));
        if config.get("name").is_none() {
            config["name"] = words(name).into();
        }
        config["unique_id"] = id.as_str().into();
        config["object_id"] = id.into();
        config["availability_topic"] = self.topics.status(self.node).into();
        config["qos"] = 1.into();
        config["device"] = json!({
            "identifiers": [group(self.node)],
            "name": words(self.node),
            "manufacturer": "Campanile",
            "model": "house",
            "sw_version": env!("CARGO_PKG_VERSION"),
        });
        config["origin"] = json!({ "name": "Campanile", "sw_version": env!("CARGO_PKG_VERSION") });
        let topic = format!("{}/{component}/{}/{object}/config", self.prefix, group(self.node));
        all.push((topic, config.to_string()));
    }
}

/// A name as people write it: `front-door` is `Front door`.
fn words(name: &str) -> String {
    let spaced = name.replace(['-', '_'], " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
