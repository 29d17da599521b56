//! `only = [..]`: what a sink is told.

use serde_json::Value;
use toml::de::DeValue;

use crate::config::read::{At, Definitions, Node, Read, Report};
use crate::config::scalar::text;
use crate::config::source::Diagnostic;
use crate::sinks::message::Kind;
use crate::sinks::only::Only;

/// One pattern of `only`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// What kind of message.
    pub kind: Kind,
    /// Its name, in which `*` stands for anything.
    pub name: String,
    /// As it is written.
    pub pattern: String,
}

text!(Filter, "a filter such as \"input:*\"", { "type": "string", "pattern": filter_pattern() }, |text| {
    Only::parse(&[text]).map_err(|what| Wrong::new(what, "such as \"input:*\" or \"message:doorbell\""))?;
    let (kind, name) = text.split_once(':').unwrap_or((text, "*"));
    let kind = Kind::ALL.into_iter().find(|known| known.word() == kind).unwrap_or(Kind::Diagnostics);
    Ok(Self { kind, name: name.to_owned(), pattern: text.to_owned() })
});

fn filter_pattern() -> String {
    let words: Vec<_> =
        Kind::ALL.into_iter().filter(|kind| *kind != Kind::Diagnostics).map(Kind::word).collect();
    format!("^(({}):.+|{}(:.*)?)$", words.join("|"), Kind::Diagnostics.word())
}

/// The patterns of `only`: without the key none, and then everything passes.
#[derive(Clone, Debug, Default)]
pub struct Filters(pub Vec<At<Filter>>);

impl Read for Filters {
    const WHAT: &'static str = "a list of filters such as [\"input:*\"]";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        if matches!(node.value(), DeValue::Array(patterns) if patterns.is_empty()) {
            let what = "an empty list lets everything pass, as if the key were not there";
            report.push(Diagnostic::error(node.span(), what).label("leave it out, or name what is to pass"));
        }
        Vec::read(node, report).map(Self)
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let mut schema = Vec::<At<Filter>>::schema(definitions);
        schema["minItems"] = 1.into();
        schema
    }
}

/// The filter that patterns make together.
pub fn only(filters: &Filters) -> Only {
    let patterns: Vec<_> = filters.0.iter().map(|filter| filter.value.pattern.as_str()).collect();
    // Each was read by the same rules before.
    Only::parse(&patterns).unwrap_or_default()
}
