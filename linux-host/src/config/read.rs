//! Reading TOML values into types, with every error and its place, and the JSON Schema of the same types.
//!
//! One declaration drives both: [`table!`] for tables, [`choice!`] for tables told apart by one of their keys,
//! [`words!`] for a few words. A reader goes on behind an error, so that all of them are found at once; it gives `None`
//! only after it has said why.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::{Diagnostic, Source};

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

/// What reading has found so far.
pub struct Report<'s> {
    /// The text.
    pub source: &'s Source,
    /// What is to be said about it.
    pub found: Vec<Diagnostic>,
}

impl<'s> Report<'s> {
    /// Nothing found yet.
    pub const fn new(source: &'s Source) -> Self {
        Self { source, found: Vec::new() }
    }

    /// Takes note.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Where a part of a string's content stands: `part` counts bytes of the content. The whole value where escapes
    /// make the places differ.
    pub fn within(&self, string: Range<usize>, content: &str, part: Range<usize>) -> Range<usize> {
        let quoted = self.source.text.get(string.clone()).unwrap_or_default();
        match quoted.find(content) {
            Some(at) if !content.is_empty() => string.start + at + part.start..string.start + at + part.end,
            _ => string,
        }
    }
}

/// Definitions that a schema refers to.
pub type Definitions = BTreeMap<&'static str, Value>;

/// A type that can be read from a TOML value.
pub trait Read: Sized {
    /// What belongs here, in words that go behind "expected".
    const WHAT: &'static str;

    /// The keys, of a table.
    const KEYS: &'static [&'static str] = &[];

    /// Reads it, or says why not.
    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self>;

    /// Its JSON Schema; tables go to the definitions.
    fn schema(definitions: &mut Definitions) -> Value;

    /// What to go on with after an error has been reported, so that one mistake does not hide the next.
    fn broken() -> Option<Self> {
        None
    }
}

/// Says that a value is of the wrong kind.
pub fn wrong_kind<T: Read>(node: Node<'_>, report: &mut Report<'_>) {
    report.push(
        Diagnostic::error(node.span(), format!("expected {}, found {}", T::WHAT, node.kind()))
            .label(format!("this is {}", node.kind())),
    );
}

/// The known name nearest to a wrong one, if one is near enough to have been meant.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = match wrong.chars().count() {
        0 | 1 => 0,
        length => (length / 3).max(1),
    };
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(wrong, name), name))
        .min()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, name)| name)
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

/// A value that remembers its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// What it is.
    pub value: T,
    /// Where it stands.
    pub span: Range<usize>,
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
    const WHAT: &'static str = "a list";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::Array(items) = node.value() else {
            wrong_kind::<Self>(node, report);
            return None;
        };
        Some(items.iter().filter_map(|item| T::read(item.into(), report)).collect())
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

/// A table whose keys are names that the author chose, in the order of the file. A wrong entry keeps its name, so that
/// those who use the name are not wrong too.
#[derive(Clone, Debug)]
pub struct Entries<T>(pub Vec<(At<String>, Option<T>)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Entries<T> {
    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.iter().map(|(name, _)| name.value.as_str())
    }

    /// Names and values; `None` for a value that is wrong.
    pub fn iter(&self) -> impl Iterator<Item = (&At<String>, Option<&T>)> {
        self.0.iter().map(|(name, value)| (name, value.as_ref()))
    }
}

impl<T: Read> Read for Entries<T> {
    const WHAT: &'static str = "a table of names";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::Table(table) = node.value() else {
            wrong_kind::<Self>(node, report);
            return None;
        };
        let read = in_order(table).into_iter().map(|(key, value)| {
            let name = At { value: key.get_ref().clone().into_owned(), span: key.span() };
            (name, T::read(value.into(), report))
        });
        Some(Self(read.collect()))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "type": "object", "additionalProperties": T::schema(definitions) })
    }

    fn broken() -> Option<Self> {
        Some(Self::default())
    }
}

type Entry<'a> = (&'a Spanned<Cow<'a, str>>, &'a Spanned<DeValue<'a>>);

/// The entries of a table as the author wrote them: ids follow the file, not the alphabet.
fn in_order<'a>(table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// A table of known keys while it is read.
pub struct Table<'a> {
    entries: Vec<Entry<'a>>,
    what: &'static str,
    span: Range<usize>,
    known: &'static [&'static str],
    others: Others,
}

impl<'a> Table<'a> {
    /// Opens a table, or says that it is none.
    pub fn open<T: Read>(node: Node<'a>, report: &mut Report<'_>) -> Option<Self> {
        match node.value() {
            DeValue::Table(table) => Some(Self {
                entries: in_order(table),
                what: T::WHAT,
                span: node.span(),
                known: T::KEYS,
                others: node.others,
            }),
            _ => {
                wrong_kind::<T>(node, report);
                None
            }
        }
    }

