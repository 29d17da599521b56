//! Declarations that read and describe: one text for the type, its reader and its schema.

/// Declares a table: `"key" field (required | optional | empty | table | = "default"): Type`, and behind it the
/// [`Rule`](super::Rule)s of its keys. Its doc comments are the schema's descriptions, its defaults are written as in
/// the file and read like it.
macro_rules! table {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident ($what:expr) {
            $($(#[doc = $fdoc:literal])+ $key:literal $field:ident ($($how:tt)+): $ty:ty,)*
        }
        $(rules [$($rule:expr),+ $(,)?])?
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $fdoc])+ pub $field: $crate::config::read::field_type!(($($how)+) $ty),)*
            /// Where the table stands.
            pub span: std::ops::Range<usize>,
        }

        const _: () = {
            use $crate::config::read::{Definitions, Node, Read, Report, Rule, Table, definition};

            impl Read for $name {
                const WHAT: &'static str = $what;
                const KEYS: &'static [&'static str] = &[$($key),*];
                const RULES: &'static [Rule] = &[$($($rule),+)?];

                fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
                    let table = Table::open::<Self>(node, report)?;
                    $(let $field = $crate::config::read::field!(table, report, $key, ($($how)+) $ty);)*
                    table.close(report);
                    Some(Self { $($field: $field?,)* span: node.span() })
                }

                fn hint(_: Node<'_>, _: &Report<'_>) -> Option<String> {
                    let required: [Option<&str>; _] = [$($crate::config::read::field_required!($key, $($how)+)),*];
                    let key = required.into_iter().flatten().next()?;
                    Some(format!("a table such as {{ {key} = .. }}"))
                }

                fn schema(definitions: &mut Definitions) -> serde_json::Value {
                    definition(stringify!($name), definitions, |definitions| {
                        let _ = &definitions;
                        let properties = serde_json::Map::from_iter([$((
                            $key.to_owned(),
                            $crate::config::read::property(
                                <$ty as Read>::schema(definitions),
                                concat!($($fdoc, "\n"),+),
                                $crate::config::read::field_default!($($how)+),
                            ),
                        )),*]);
                        let required: Vec<Option<&str>> =
                            vec![$($crate::config::read::field_required!($key, $($how)+)),*];
                        let required: Vec<&str> = required.into_iter().flatten().collect();
                        let mut schema = serde_json::json!({
                            "type": "object",
                            "description": concat!($($doc, "\n"),+).trim(),
                            "properties": properties,
                            "required": required,
                            "additionalProperties": false,
                        });
                        if !Self::RULES.is_empty() {
                            schema["allOf"] = Self::RULES.iter().map(Rule::schema).collect();
                        }
                        schema
                    })
                }
            }
        };
    };
}

/// The type of a field of a `table!`.
macro_rules! field_type {
    ((optional) $ty:ty) => { Option<$ty> };
    (($($how:tt)+) $ty:ty) => { $ty };
}

/// How a field of a `table!` is read.
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

/// The default of a field of a `table!`, for its schema.
macro_rules! field_default {
    (= $default:literal) => {
        Some(serde_json::Value::from($default))
    };
    ($how:ident) => {
        None
    };
}

/// Whether a field of a `table!` must be there, for its schema.
macro_rules! field_required {
    ($key:literal, required) => {
        Some($key)
    };
    ($key:literal, $($how:tt)+) => {
        None
    };
}

