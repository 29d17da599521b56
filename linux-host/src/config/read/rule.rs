//! What the keys of a table have to do with each other: declared once, for the reader and for the schema.

use serde_json::{Value, json};
use toml::de::{DeTable, DeValue};

use super::super::source::Diagnostic;
use super::Node;

/// A key that is not right on its own, or not beside another.
pub struct Rule {
    key: &'static str,
    bond: Bond,
    label: &'static str,
    help: &'static str,
}

enum Bond {
    /// One of these keys has to be there too.
    Needs(&'static [&'static str]),
    /// This key must not be there too.
    Excludes(&'static str),
    /// This key must have none of these words; the first is its default.
    Without(&'static str, &'static [&'static str]),
}

impl Rule {
    /// A key that says nothing without one of these.
    pub const fn needs(
        key: &'static str,
        others: &'static [&'static str],
        label: &'static str,
        help: &'static str,
    ) -> Self {
        Self { key, bond: Bond::Needs(others), label, help }
    }

    /// Two keys of which one stands in a table.
    pub const fn excludes(
        key: &'static str,
        other: &'static str,
        label: &'static str,
        help: &'static str,
    ) -> Self {
        Self { key, bond: Bond::Excludes(other), label, help }
    }

    /// A key that says nothing while another has one of these words, of which the first is its default.
    pub const fn not_with(
        key: &'static str,
        other: &'static str,
        words: &'static [&'static str],
        label: &'static str,
        help: &'static str,
    ) -> Self {
        Self { key, bond: Bond::Without(other, words), label, help }
    }

    /// What is wrong with a table by this rule.
    pub fn check(&self, table: &DeTable<'_>) -> Option<Diagnostic> {
        let value = Node::from(table.get(self.key)?);
        let key = self.key;
        let error = |what: String| Diagnostic::error(value.span(), what).label(self.label).help(self.help);
        match self.bond {
            Bond::Needs(others) if others.iter().any(|other| table.contains_key(*other)) => None,
            Bond::Needs(others) => Some(error(format!("`{key}` without `{}`", others.join("` or `")))),
            Bond::Excludes(other) => {
                let first = Node::from(table.get(other)?);
                Some(
                    error(format!("`{key}` and `{other}` cannot be used together"))
                        .other(first.span(), "the other"),
                )
            }
            Bond::Without(other, words) => {
                let word = match table.get(other).map(|value| value.get_ref()) {
                    None => *words.first()?,
                    Some(DeValue::String(text)) => words.iter().find(|word| *word == text)?,
                    Some(_) => return None,
                };
                Some(error(format!("`{key}` cannot be used with {other} = \"{word}\"")))
            }
        }
    }

    /// The same for a schema.
    pub fn schema(&self) -> Value {
        let key = self.key;
        let wrong = match &self.bond {
            Bond::Needs(others) => {
                let any: Vec<_> = others.iter().map(|other| json!({ "required": [other] })).collect();
                json!({ "required": [key], "not": { "anyOf": any } })
            }
            Bond::Excludes(other) => json!({ "required": [key, other] }),
            // A key that is not there has the default, whatever `properties` says of it.
            Bond::Without(other, words) => {
                json!({ "required": [key], "properties": { *other: { "enum": words } } })
            }
        };
        json!({ "not": wrong })
    }
}
