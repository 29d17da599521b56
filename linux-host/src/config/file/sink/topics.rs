//! `topics = { .. }`: where messages go.

use serde_json::{Value, json};
use toml::de::DeValue;

use crate::config::read::{At, Definitions, Node, Read, Report, read_text, table, wrong_kind};
use crate::config::scalar::Wrong;
use crate::sinks::topics;

table! {
    /// Topics: `{node}`, `{kind}` (input, output, sensor, variable; of commands what is asked for) and `{name}` stand for what they say.
    pub struct Topics("topics") {
        /// Whether the node is there, retained.
        "status" status (= "campanile/{node}/status"): At<Topic<1>>,
        /// States, retained.
        "state" state (= "campanile/{node}/{kind}/{name}"): At<Topic<3>>,
        /// Messages of `send`.
        "message" message (= "campanile/{node}/message/{name}"): At<Topic<3>>,
        /// Losses and faults.
        "diagnostics" diagnostics (= "campanile/{node}/diagnostics"): At<Topic<1>>,
        /// How the sink itself is doing, with `figures`, retained; `{name}` is its name.
        "figures" figures (= "campanile/{node}/figures/{name}"): At<Topic<3>>,
        /// Arrays of messages, with `batch`.
        "batch" batch (= "campanile/{node}/batch"): At<Topic<1>>,
        /// Where commands come from; `{kind}` is set, start, stop, let or feed.
        "command" command (= "campanile/{node}/{kind}/{name}"): At<Topic<3>>,
    }
}

impl Default for topics::Topics {
    fn default() -> Self {
        let read: Option<Topics> = read_text("{}");
        Self::from(&read.expect("every topic has a default"))
    }
}

impl From<&Topics> for topics::Topics {
    fn from(topics: &Topics) -> Self {
        Self {
            status: topics.status.value.0.clone(),
            state: topics.state.value.0.clone(),
            message: topics.message.value.0.clone(),
            diagnostics: topics.diagnostics.value.0.clone(),
            figures: topics.figures.value.0.clone(),
            batch: topics.batch.value.0.clone(),
            command: topics.command.value.0.clone(),
        }
    }
}

/// What the places in a topic may be: of these the first so many.
const PLACES: [&str; 3] = ["node", "kind", "name"];

/// A topic in which the first so many of `{node}`, `{kind}` and `{name}` have a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic<const N: usize>(pub String);

impl<const N: usize> Read for Topic<N> {
    const WHAT: &'static str = "a topic";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::String(text) = node.value() else {
            wrong_kind::<Self>(node, report);
            return None;
        };
        match check_topic(text, &PLACES[..N]) {
            Ok(()) => Some(Self(text.clone().into_owned())),
            Err(wrong) => {
                report.push(wrong.at(node.span()));
                None
            }
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": "^[^+#]+$" })
    }
}

fn check_topic(text: &str, places: &[&str]) -> Result<(), Wrong> {
    let usable = || format!("allowed placeholders: {{{}}}", places.join("}, {"));
    if text.is_empty() || text.starts_with('$') {
        return Err(Wrong::new("a topic is not empty and does not begin with $", usable()));
    }
    if let Some(wrong) = text.chars().find(|c| matches!(c, '+' | '#' | '\0')) {
        return Err(Wrong::new(
            format!("{wrong:?} has no place in a topic to publish to"),
            "it is for subscriptions",
        ));
    }
    for part in text.split('{').skip(1) {
        let Some((place, _)) = part.split_once('}') else {
            return Err(Wrong::new("a } is missing", usable()));
        };
        if !places.contains(&place) {
            return Err(Wrong::new(format!("{{{place}}} cannot be used here"), usable()));
        }
    }
    Ok(())
}
