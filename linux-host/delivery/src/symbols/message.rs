//! What `send` sends: text and data with places for values. The engine freezes the values; here they become words.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A message as its author wrote it, with a place for each value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Message {
    /// Its name: what sinks filter by, and the end of its topic.
    pub name: String,
    /// The values that the engine freezes, in its order; at most four.
    pub values: Vec<Slot>,
    /// The text; `None` if the author wrote none.
    pub text: Option<Vec<Part>>,
    /// The data, by key.
    pub data: Vec<(String, Datum)>,
}

/// One frozen value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// What it is the value of.
    pub name: String,
    /// How it is shown.
    pub kind: Kind,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// As it is.
    Text(String),
    /// A value: its place in [`Message::values`].
    Value(u8),
}

/// A value of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Datum {
    /// Always the same.
    Constant(Value),
    /// Text with values in it.
    Text(Vec<Part>),
    /// A value alone, which keeps its type.
    Value(u8),
}

/// How an integer of the engine is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `on` or `off`.
    Level,
    /// A number with so many decimals.
    Number {
        /// 0 to 9.
        decimals: u8,
    },
}

impl Kind {
    /// The value in words; `unknown` if the engine had none.
    pub fn text(self, value: Option<i32>) -> String {
        match (self, value) {
            (_, None) => "unknown".to_owned(),
            (Self::Level, Some(0)) => "off".to_owned(),
            (Self::Level, Some(_)) => "on".to_owned(),
            (Self::Number { decimals }, Some(value)) => number(value, decimals),
        }
    }

    /// The value in JSON: `"on"`, `41.5`, `null` if the engine had none.
    pub fn json(self, value: Option<i32>) -> Value {
        match (self, value) {
            (_, None) => Value::Null,
            (Self::Level, Some(_)) => Value::String(self.text(value)),
            (Self::Number { decimals: 0 }, Some(value)) => Value::from(value),
            // Ten digits and a point have an exact way through a double and back.
            (Self::Number { .. }, Some(_)) => {
                self.text(value).parse::<f64>().map_or(Value::Null, Value::from)
            }
        }
    }
}

/// A scaled integer with its point: 415 with one decimal is `41.5`.
pub fn number(value: i32, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    if decimals == 0 {
        return value.to_string();
    }
    let digits = format!("{:0width$}", value.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    format!("{}{whole}.{fraction}", if value < 0 { "-" } else { "" })
}

impl Message {
    /// The text with its values; `None` if the author wrote none.
    pub fn text(&self, values: &[Option<i32>]) -> Option<String> {
        self.text.as_deref().map(|parts| self.fill(parts, values))
    }

    /// The data with its values; empty if the author wrote none.
    pub fn data(&self, values: &[Option<i32>]) -> Map<String, Value> {
        self.data
            .iter()
            .map(|(key, datum)| {
                let value = match datum {
                    Datum::Constant(value) => value.clone(),
                    Datum::Text(parts) => Value::String(self.fill(parts, values)),
                    Datum::Value(place) => {
                        self.slot(*place, values).map_or(Value::Null, |(kind, value)| kind.json(value))
                    }
                };
                (key.clone(), value)
            })
            .collect()
    }

    fn fill(&self, parts: &[Part], values: &[Option<i32>]) -> String {
        parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Value(place) => {
                    self.slot(*place, values).map_or_else(String::new, |(kind, value)| kind.text(value))
                }
            })
            .collect()
    }

    fn slot(&self, place: u8, values: &[Option<i32>]) -> Option<(Kind, Option<i32>)> {
        let place = usize::from(place);
        Some((self.values.get(place)?.kind, values.get(place).copied().flatten()))
    }
}