    fn get(&self, key: &str) -> Option<Node<'a>> {
        self.entries.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| (*value).into())
    }

    /// A key that must be there.
    pub fn required<T: Read>(&self, key: &'static str, report: &mut Report<'_>) -> Option<T> {
        match self.get(key) {
            Some(node) => T::read(node, report).or_else(T::broken),
            None => {
                report.push(
                    Diagnostic::error(self.span.clone(), format!("`{key}` is missing in {}", self.what))
                        .label(format!("needs `{key}`: {}", T::WHAT))
                        .may_follow(),
                );
                T::broken()
            }
        }
    }

    /// A key that may be there.
    pub fn optional<T: Read>(&self, key: &'static str, report: &mut Report<'_>) -> Option<Option<T>> {
        Some(self.get(key).and_then(|node| T::read(node, report)))
    }

    /// A key with a default, written as in the file.
    pub fn default<T: Read>(
        &self,
        key: &'static str,
        default: &'static str,
        report: &mut Report<'_>,
    ) -> Option<T> {
        self.get(key).and_then(|node| T::read(node, report)).or_else(|| {
            let value = DeValue::parse(default).ok()?.into_inner();
            T::read(
                Node { value: &value, start: self.span.start, end: self.span.end, others: Others::None },
                report,
            )
        })
    }

    /// A key that means "nothing" when it is not there.
    pub fn empty<T: Read + Default>(&self, key: &'static str, report: &mut Report<'_>) -> Option<T> {
        Some(self.get(key).and_then(|node| T::read(node, report)).unwrap_or_default())
    }

    /// Refuses every key that nobody knows.
    pub fn close(self, report: &mut Report<'_>) {
        for (key, value) in &self.entries {
            let (name, span) = (key.get_ref(), key.span());
            let expected = self.known.contains(&name.as_ref())
                || match self.others {
                    Others::None => false,
                    Others::These(keys) => keys.contains(&name.as_ref()),
                    Others::AllUnknown => true,
                };
            if expected {
                continue;
            }
            let mut diagnostic = Diagnostic::error(span, format!("unknown key `{name}` in {}", self.what));
            if super::file::SECRETS.contains(&name.as_ref()) {
                diagnostic = diagnostic.hide(value.span());
            }
            report.push(match super::file::refused(name) {
                Some(help) => diagnostic.label("not here").help(help),
                None => diagnostic.label("unknown key").help(suggestion(name, self.known.iter().copied())),
            });
        }
    }

    /// Which of these keys is there; the first if several are. Says it if none is.
    pub fn head(
        node: Node<'_>,
        what: &'static str,
        heads: &'static [&'static str],
        report: &mut Report<'_>,
    ) -> Option<usize> {
        let DeValue::Table(table) = node.value() else {
            report.push(
                Diagnostic::error(node.span(), format!("expected {what}, found {}", node.kind()))
                    .label(format!("this is {}", node.kind())),
            );
            return None;
        };
        let head = heads.iter().position(|head| table.contains_key(*head));
        if head.is_none() {
            let keys = in_order(table);
            let near = keys.iter().find_map(|(key, _)| {
                let refused = super::file::refused(key.get_ref()).map(str::to_owned);
                let meant = || {
                    nearest(key.get_ref(), heads.iter().copied())
                        .map(|head| format!("did you mean `{head}`?"))
                };
                refused.or_else(meant).map(|help| (key.span(), help))
            });
            let (span, help) =
                near.unwrap_or_else(|| (node.span(), format!("it has one of: {}", heads.join(", "))));
            report.push(
                Diagnostic::error(span, format!("expected {what}")).label("of no known kind").help(help),
            );
        }
        head
    }
}

/// The schema of one key.
pub fn property(schema: Value, doc: &str, default: Option<Value>) -> Value {
    let mut object = match schema {
        Value::Object(object) if !object.contains_key("$ref") => object,
        reference => Map::from_iter([("allOf".to_owned(), json!([reference]))]),
    };
    let doc = doc.trim();
    if !doc.is_empty() {
        object.insert("description".to_owned(), doc.into());
    }
    if let Some(default) = default {
        object.insert("default".to_owned(), default);
    }
    Value::Object(object)
}

