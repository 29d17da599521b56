//! What has a state: inputs, outputs, sensors, variables.

use campanile_delivery::symbols::{Input, Sensor};
use serde_json::json;

use super::Discovery;
use crate::sinks::commands::Verb;
use crate::sinks::message::Kind;

impl Discovery<'_> {
    pub(super) fn input(&self, input: &Input, all: &mut Vec<(String, String)>) {
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
        self.diagnostics_of(name, &state, all);
    }

    pub(super) fn output(&self, name: &str, all: &mut Vec<(String, String)>) {
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

    pub(super) fn sensor(&self, sensor: &Sensor, all: &mut Vec<(String, String)>) {
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

    pub(super) fn variable(&self, name: &str, all: &mut Vec<(String, String)>) {
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
