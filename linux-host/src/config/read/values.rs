//! Values around values: places, lists, names that the author chose.

use std::ops::Range;

use serde_json::{Value, json};
use toml::de::DeValue;

use super::super::source::Diagnostic;
use super::table::in_order;
use super::{Definitions, Node, Read, Report, wrong_kind};

/// A value that remembers its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// What it is.
    pub value: T,
    /// Where it stands.
    pub span: Range<usize>,
}

impl<T> At<T> {
    /// Whether it stands in for a value that was wrong: nothing is to be said about it.
    pub const fn is_broken(&self) -> bool {
        self.span.end == 0
    }
}

impl<T: Read> Read for At<T> {
    const WHAT: &'static str = T::WHAT;

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        T::read(node, report).map(|value| Self { value, span: node.span() })
    }

    fn schema(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }

    fn broken() -> Option<Self> {
        T::broken().map(|value| Self { value, span: 0..0 })
    }
}

impl<T: Read> Read for Vec<T> {
    const WHAT: &'static str = T::LIST;

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::Array(items) = node.value() else {
            wrong_kind::<Self>(node, report);
            return None;
        };
        Some(items.iter().filter_map(|item| T::read(item.into(), report)).collect())
    }

    fn hint(node: Node<'_>, report: &Report<'_>) -> Option<String> {
        T::alone(node, report)
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "type": "array", "items": T::schema(definitions) })
    }

    fn broken() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Read> Read for Box<T> {
    const WHAT: &'static str = T::WHAT;

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        T::read(node, report).map(Self::new)
    }

    fn schema(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }
}

/// A value that is needed, and may be missing once that has been reported.
#[derive(Clone, Debug)]
pub struct Needed<T>(pub Option<T>);

impl<T: Default> Default for Needed<T> {
    fn default() -> Self {
        Self(Some(T::default()))
    }
}

impl<T: Read> Read for Needed<T> {
    const WHAT: &'static str = T::WHAT;

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        Some(Self(T::read(node, report)))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }

    fn broken() -> Option<Self> {
        Some(Self(None))
    }
}

/// What names look like that the author chose.
pub const NAME_PATTERN: &str = "^[A-Za-z]([A-Za-z0-9_-]{0,30}[A-Za-z0-9_])?$";

/// A table whose keys are names that the author chose, in the order of the file. A wrong entry keeps its name, so that
/// those who use the name are not wrong too.
#[derive(Clone, Debug)]
pub struct Entries<T> {
    all: Vec<(At<String>, Option<T>)>,
    /// How many of them stand in the table itself.
    own: usize,
    whole: bool,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { all: Vec::new(), own: 0, whole: true }
    }
}

impl<T> Entries<T> {
    /// A table with one entry.
    pub fn one(name: At<String>, value: T) -> Self {
        Self { all: vec![(name, Some(value))], own: 1, whole: true }
    }

    /// Adds an entry of another table, under a name that nobody has written.
    pub fn join(&mut self, name: At<String>, value: Option<T>) {
        self.all.push((name, value));
    }

    /// How many stand in the table itself: those that [`join`](Self::join) added are behind them.
    pub const fn own(&self) -> usize {
        self.own
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether these are all: not after an error that left none of them.
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// The entry at a place.
    pub fn get(&self, place: usize) -> Option<(&At<String>, Option<&T>)> {
        self.all.get(place).map(|(name, value)| (name, value.as_ref()))
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.all.iter().map(|(name, _)| name.value.as_str())
    }

    /// Names and values; `None` for a value that is wrong.
    pub fn iter(&self) -> impl Iterator<Item = (&At<String>, Option<&T>)> {
        self.all.iter().map(|(name, value)| (name, value.as_ref()))
    }
}

impl<T: Read> Read for Entries<T> {
    const WHAT: &'static str = "a table of names";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::Table(table) = node.value() else {
            wrong_kind::<Self>(node, report);
            return None;
        };
        let mut all = Vec::new();
        for (key, value) in in_order(table) {
            let name = At { value: key.get_ref().clone().into_owned(), span: key.span() };
            let is_table = matches!(value.get_ref(), DeValue::Table(_));
            if !is_table && T::KEYS.contains(&name.value.as_str()) {
                report.push(
                    Diagnostic::error(name.span, format!("`{}` must be under a name", name.value))
                        .label(format!("this is for {}, which needs a name", T::WHAT))
                        .help("write the name into the header, such as [inputs.button] or [outputs.lamp]"),
                );
            } else {
                all.push((name, T::read(value.into(), report)));
            }
        }
        Some(Self { own: all.len(), all, whole: true })
    }

    fn hint(node: Node<'_>, report: &Report<'_>) -> Option<String> {
        let header = report.source.text.get(node.span()).unwrap_or_default();
        let key = header.trim_matches(['[', ']']);
        let is_header = header.starts_with("[[") && !key.contains(['[', '{', '"']);
        is_header.then(|| format!("each has a header with its name: [{key}.NAME]"))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let names = json!({ "pattern": NAME_PATTERN });
        json!({ "type": "object", "propertyNames": names, "additionalProperties": T::schema(definitions) })
    }

    fn broken() -> Option<Self> {
        Some(Self { all: Vec::new(), own: 0, whole: false })
    }
}
