//! Home Assistant's MQTT discovery: every input, output, sensor, variable, message and scenario of the program introduces
//! itself, as a part of one device. The forms are those of Home Assistant 2024.3 and later, which CI holds them against.
//!
//! What a thing is to Home Assistant follows from what it is here and from what may be asked for over the sink: an output
//! that may not be set is shown and cannot be switched. The topics are those of the sink, whatever its templates are.

use campanile_delivery::symbols::{Input, Sensor, Symbols};
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
        all
    }

    fn input(&self, input: &Input, all: &mut Vec<(String, String)>) {
        let name = input.name.as_str();
        if !self.only.takes(Kind::Input, name) {
            return;
        }
        let state = self.topics.of(self.node, Kind::Input, name);
        if input.class == "button" {
            // An event happens once; the release and a state that is told again are none.
            let press = "{% if value_json.value == 'on' %}{\"event_type\": \"press\"}{% endif %}";
            self.put(
                all,
                "event",
                "input",
                name,
                json!({
                    "state_topic": state,
                    "event_types": ["press"],
                    "device_class": "button",
                    "value_template": press,
                }),
            );
        } else {
            self.put(
                all,
                "binary_sensor",
                "input",
                name,
                json!({
                    "state_topic": state,
                    "value_template": "{{ value_json.value }}",
                    "payload_on": "on",
                    "payload_off": "off",
                    "device_class": input.class,
                }),
            );
        }
        self.put(
            all,
            "sensor",
            "bounces",
            name,
            json!({
                "name": format!("{} bounces", words(name)),
                "state_topic": state,
                "value_template": "{{ value_json.bounces | default(0) }}",
                "state_class": "measurement",
                "entity_category": "diagnostic",
                "icon": "mdi:sine-wave",
            }),
        );
        self.put(all, "sensor", "lag", name, json!({
            "name": format!("{} lag", words(name)),
            "state_topic": state,
            // From the onset, as far as both clocks agree.
            "value_template": "{{ ((now() - as_datetime(value_json.time)).total_seconds() * 1000) | round if value_json.time and value_json.trusted else none }}",
            "unit_of_measurement": "ms",
            "device_class": "duration",
            "state_class": "measurement",
            "entity_category": "diagnostic",
            "enabled_by_default": false,
        }));
    }

    fn output(&self, name: &str, all: &mut Vec<(String, String)>) {
        if !self.only.takes(Kind::Output, name) {
            return;
        }
        let state = self.topics.of(self.node, Kind::Output, name);
        if self.commands.allow(Verb::Set, name) {
            self.put(
                all,
                "switch",
                "output",
                name,
                json!({
                    "state_topic": state,
                    "value_template": "{{ value_json.value }}",
                    "state_on": "on",
                    "state_off": "off",
                    "command_topic": self.command(Verb::Set, name),
                    "payload_on": "on",
                    "payload_off": "off",
                }),
            );
        } else {
            self.put(
                all,
                "binary_sensor",
                "output",
                name,
                json!({
                    "state_topic": state,
                    "value_template": "{{ value_json.value }}",
                    "payload_on": "on",
                    "payload_off": "off",
                }),
            );
        }
    }

    fn sensor(&self, sensor: &Sensor, all: &mut Vec<(String, String)>) {
        let name = sensor.name.as_str();
        if !self.only.takes(Kind::Sensor, name) {
            return;
        }
        let mut config = json!({
            "state_topic": self.topics.of(self.node, Kind::Sensor, name),
            "value_template": "{{ value_json.value }}",
            "suggested_display_precision": sensor.decimals,
            "state_class": "measurement",
        });
        if !sensor.unit.is_empty() {
            config["unit_of_measurement"] = sensor.unit.as_str().into();
        }
        if let Some(class) = class(&sensor.unit) {
            config["device_class"] = class.into();
        }
        self.put(all, "sensor", "sensor", name, config);
    }

    fn variable(&self, name: &str, all: &mut Vec<(String, String)>) {
        if !self.only.takes(Kind::Variable, name) {
            return;
        }
        let state = self.topics.of(self.node, Kind::Variable, name);
        if self.commands.allow(Verb::Let, name) {
            self.put(
                all,
                "number",
                "variable",
                name,
                json!({
                    "state_topic": state,
                    "value_template": "{{ value_json.value }}",
                    "command_topic": self.command(Verb::Let, name),
                    "min": i32::MIN,
                    "max": i32::MAX,
                    "step": 1,
                    "mode": "box",
                }),
            );
        } else {
            self.put(
                all,
                "sensor",
                "variable",
                name,
                json!({
                    "state_topic": state,
                    "value_template": "{{ value_json.value }}",
                    "state_class": "measurement",
                }),
            );
        }
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

    /// Losses and faults: the last of them in words, and what it took.
    fn diagnostics(&self, all: &mut Vec<(String, String)>) {
        if !self.only.takes(Kind::Diagnostics, "") {
            return;
        }
        let topic = self.topics.of(self.node, Kind::Diagnostics, "");
        self.put(
            all,
            "sensor",
            "diagnostics",
            "losses",
            json!({
                "name": "Last loss or fault",
                "state_topic": topic,
                "value_template": "{{ value_json.value }}",
                "json_attributes_topic": topic,
                "entity_category": "diagnostic",
                "icon": "mdi:alert-circle-outline",
            }),
        );
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

/// What a unit measures, where that is clear from the unit alone.
fn class(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "°C" | "°F" => "temperature",
        "hPa" | "mbar" | "kPa" | "bar" | "Pa" | "psi" => "pressure",
        "V" | "mV" => "voltage",
        "A" | "mA" => "current",
        "W" | "kW" => "power",
        "lx" => "illuminance",
        "mm" | "cm" | "m" | "km" => "distance",
        "g" | "kg" => "weight",
        "m/s" | "km/h" => "speed",
        "Hz" | "kHz" => "frequency",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use campanile_core::id::Level;
    use campanile_delivery::symbols::{Active, Drive, Line, Output, Pull, Report};

    use super::*;

    fn symbols() -> Symbols {
        let input = |name: &str, class: &str| Input {
            name: name.into(),
            board: "pi".into(),
            line: Line::Offset(1),
            active: Active::Low,
            pull: Pull::Up,
            class: class.into(),
            durable: false,
            report: Report::default(),
        };
        let mut symbols = Symbols::new("front-door");
        symbols.inputs = vec![input("bell", "button"), input("door", "door")];
        symbols.outputs = ["chime", "lamp"]
            .map(|name| Output {
                name: name.into(),
                board: "pi".into(),
                line: Line::Offset(2),
                active: Active::High,
                drive: Drive::PushPull,
                safe: Level::Off,
            })
            .to_vec();
        symbols.sensors = vec![Sensor {
            name: "tank".into(),
            unit: "cm".into(),
            decimals: 1,
            deadband: 0,
            min_interval_us: 0,
        }];
        symbols.variables = vec!["rings".into()];
        symbols.scenarios = vec!["ring".into()];
        symbols
    }

    fn announced(commands: &Commands, only: &Only) -> BTreeMap<String, Value> {
        let topics = Topics::default();
        let discovery = Discovery { prefix: PREFIX, node: "front-door", topics: &topics, commands, only };
        let all = discovery.announcements(&symbols()).into_iter();
        all.map(|(topic, payload)| (topic, serde_json::from_str(&payload).unwrap())).collect()
    }

    #[test]
    fn everything_introduces_itself_once_as_a_part_of_one_device() {
        let all = announced(&Commands::default(), &Only::default());
        let at = |component: &str, object: &str| {
            &all[&format!("homeassistant/{component}/campanile_front-door/{object}/config")]
        };
        assert_eq!(at("binary_sensor", "input_door")["device_class"], "door");
        assert_eq!(at("event", "input_bell")["event_types"], json!(["press"]));
        assert_eq!(at("switch", "output_chime")["command_topic"], "campanile/front-door/set/chime");
        assert_eq!(at("sensor", "sensor_tank")["device_class"], "distance");
        assert_eq!(at("number", "variable_rings")["state_topic"], "campanile/front-door/variable/rings");
        assert_eq!(at("button", "scenario_ring")["command_topic"], "campanile/front-door/start/ring");
        assert_eq!(at("sensor", "bounces_door")["name"], "Door bounces");
        let mut ids: Vec<_> = all.values().map(|config| config["unique_id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all.len());
        for config in all.values() {
            assert_eq!(config["availability_topic"], "campanile/front-door/status");
            assert_eq!(config["device"]["identifiers"], json!(["campanile_front-door"]));
        }
    }

    #[test]
    fn what_may_not_be_asked_for_is_shown_and_no_more_and_what_is_not_told_is_not_shown() {
        let only = Only::parse(&["output:*", "variable:*"]).unwrap();
        let all = announced(&Commands::new([(Verb::Set, "lamp".into())]), &only);
        let topics: Vec<_> = all.keys().map(String::as_str).collect();
        assert_eq!(
            topics,
            [
                "homeassistant/binary_sensor/campanile_front-door/output_chime/config",
                "homeassistant/sensor/campanile_front-door/variable_rings/config",
                "homeassistant/switch/campanile_front-door/output_lamp/config",
            ]
        );
    }
}
