//! What a broker keeps for this node, and what it has kept too long.
//!
//! A broker keeps what is retained for ever: the state of an input that the file has no more, the introduction of an output
//! that was renamed. So every connection looks at what is kept under this node's topics, and clears what no thing of the
//! program has. Nothing about it has to be remembered here, over a restart either, nor by whom it was published.

use std::collections::BTreeSet;

use campanile_delivery::symbols::Symbols;
use serde_json::Value;

use super::discovery;
use crate::sinks::message::Kind;
use crate::sinks::topics::{Topics, filter};

/// What a broker is to keep for this node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Upkeep {
    node: String,
    /// Where to look.
    filters: Vec<String>,
    /// The topics that are right.
    right: BTreeSet<String>,
    /// Topics and payloads of introductions.
    announcements: Vec<(String, String)>,
    /// Where someone says that these are wanted again.
    birth: Option<String>,
    /// What is kept says nothing of its node, and its topic does.
    by_topic: bool,
}

impl Upkeep {
    /// The states of a program.
    pub fn new(node: &str, topics: &Topics, symbols: &Symbols) -> Self {
        let mut right = BTreeSet::from([topics.status(node)]);
        let names: [(Kind, Vec<&str>); 4] = [
            (Kind::Input, symbols.inputs.iter().map(|input| &*input.name).collect()),
            (Kind::Output, symbols.outputs.iter().map(|output| &*output.name).collect()),
            (Kind::Sensor, symbols.sensors.iter().map(|sensor| &*sensor.name).collect()),
            (Kind::Variable, symbols.variables.iter().map(|name| &**name).collect()),
        ];
        let mut filters = Vec::new();
        for (kind, names) in names {
            right.extend(names.into_iter().map(|name| topics.of(node, kind, name)));
            filters.push(filter(&topics.state, Some(node), kind.word(), None));
        }
        filters.sort();
        filters.dedup();
        Self { node: node.to_owned(), filters, right, ..Self::default() }
    }

    /// And the sink's own figures, or nothing where they once were.
    pub fn keep_figures(&mut self, topic: &str, are_kept: bool) {
        self.filters.push(topic.to_owned());
        if are_kept {
            self.right.insert(topic.to_owned());
        }
    }

    /// States are told without the node's name: then what stands under topics with its name is this node's.
    pub fn believe_topics(&mut self, topics: &Topics) {
        self.by_topic = topics.state.contains("{node}");
    }

    /// And the introductions of its things, which are to be all that there are under the prefix.
    pub fn announce(&mut self, prefix: &str, announcements: Vec<(String, String)>) {
        self.filters.push(discovery::filter(prefix, &self.node));
        self.birth = (!announcements.is_empty()).then(|| discovery::birth(prefix));
        self.right.extend(announcements.iter().map(|(topic, _)| topic.clone()));
        self.announcements = announcements;
    }

    /// Where to look for what is kept.
    pub(super) fn filters(&self) -> &[String] {
        &self.filters
    }

    /// Where to listen for someone who wants the introductions again.
    pub(super) fn birth(&self) -> Option<&str> {
        self.birth.as_deref()
    }

    /// Topics and payloads of the introductions.
    pub(super) fn announcements(&self) -> &[(String, String)] {
        &self.announcements
    }

    /// Whether what is kept there is this node's, and of nothing that the program has.
    pub(super) fn is_stale(&self, topic: &str, payload: &[u8]) -> bool {
        !payload.is_empty() && !self.right.contains(topic) && self.is_ours(payload)
    }

    /// Topics can be shared with others; what we say has our name in it.
    fn is_ours(&self, payload: &[u8]) -> bool {
        let said: Value = serde_json::from_slice(payload).unwrap_or_default();
        let introduced = said["device"]["identifiers"][0].as_str();
        self.by_topic
            || said["node"].as_str() == Some(&*self.node)
            || introduced.is_some_and(|id| id.strip_prefix("campanile_") == Some(&*self.node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_has_no_more_is_stale_and_what_is_of_others_is_not() {
        let mut symbols = Symbols::new("porch");
        symbols.variables = vec!["rings".into()];
        let topics = Topics { state: "home/{kind}/{name}".into(), ..Topics::default() };
        let upkeep = Upkeep::new("porch", &topics, &symbols);
        let ours = br#"{"value":1,"node":"porch","boot":"1-2","seq":3}"#;
        assert_eq!(upkeep.filters(), ["home/input/+", "home/output/+", "home/sensor/+", "home/variable/+"]);
        assert!(upkeep.is_stale("home/variable/bells", ours));
        assert!(!upkeep.is_stale("home/variable/rings", ours));
        assert!(!upkeep.is_stale("home/variable/bells", br#"{"value":1,"node":"shed"}"#));
        assert!(!upkeep.is_stale("home/variable/bells", b"7"), "somebody else's");
        assert!(!upkeep.is_stale("home/variable/bells", b""), "cleared already");
    }

    #[test]
    fn figures_that_are_not_told_any_more_are_stale() {
        let said = br#"{"lag":0.002,"node":"porch","boot":"1-2","sink":"home"}"#;
        let topic = "campanile/porch/figures/home";
        for (are_kept, is_stale) in [(true, false), (false, true)] {
            let mut upkeep = Upkeep::new("porch", &Topics::default(), &Symbols::new("porch"));
            upkeep.keep_figures(topic, are_kept);
            assert_eq!(upkeep.is_stale(topic, said), is_stale);
            assert!(upkeep.filters().contains(&topic.to_owned()));
        }
    }

    #[test]
    fn introductions_of_what_is_gone_are_stale() {
        let mut upkeep = Upkeep::new("porch", &Topics::default(), &Symbols::new("porch"));
        upkeep.announce("ha", vec![("ha/switch/campanile_porch/output_lamp/config".into(), "{}".into())]);
        let config = br#"{"name":"Chime","device":{"identifiers":["campanile_porch"]}}"#;
        assert_eq!(upkeep.birth(), Some("ha/status"));
        assert!(upkeep.filters().contains(&"ha/+/campanile_porch/+/config".to_owned()));
        assert!(upkeep.is_stale("ha/switch/campanile_porch/output_chime/config", config));
        assert!(!upkeep.is_stale("ha/switch/campanile_porch/output_lamp/config", config));
    }
}