/// Declares an enum of tables: each variant is told by the first key of its table, the first such key that is there.
/// `list` is what several of them are, `each` stands in front of that key, both in messages.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident ($what:literal, list $list:literal, each $each:literal) {
            $(
                $(#[doc = $vdoc:literal])+
                $variant:ident($ty:ident) {
                    $(#[doc = $hdoc:literal])+ $head:literal $hfield:ident ($($hhow:tt)+): $hty:ty,
                    $($(#[doc = $fdoc:literal])+ $key:literal $field:ident ($($how:tt)+): $fty:ty,)*
                }
                $(rules [$($rule:expr),+ $(,)?])?
            )*
        }
    ) => {
        $(
            $crate::config::read::table! {
                $(#[doc = $vdoc])+
                pub struct $ty (concat!($each, "`", $head, "`")) {
                    $(#[doc = $hdoc])+ $head $hfield ($($hhow)+): $hty,
                    $($(#[doc = $fdoc])+ $key $field ($($how)+): $fty,)*
                }
                $(rules [$($rule),+])?
            }
        )*

        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub enum $name {
            $($(#[doc = $vdoc])+ $variant($ty),)*
            /// One that is wrong, as has been said; none is left in a file without errors.
            Broken,
        }

        impl $name {
            /// Where it stands.
            pub fn span(&self) -> std::ops::Range<usize> {
                match self {
                    $(Self::$variant(table) => table.span.clone(),)*
                    Self::Broken => 0..0,
                }
            }
        }

        const _: () = {
            use $crate::config::read::{Definitions, Node, Read, Report, Table, definition};

            impl Read for $name {
                const WHAT: &'static str = $what;
                const LIST: &'static str = $list;

                fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
                    const HEADS: &[&str] = &[$($head),*];
                    let head = Table::head(node, $what, HEADS, report).and_then(|head| HEADS.get(head));
                    let read = match head.copied() {
                        $(Some($head) => <$ty as Read>::read(node, report).map(Self::$variant),)*
                        _ => None,
                    };
                    read.or_else(Self::broken)
                }

                fn schema(definitions: &mut Definitions) -> serde_json::Value {
                    definition(stringify!($name), definitions, |definitions| {
                        serde_json::json!({
                            "description": concat!($($doc, "\n"),+).trim(),
                            "anyOf": [$(<$ty as Read>::schema(definitions)),*],
                        })
                    })
                }

                fn broken() -> Option<Self> {
                    Some(Self::Broken)
                }
            }
        };
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

        const _: () = {
            use $crate::config::read::{Definitions, KIND, Node, Read, Report, add_kind, definition, kind};

            const WORDS: &[&str] = &[$($word),*];
            const DEFAULT: &[&str] = &[$($default)?];

            impl Read for $name {
                const WHAT: &'static str = $what;

                fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
                    match kind::<Self>(node, WORDS, DEFAULT.first().copied(), report)? {
                        $($word => <$ty as Read>::read(node.without(KIND), report)
                            .map(|table| Self::$variant(Box::new(table))),)*
                        _ => None,
                    }
                }

                fn hint(_: Node<'_>, _: &Report<'_>) -> Option<String> {
                    Some(format!("a table such as {{ kind = \"{}\", .. }}", WORDS[0]))
                }

                fn schema(definitions: &mut Definitions) -> serde_json::Value {
                    definition(stringify!($name), definitions, |definitions| {
                        $(let _ = <$ty as Read>::schema(definitions);)*
                        $(add_kind(definitions, stringify!($ty), $word, DEFAULT.contains(&$word));)*
                        serde_json::json!({
                            "description": concat!($($doc, "\n"),+).trim(),
                            "anyOf": [$({ "$ref": concat!("#/$defs/", stringify!($ty)) }),*],
                        })
                    })
                }
            }
        };
    };
}

/// Reads a type from one of a few words; the first stands in for a wrong one.
macro_rules! words {
    ($ty:ty, $what:literal, { $($word:literal => $value:expr),* $(,)? }) => {
        const _: () = {
            use $crate::config::read::{Definitions, Node, Read, Report, word};

            const WORDS: &[&str] = &[$($word),*];

            impl Read for $ty {
                const WHAT: &'static str = $what;

                fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
                    match word::<Self>(node, WORDS, report)? {
                        $($word => Some($value),)*
                        _ => None,
                    }
                }

                fn schema(_: &mut Definitions) -> serde_json::Value {
                    serde_json::json!({ "enum": WORDS })
                }

                fn hint(_: Node<'_>, _: &Report<'_>) -> Option<String> {
                    Some(format!("between quotes, one of: \"{}\"", WORDS.join("\", \"")))
                }

                fn broken() -> Option<Self> {
                    [$($value),*].into_iter().next()
                }
            }
        };
    };
}

pub(crate) use {choice, field, field_default, field_required, field_type, kinds, table, words};
