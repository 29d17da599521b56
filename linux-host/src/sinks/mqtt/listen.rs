//! What comes from a broker: commands for this node, and messages that its triggers wait for.
//!
//! A command's topic says what is asked for, its payload how: `campanile/porch/set/chime` with `on`. A message's topic
//! says its name and where it comes from; what the payload says of its identity and its onset keeps one that comes again,
//! or comes late, from ringing twice. Messages of this node itself are not for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rumqttc::mqttbytes::matches;
use serde::Deserialize;
use serde_json::Value;

use crate::control::protocol::Operation;
use crate::control::switch::Switch;
use crate::sinks::arrival::{Arrival, What, Wish, number};
use crate::sinks::commands::{Commands, Verb};
use crate::sinks::topics::{Topics, capture, filter};

/// The longest payload of a command.
const LONGEST: usize = 1024;
/// Nodes whose last message is kept: more send to nobody.
const NODES: usize = 64;

/// Whether a sink hears what it asks for, as another one at the same broker sees it: until the broker refuses that.
#[derive(Clone, Debug)]
pub struct Hears(Arc<AtomicBool>);

impl Default for Hears {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

/// No part of what a sink is to do.
impl PartialEq for Hears {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Hears {
    /// It does, or it does not.
    pub(super) fn tell(&self, hears: bool) {
        self.0.store(hears, Ordering::Relaxed);
    }
}

/// What a sink listens to.
#[derive(Clone, Debug, PartialEq)]
pub struct Listening {
    /// This node.
    pub node: String,
    /// Where commands and messages come from.
    pub topics: Topics,
    /// What may be asked for.
    pub commands: Commands,
    /// Topics of messages, with wildcards; without any those of every node.
    pub listen: Vec<String>,
    /// Messages that triggers wait for.
    pub heard: Vec<String>,
    /// Other sinks at the same broker, which come first: what one of them takes is not carried out here once more.
    pub earlier: Vec<Self>,
    /// Whether it hears all that.
    pub hears: Hears,
}

impl Listening {
    /// What to subscribe to.
    pub fn filters(&self) -> Vec<String> {
        let verbs = Verb::ALL.into_iter().filter(|verb| self.commands.allow_any(*verb));
        let mut filters: Vec<_> =
            verbs.map(|verb| filter(&self.topics.command, Some(&self.node), verb.word(), None)).collect();
        match self.listen.as_slice() {
            [] => filters.extend(
                self.heard.iter().map(|name| filter(&self.topics.message, None, "message", Some(name))),
            ),
            _ if self.heard.is_empty() => {}
            topics => filters.extend_from_slice(topics),
        }
        filters.dedup();
        filters
    }

    /// Whether it takes what comes under this topic.
    fn takes(&self, topic: &str) -> bool {
        if !self.hears.0.load(Ordering::Relaxed) {
            return false;
        }
        match self.asked(topic) {
            Some((verb, name)) => self.commands.allow(verb, name),
            None => self.asks_for(topic),
        }
    }

    /// Whether it has asked for what comes under this topic: a session that goes on may bring what an earlier file wanted.
    fn asks_for(&self, topic: &str) -> bool {
        self.filters().iter().any(|filter| matches(topic, filter))
    }

    /// What a publication asks for; `None` if it is not meant for this node, came before, or is another sink's to take.
    pub(super) fn understand(&self, seen: &mut Seen, topic: &str, payload: &[u8]) -> Option<Arrival> {
        if !self.asks_for(topic) || self.earlier.iter().any(|sink| sink.takes(topic)) {
            return None;
        }
        if let Some(command) = self.command(topic, payload) {
            let what = match command {
                Ok(wish) => What::Wish(wish),
                Err(why) => What::Unclear(why),
            };
            return Some(Arrival { from: topic.to_owned(), what });
        }
        let captured = capture(&self.topics.message, topic);
        let name = match &captured {
            Some(captured) => captured.name,
            None => topic.rsplit('/').next()?,
        };
        let said = Said::read(payload);
        let from_here = captured.and_then(|captured| captured.node) == Some(&*self.node)
            || said.node.as_deref() == Some(&*self.node);
        if from_here || !self.heard.iter().any(|heard| heard == name) || !seen.is_new(&said) {
            return None;
        }
        let operation = Operation::Message { message: name.to_owned() };
        let wish = Wish { operation, id: said.identity().map(|text| number(&text)), began: said.began() };
        Some(Arrival { from: topic.to_owned(), what: What::Wish(wish) })
    }

