//! Declarations that read and describe: one text for the type, its reader and its schema.

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

pub(crate) use {choice, field, field_default, field_required, field_type, kinds, table, words};
