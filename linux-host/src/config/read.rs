//! Reading TOML values into types, with every error and its place, and the JSON Schema of the same types.
//!
//! One declaration drives both: `table!` for tables, `choice!` for tables told apart by one of their keys,
//! `words!` for a few words. A reader goes on behind an error, so that all of them are found at once; it gives `None`
//! only after it has said why.

mod declare;
mod report;
mod rule;
mod schema;
mod table;
mod values;

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use super::source::{Diagnostic, Source};
use crate::nearest::nearest;

pub(crate) use declare::{choice, field, field_default, field_required, field_type, kinds, table, words};
pub use report::Report;
pub use rule::Rule;
pub use schema::{add_kind, add_to_each, definition, property};
pub use table::{KIND, Table, kind, word};
pub use values::{At, Entries, NAME_PATTERN, Needed};

/// A value and its place in the text.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    value: &'a DeValue<'a>,
    start: usize,
    end: usize,
    others: Others,
}

/// Which keys of a table are another reader's business.
#[derive(Clone, Copy)]
enum Others {
    None,
    These(&'static [&'static str]),
    AllUnknown,
}

impl<'a> Node<'a> {
    /// What the value is.
    pub const fn value(self) -> &'a DeValue<'a> {
        self.value
    }

    /// Where it stands.
    pub const fn span(self) -> Range<usize> {
        self.start..self.end
    }

    /// The same, where these keys are another reader's business.
    #[must_use]
    pub const fn without(self, keys: &'static [&'static str]) -> Self {
        Self { others: Others::These(keys), ..self }
    }

    /// The same, where all keys that are not known are another reader's business.
    #[must_use]
    pub const fn known_only(self) -> Self {
        Self { others: Others::AllUnknown, ..self }
    }

    /// What kind of value it is, in words.
    pub const fn kind(self) -> &'static str {
        match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number with a point",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }
}

impl<'a> From<&'a Spanned<DeValue<'a>>> for Node<'a> {
    fn from(spanned: &'a Spanned<DeValue<'a>>) -> Self {
        let Range { start, end } = spanned.span();
        Self { value: spanned.get_ref(), start, end, others: Others::None }
    }
}

/// Definitions that a schema refers to.
pub type Definitions = BTreeMap<&'static str, Value>;

/// A type that can be read from a TOML value.
pub trait Read: Sized {
    /// What belongs here, in words that go behind "expected".
    const WHAT: &'static str;

    /// What belongs where several of it stand.
    const LIST: &'static str = "a list";

    /// The keys, of a table.
    const KEYS: &'static [&'static str] = &[];

    /// What its keys have to do with each other, of a table.
    const RULES: &'static [Rule] = &[];

    /// Reads it, or says why not.
    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self>;

    /// Its JSON Schema; tables go to the definitions.
    fn schema(definitions: &mut Definitions) -> Value;

    /// What to do about a value of the wrong kind.
    fn hint(_: Node<'_>, _: &Report<'_>) -> Option<String> {
        None
    }

    /// What to do about one of it that stands where a list of it belongs.
    fn alone(node: Node<'_>, report: &Report<'_>) -> Option<String> {
        matches!(node.value(), DeValue::Table(_)).then(|| {
            let header = report.source.line(node.span().start).trim();
            let path: Vec<_> = header.trim_matches(['[', ']']).split('.').collect();
            match path.as_slice() {
                _ if !header.starts_with('[') => "write [ and ] around it: [{ .. }]".to_owned(),
                [_, key @ ("when" | "do")] => format!("write `{key} = [{{ .. }}]` instead of this header"),
                [list, ..] => format!("each has a header [[{list}]], and its `name` below it"),
                [] => "write [ and ] around it: [{ .. }]".to_owned(),
            }
        })
    }

    /// What stands in for it after an error has been reported, so that one mistake does not hide the next.
    fn broken() -> Option<Self> {
        None
    }
}

/// Reads a value from a text of its own, such as `{}` for a table that has nothing but defaults.
pub fn read_text<T: Read>(text: &'static str) -> Option<T> {
    let value = DeValue::parse(text).ok()?.into_inner();
    let source = Source::new("defaults", text);
    T::read(
        Node { value: &value, start: 0, end: text.len(), others: Others::None },
        &mut Report::new(&source),
    )
}

/// Says that a value is of the wrong kind.
pub fn wrong_kind<T: Read>(node: Node<'_>, report: &mut Report<'_>) {
    let wrong = Diagnostic::error(node.span(), format!("expected {}, found {}", T::WHAT, node.kind()))
        .label(format!("this is {}", node.kind()));
    let hint = T::hint(node, report);
    report.push(match hint {
        Some(hint) => wrong.help(hint),
        None => wrong,
    });
}

/// "did you mean `x`?", or the list of what there is.
pub fn suggestion<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(name) = nearest(wrong, known.clone()) {
        return format!("did you mean `{name}`?");
    }
    let names: Vec<_> = known.into_iter().collect();
    match names.as_slice() {
        [] => "there is none in this file".to_owned(),
        [name] => format!("there is only `{name}`"),
        names => format!("there are: {}", names.join(", ")),
    }
}