    /// A command for this node; `None` if the topic is of something else.
    fn command(&self, topic: &str, payload: &[u8]) -> Option<Result<Wish, String>> {
        let (verb, name) = self.asked(topic)?;
        Some(if self.commands.allow(verb, name) {
            wish(verb, name, payload)
        } else {
            Err("not allowed over this sink: see `commands`".to_owned())
        })
    }

    /// The verb and the name in the topic of a command for this node.
    fn asked<'t>(&self, topic: &'t str) -> Option<(Verb, &'t str)> {
        let captured = capture(&self.topics.command, topic)?;
        let verb = Verb::of(captured.kind?)?;
        captured.node.is_none_or(|node| node == self.node).then_some((verb, captured.name))
    }
}

/// What a command's payload adds to its topic: a word, a number, or an object with `value` and `id`.
fn wish(verb: Verb, name: &str, payload: &[u8]) -> Result<Wish, String> {
    if payload.len() > LONGEST {
        return Err(format!("a payload of {} bytes: no command has more than {LONGEST}", payload.len()));
    }
    let text = std::str::from_utf8(payload).map_err(|_| "the payload is not text")?.trim();
    let (value, id) = if text.starts_with('{') { object(text)? } else { (text.to_owned(), None) };
    let name = name.to_owned();
    let operation = match verb {
        Verb::Set => Operation::Set { output: name, to: switch(&value)? },
        Verb::Start => Operation::Start { scenario: name },
        Verb::Stop => Operation::Stop { scenario: name },
        Verb::Let => {
            let value = value.parse().map_err(|_| format!("{value:?} is not a 32-bit integer"))?;
            Operation::Let { variable: name, value }
        }
        // An empty payload is nothing, as everywhere in MQTT.
        Verb::Feed if value.is_empty() => Operation::Feed { sensor: name, value: None },
        Verb::Feed => Operation::feed(name, value),
    };
    Ok(Wish { operation, id, began: None })
}

fn object(text: &str) -> Result<(String, Option<u32>), String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Command {
        #[serde(default)]
        value: Value,
        #[serde(default)]
        id: Option<u32>,
    }
    let form = "such as {\"value\": \"on\", \"id\": 7}";
    let command: Command = serde_json::from_str(text).map_err(|error| format!("{error}; write it {form}"))?;
    let value = match command.value {
        Value::String(text) => text,
        Value::Array(_) | Value::Object(_) => {
            return Err(format!("`value` is not a single value; write it {form}"));
        }
        other => other.to_string(),
    };
    Ok((value, command.id))
}

fn switch(value: &str) -> Result<Switch, String> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "1" | "true" => Ok(Switch::On),
        "off" | "0" | "false" => Ok(Switch::Off),
        _ => Err(format!("{value:?} is neither on nor off")),
    }
}

/// What a message says of itself, if it is one of ours.
#[derive(Debug, Default, Deserialize)]
struct Said {
    node: Option<String>,
    boot: Option<String>,
    seq: Option<u64>,
    time: Option<String>,
    #[serde(default)]
    trusted: bool,
}

impl Said {
    fn read(payload: &[u8]) -> Self {
        serde_json::from_slice(payload).unwrap_or_default()
    }

    fn identity(&self) -> Option<String> {
        Some(format!("{} {} {}", self.node.as_ref()?, self.boot.as_ref()?, self.seq?))
    }

