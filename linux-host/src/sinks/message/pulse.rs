//! A sign of life: how a sink is doing, for its receiver.

use std::fmt::Write as _;
use std::time::Duration;

use campanile_delivery::Boot;

use super::{Kind, Message, Renderer, put_time, quoted};
use crate::sinks::figures::Figures;

/// What a sign of life says.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// This start of the node.
    pub boot: Boot,
    /// Counted from 1 since the sink began.
    pub number: u64,
    /// How long it has been at work.
    pub up: Duration,
    /// What it has done.
    pub figures: Figures,
}

impl Pulse {
    /// For a person.
    pub fn text(&self, node: &str) -> String {
        let minutes = self.up.as_secs() / 60;
        let Figures { delivered, refused, .. } = self.figures;
        format!(
            "{node} is alive: {} h {} min, {delivered} delivered, {refused} refused",
            minutes / 60,
            minutes % 60
        )
    }
}

impl Renderer {
    /// The message of a sign of life: of no record, so without a number of one.
    pub fn pulse(&self, pulse: &Pulse) -> Message {
        let Pulse { boot, number, up, figures } = pulse;
        let Figures { delivered, repeated, refused, lost, .. } = figures;
        let node = &self.node;
        let mut payload = "{\"value\":\"alive\",\"time\":".to_owned();
        put_time(&mut payload, Some(jiff::Timestamp::now().as_microsecond()));
        let text = quoted(&pulse.text(node));
        let _ = write!(payload, ",\"node\":\"{node}\",\"boot\":\"{boot}\",\"beat\":{number},\"text\":{text}");
        let _ = write!(payload, ",\"up\":{},\"delivered\":{delivered},\"repeated\":{repeated}", up.as_secs());
        let behind = figures.behind.map_or_else(|| "null".to_owned(), |behind| behind.to_string());
        let _ = write!(payload, ",\"dead-letters\":{refused},\"lost\":{lost},\"behind\":{behind}}}");
        let topic = self.topics.of(node, Kind::Diagnostics, "");
        Message { topic, payload, retain: false, kind: Kind::Diagnostics, every: None }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sinks::only::Only;
    use crate::sinks::topics::Topics;

    #[test]
    fn a_sign_of_life_says_how_things_are_and_is_of_no_record() {
        let figures = Figures { delivered: 40, refused: 1, behind: None, ..Figures::default() };
        let pulse =
            Pulse { boot: Boot::new(5, 0x9f3c_21aa), number: 12, up: Duration::from_secs(3900), figures };
        let message = Renderer::new("front-door", Topics::default(), Only::default()).pulse(&pulse);
        assert_eq!((message.topic.as_str(), message.retain), ("campanile/front-door/diagnostics", false));
        let mut object: Value = serde_json::from_str(&message.payload).unwrap();
        assert!(object["time"].take().as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        let expected = json!({
            "value": "alive", "time": null, "node": "front-door", "boot": "5-9f3c21aa", "beat": 12,
            "text": "front-door is alive: 1 h 5 min, 40 delivered, 1 refused",
            "up": 3900, "delivered": 40, "repeated": 0, "dead-letters": 1, "lost": 0, "behind": null,
        });
        assert_eq!(object, expected);
    }
}
