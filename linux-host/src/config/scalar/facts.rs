//! Plain values by name.

use serde_json::{Map, Value, json};
use toml::de::DeValue;

use super::super::read::{Definitions, Node, Read, Report, wrong_kind};
use super::super::source::Diagnostic;
use super::{Decimal, Int};

/// What stands between braces in a report or in a message's data: plain values by name. `BESIDE` others of ours, whose
/// names are taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts<const BESIDE: bool>(pub Map<String, Value>);

/// What every message has, in which reports are included: names that nothing else may take.
pub const OURS: [&str; 9] = ["value", "time", "trusted", "node", "boot", "seq", "host", "bounces", "late"];

impl<const BESIDE: bool> Read for Facts<BESIDE> {
    const WHAT: &'static str = "a table of strings, numbers, true and false";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::Table(table) = node.value() else {
            wrong_kind::<Self>(node, report);
            return None;
        };
        let mut facts = Map::new();
        for (key, value) in table.iter() {
            if BESIDE && OURS.contains(&key.get_ref().as_ref()) {
                report.push(
                    Diagnostic::error(
                        key.span(),
                        format!("every message has a `{}` of its own", key.get_ref()),
                    )
                    .label("taken")
                    .help(format!("choose another name; taken are: {}", OURS.join(", "))),
                );
            }
            let node = Node::from(value);
            let fact = match node.value() {
                DeValue::String(text) => Some(Value::from(text.as_ref())),
                DeValue::Boolean(value) => Some(Value::from(*value)),
                DeValue::Integer(_) => {
                    Int::<{ i64::MIN }, { i64::MAX }>::read(node, report).map(|value| Value::from(value.0))
                }
                DeValue::Float(_) => Decimal::read(node, report).map(|value| Value::from(value.to_f64())),
                _ => {
                    report.push(
                        Diagnostic::error(
                            node.span(),
                            format!("expected a plain value, found {}", node.kind()),
                        )
                        .label("a string, a number, true or false"),
                    );
                    None
                }
            };
            facts.extend(fact.map(|fact| (key.get_ref().clone().into_owned(), fact)));
        }
        Some(Self(facts))
    }

    fn schema(_: &mut Definitions) -> Value {
        let mut schema =
            json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } });
        if BESIDE {
            schema["propertyNames"] = json!({ "not": { "enum": OURS } });
        }
        schema
    }
}