    /// The onset, if that node's clock was synchronised.
    fn began(&self) -> Option<i64> {
        let time: jiff::Timestamp = self.time.as_ref().filter(|_| self.trusted)?.parse().ok()?;
        Some(time.as_microsecond())
    }
}

/// The last message of every node: what is not behind it has come before, as one sink sends in order and repeats from the
/// last that was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Seen(VecDeque<(String, String, u64)>);

impl Seen {
    fn is_new(&mut self, said: &Said) -> bool {
        let (Some(node), Some(boot), Some(seq)) = (&said.node, &said.boot, said.seq) else { return true };
        let known = self.0.iter().position(|(known, ..)| known == node);
        let last = known.and_then(|place| self.0.remove(place));
        let is_new = last.as_ref().is_none_or(|(_, last_boot, last)| last_boot != boot || *last < seq);
        if self.0.len() >= NODES {
            self.0.pop_front();
        }
        self.0.push_back(match last {
            Some(last) if !is_new => last,
            _ => (node.clone(), boot.clone(), seq),
        });
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening() -> Listening {
        Listening {
            node: "porch".into(),
            topics: Topics::default(),
            commands: Commands::default(),
            listen: Vec::new(),
            heard: vec!["doorbell".into()],
            earlier: Vec::new(),
            hears: Hears::default(),
        }
    }

    fn asked(topic: &str, payload: &str) -> What {
        listening().understand(&mut Seen::default(), topic, payload.as_bytes()).expect("an arrival").what
    }

    fn wish(topic: &str, payload: &str) -> Wish {
        match asked(topic, payload) {
            What::Wish(wish) => wish,
            other => panic!("{other:?}"),
        }
    }

    fn unclear(topic: &str, payload: &str) -> String {
        match asked(topic, payload) {
            What::Unclear(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn commands_are_read_from_topic_and_payload() {
        let set = |to| Operation::Set { output: "chime".into(), to };
        for (payload, to) in
            [("on", Switch::On), ("OFF", Switch::Off), ("1", Switch::On), ("{\"value\":false}", Switch::Off)]
        {
            assert_eq!(wish("campanile/porch/set/chime", payload).operation, set(to), "{payload}");
        }
        assert_eq!(wish("campanile/porch/set/chime", "{\"value\":\"on\",\"id\":7}").id, Some(7));
        let value = |value: &str| Operation::Feed { sensor: "tank".into(), value: Some(value.into()) };
        assert_eq!(wish("campanile/porch/feed/tank", "41.5").operation, value("41.5"));
        assert_eq!(wish("campanile/porch/feed/tank", "{\"value\":41.5}").operation, value("41.5"));
        let lost = Operation::Feed { sensor: "tank".into(), value: None };
        for payload in ["{\"value\":null}", "null", "none", ""] {
            assert_eq!(wish("campanile/porch/feed/tank", payload).operation, lost, "{payload}");
        }
        let start = Operation::Start { scenario: "ring".into() };
        assert_eq!(wish("campanile/porch/start/ring", "PRESS").operation, start);
        let operation = Operation::Let { variable: "rings".into(), value: -3 };
        assert_eq!(wish("campanile/porch/let/rings", " -3\n").operation, operation);
    }

    #[test]
    fn what_is_not_understood_says_what_would_be() {
        assert!(unclear("campanile/porch/set/chime", "toggle").contains("neither on nor off"));
        assert!(unclear("campanile/porch/let/rings", "3000000000").contains("32-bit"));
        assert!(unclear("campanile/porch/set/chime", "{\"val\":1}").contains("{\"value\": \"on\""));
        assert!(unclear("campanile/porch/set/chime", &"x".repeat(2000)).contains("2000 bytes"));
        let few = Listening { commands: Commands::new([(Verb::Set, "lamp".into())]), ..listening() };
        let arrival = few.understand(&mut Seen::default(), "campanile/porch/set/chime", b"on").unwrap();
        assert!(matches!(arrival.what, What::Unclear(why) if why.contains("`commands`")));
        assert_eq!(few.filters(), ["campanile/porch/set/+", "campanile/+/message/doorbell"]);
    }

    #[test]
    fn messages_of_others_come_once_and_those_of_this_node_never() {
        let (listening, mut seen) = (listening(), Seen::default());
        let mut hear = |topic: &str, node: &str, boot: &str, seq: u64| {
            let payload = format!(
                r#"{{"value":"doorbell","time":"2026-11-21T07:30:00.123456Z","trusted":true,"node":"{node}","boot":"{boot}","seq":{seq}}}"#
            );
            listening.understand(&mut seen, topic, payload.as_bytes())
        };
        let back = "campanile/back-door/message/doorbell";
        let first = hear(back, "back-door", "5-9f3c21aa", 10).unwrap();
        let What::Wish(wish) = first.what else { panic!("no wish") };
        assert_eq!(wish.began, Some(1_795_246_200_123_456));
        assert!(wish.id.is_some());
        assert_eq!(hear(back, "back-door", "5-9f3c21aa", 10), None, "again");
        assert_eq!(hear(back, "back-door", "5-9f3c21aa", 7), None, "repeated from further back");
        assert!(hear(back, "back-door", "5-9f3c21aa", 11).is_some());
        assert!(hear(back, "back-door", "6-00000001", 2).is_some(), "of its next start");
        assert_eq!(hear("campanile/porch/message/doorbell", "porch", "1-2", 3), None, "its own");
        assert_eq!(hear("campanile/back-door/message/letter", "back-door", "6-00000001", 3), None);
    }

    #[test]
    fn a_plain_text_under_a_topic_of_ones_own_is_a_message_too() {
        let listening = Listening { listen: vec!["zigbee/+/doorbell".into()], ..listening() };
        assert!(listening.filters().contains(&"zigbee/+/doorbell".to_owned()));
        let mut seen = Seen::default();
        for _ in 0..2 {
            let arrival = listening.understand(&mut seen, "zigbee/gate/doorbell", b"pressed").unwrap();
            assert_eq!(arrival, Arrival::message("zigbee/gate/doorbell", "doorbell", None));
        }
    }

    #[test]
    fn of_two_sinks_at_one_broker_each_thing_is_taken_by_one() {
        let chime = Listening { commands: Commands::new([(Verb::Set, "chime".into())]), ..listening() };
        let second = Listening { listen: vec!["gate/+".into()], earlier: vec![chime.clone()], ..listening() };
        let taken = |listening: &Listening, topic: &str| {
            let arrival = listening.understand(&mut Seen::default(), topic, b"on");
            arrival.is_some_and(|arrival| matches!(arrival.what, What::Wish(_)))
        };
        for (topic, by_first, by_second) in [
            ("campanile/porch/set/chime", true, false),
            ("campanile/porch/set/lamp", false, true),
            ("campanile/gate/message/doorbell", true, false),
            ("gate/doorbell", false, true),
            ("campanile/gate/set/chime", false, false),
        ] {
            assert_eq!(taken(&chime, topic), by_first, "{topic}");
            assert_eq!(taken(&second, topic), by_second, "{topic}");
        }
        chime.hears.tell(false);
        assert!(taken(&second, "campanile/porch/set/chime"), "the first is not let in");
    }

    #[test]
    fn only_so_many_nodes_are_remembered() {
        let mut seen = Seen::default();
        for node in 0..3 * NODES {
            let said = Said {
                node: Some(node.to_string()),
                boot: Some("1".into()),
                seq: Some(1),
                ..Said::default()
            };
            assert!(seen.is_new(&said) && !seen.is_new(&said));
        }
        assert_eq!(seen.0.len(), NODES);
    }
}
