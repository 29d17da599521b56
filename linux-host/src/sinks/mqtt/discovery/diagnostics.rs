//! How things are with the node itself: bounces, lag, losses.

use serde_json::json;

use super::{Discovery, words};
use crate::sinks::message::Kind;

impl Discovery<'_> {
    /// Of an input: how much its contact bounces, and how late Home Assistant hears of it.
    pub(super) fn diagnostics_of(&self, name: &str, state: &str, all: &mut Vec<(String, String)>) {
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

    /// Losses and faults: the last of them in words, and what it took.
    pub(super) fn diagnostics(&self, all: &mut Vec<(String, String)>) {
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
                // Signs of life go there too, and are neither.
                "value_template": "{{ this.state if value_json.beat is defined else value_json.value }}",
                "json_attributes_topic": topic,
                "entity_category": "diagnostic",
                "icon": "mdi:alert-circle-outline",
            }),
        );
    }

    /// How the sink is doing. What is counted begins anew with each start.
    pub(super) fn figures(&self, all: &mut Vec<(String, String)>) {
        let figures = [
            ("lag", "Delivery lag", "measurement", "mdi:timer-sand"),
            ("behind", "Records that wait", "measurement", "mdi:tray-full"),
            ("lost", "Lost", "total_increasing", "mdi:alert-outline"),
            ("dead-letters", "Refused for good", "total_increasing", "mdi:email-off-outline"),
        ];
        for (key, name, class, icon) in figures {
            let mut config = json!({
                "name": name,
                "state_topic": self.figures,
                "value_template": format!("{{{{ value_json['{key}'] }}}}"),
                "state_class": class,
                "entity_category": "diagnostic",
                "icon": icon,
            });
            if key == "lag" {
                config["device_class"] = "duration".into();
                config["unit_of_measurement"] = "s".into();
                config["suggested_display_precision"] = 3.into();
            }
            self.put(all, "sensor", "figures", key, config);
        }
    }
}