/// A reference to a definition, which is made if it is not there yet.
pub fn definition(
    name: &'static str,
    definitions: &mut Definitions,
    make: impl FnOnce(&mut Definitions) -> Value,
) -> Value {
    if !definitions.contains_key(name) {
        // Present before it is made: a definition may contain itself.
        definitions.insert(name, Value::Null);
        let made = make(definitions);
        definitions.insert(name, made);
    }
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// Declares a table: `"key" field (required | optional | empty | table | = "default"): Type`. Its doc comments are the schema's
/// descriptions, its defaults are written as in the file and read like it.
macro_rules! table {
    (
        $(#[doc = $doc:literal])+
        $(#[$meta:meta])*
        pub struct $name:ident ($what:literal) {
            $($(#[doc = $fdoc:literal])+ $key:literal $field:ident ($($how:tt)+): $ty:ty,)*
        }
    ) => {
        $(#[doc = $doc])+
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $fdoc])+ pub $field: $crate::config::read::field_type!(($($how)+) $ty),)*
            /// Where the table stands.
            pub span: std::ops::Range<usize>,
        }

        impl $crate::config::read::Read for $name {
            const WHAT: &'static str = $what;
            const KEYS: &'static [&'static str] = &[$($key),*];

            fn read(
                node: $crate::config::read::Node<'_>,
                report: &mut $crate::config::read::Report<'_>,
            ) -> Option<Self> {
                let table = $crate::config::read::Table::open::<Self>(node, report)?;
                $(let $field = $crate::config::read::field!(table, report, $key, ($($how)+) $ty);)*
                table.close(report);
                Some(Self { $($field: $field?,)* span: node.span() })
            }

            fn schema(definitions: &mut $crate::config::read::Definitions) -> serde_json::Value {
                $crate::config::read::definition(stringify!($name), definitions, |definitions| {
                    let _ = &definitions;
                    let properties = serde_json::Map::from_iter([$((
                        $key.to_owned(),
                        $crate::config::read::property(
                            <$ty as $crate::config::read::Read>::schema(definitions),
                            concat!($($fdoc, "\n"),+),
                            $crate::config::read::field_default!($($how)+),
                        ),
                    )),*]);
                    let required: Vec<Option<&str>> =
                        vec![$($crate::config::read::field_required!($key, $($how)+)),*];
                    let required: Vec<&str> = required.into_iter().flatten().collect();
                    serde_json::json!({
                        "type": "object",
                        "description": concat!($($doc, "\n"),+).trim(),
                        "properties": properties,
                        "required": required,
                        "additionalProperties": false,
                    })
                })
            }
        }
    };
}

/// The type of a field of a [`table!`].
macro_rules! field_type {
    ((optional) $ty:ty) => { Option<$ty> };
    (($($how:tt)+) $ty:ty) => { $ty };
}

/// How a field of a [`table!`] is read.
macro_rules! field {
    ($table:ident, $report:ident, $key:literal, (required) $ty:ty) => {
        $table.required::<$ty>($key, $report)
    };
    ($table:ident, $report:ident, $key:literal, (optional) $ty:ty) => {
        $table.optional::<$ty>($key, $report)
    };
    ($table:ident, $report:ident, $key:literal, (empty) $ty:ty) => {
        $table.empty::<$ty>($key, $report)
    };
    ($table:ident, $report:ident, $key:literal, (table) $ty:ty) => {
        $table.default::<$ty>($key, "{}", $report)
    };
    ($table:ident, $report:ident, $key:literal, (= $default:literal) $ty:ty) => {
        $table.default::<$ty>($key, stringify!($default), $report)
    };
}

/// The default of a field of a [`table!`], for its schema.
macro_rules! field_default {
    (= $default:literal) => {
        Some(serde_json::Value::from($default))
    };
    ($how:ident) => {
        None
    };
}

/// Whether a field of a [`table!`] must be there, for its schema.
macro_rules! field_required {
    ($key:literal, required) => {
        Some($key)
    };
    ($key:literal, $($how:tt)+) => {
        None
    };
}

/// Declares an enum of tables: each variant is told by a key of its own, the first that is there.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident ($what:literal) {
            $($(#[doc = $vdoc:literal])+ $key:literal => $variant:ident($ty:ty),)*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub enum $name {
            $($(#[doc = $vdoc])+ $variant($ty),)*
        }

        impl $crate::config::read::Read for $name {
            const WHAT: &'static str = $what;

            fn read(
                node: $crate::config::read::Node<'_>,
                report: &mut $crate::config::read::Report<'_>,
            ) -> Option<Self> {
                const HEADS: &[&str] = &[$($key),*];
                let head = $crate::config::read::Table::head(node, $what, HEADS, report)?;
                match HEADS.get(head).copied()? {
                    $($key => <$ty as $crate::config::read::Read>::read(node, report).map(Self::$variant),)*
                    _ => None,
                }
            }

            fn schema(definitions: &mut $crate::config::read::Definitions) -> serde_json::Value {
                $crate::config::read::definition(stringify!($name), definitions, |definitions| {
                    serde_json::json!({
                        "description": concat!($($doc, "\n"),+).trim(),
                        "anyOf": [$(<$ty as $crate::config::read::Read>::schema(definitions)),*],
                    })
                })
            }
        }
    };
}

/// Declares an enum of tables: each variant is told by the word under `kind`, which may have a default.
macro_rules! kinds {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident ($what:literal $(, $default:literal)?) {
            $($(#[doc = $vdoc:literal])+ $word:literal => $variant:ident($ty:ty),)*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub enum $name {
            $($(#[doc = $vdoc])+ $variant(Box<$ty>),)*
        }

        impl $crate::config::read::Read for $name {
            const WHAT: &'static str = $what;

            fn read(
                node: $crate::config::read::Node<'_>,
                report: &mut $crate::config::read::Report<'_>,
            ) -> Option<Self> {
                const WORDS: &[&str] = &[$($word),*];
                const DEFAULT: &[&str] = &[$($default)?];
                match $crate::config::read::kind::<Self>(node, WORDS, DEFAULT.first().copied(), report)? {
                    $($word => <$ty as $crate::config::read::Read>::read(
                        node.without($crate::config::read::KIND), report,
                    ).map(|table| Self::$variant(Box::new(table))),)*
                    _ => None,
                }
            }

            fn schema(definitions: &mut $crate::config::read::Definitions) -> serde_json::Value {
                $crate::config::read::definition(stringify!($name), definitions, |definitions| {
                    const DEFAULT: &[&str] = &[$($default)?];
                    $(let _ = <$ty as $crate::config::read::Read>::schema(definitions);)*
                    $($crate::config::read::add_kind(
                        definitions, stringify!($ty), $word, DEFAULT.contains(&$word),
                    );)*
                    serde_json::json!({
                        "description": concat!($($doc, "\n"),+).trim(),
                        "anyOf": [$({ "$ref": concat!("#/$defs/", stringify!($ty)) }),*],
                    })
                })
            }
        }
    };
}

/// The key that tells the tables of a [`kinds!`] apart.
pub const KIND: &[&str] = &["kind"];

/// The word under `kind`.
pub fn kind<T: Read>(
    node: Node<'_>,
    words: &'static [&'static str],
    default: Option<&'static str>,
    report: &mut Report<'_>,
) -> Option<&'static str> {
    let DeValue::Table(table) = node.value() else {
        wrong_kind::<T>(node, report);
        return None;
    };
    let Some(kind) = table.get(KIND[0]) else {
        if default.is_none() {
            report.push(
                Diagnostic::error(node.span(), format!("`kind` is missing in {}", T::WHAT))
                    .label("needs `kind`")
                    .help(format!("one of: {}", words.join(", ")))
                    .may_follow(),
            );
        }
        return default;
    };
    word::<T>(kind.into(), words, report)
}

/// Adds `kind` to the definition of one variant.
pub fn add_kind(definitions: &mut Definitions, name: &str, word: &str, default: bool) {
    let Some(Value::Object(table)) = definitions.get_mut(name) else { return };
    if let Some(Value::Object(properties)) = table.get_mut("properties") {
        properties.insert(KIND[0].to_owned(), json!({ "const": word }));
    }
    if let (false, Some(Value::Array(required))) = (default, table.get_mut("required")) {
        required.push(KIND[0].into());
    }
}

/// Reads a type from one of a few words.
macro_rules! words {
    ($ty:ty, $what:literal, { $($word:literal => $value:expr),* $(,)? }) => {
        impl $crate::config::read::Read for $ty {
            const WHAT: &'static str = $what;

            fn read(
                node: $crate::config::read::Node<'_>,
                report: &mut $crate::config::read::Report<'_>,
            ) -> Option<Self> {
                const WORDS: &[&str] = &[$($word),*];
                match $crate::config::read::word::<Self>(node, WORDS, report)? {
                    $($word => Some($value),)*
                    _ => None,
                }
            }

            fn schema(_: &mut $crate::config::read::Definitions) -> serde_json::Value {
                serde_json::json!({ "enum": [$($word),*] })
            }
        }
    };
}

/// One of a few words, or an error with the choices.
pub fn word<T: Read>(
    node: Node<'_>,
    words: &'static [&'static str],
    report: &mut Report<'_>,
) -> Option<&'static str> {
    let DeValue::String(text) = node.value() else {
        wrong_kind::<T>(node, report);
        return None;
    };
    let word = words.iter().find(|word| **word == text.as_ref()).copied();
    if word.is_none() {
        let help = match nearest(text, words.iter().copied()) {
            Some(near) if words.len() > 8 => format!("did you mean \"{near}\"?"),
            _ => format!("one of: {}", words.join(", ")),
        };
        report.push(
            Diagnostic::error(node.span(), format!("\"{text}\" is not {}", T::WHAT))
                .label("not one of the choices")
                .help(help),
        );
    }
    word
}

pub(crate) use {choice, field, field_default, field_required, field_type, kinds, table, words};
