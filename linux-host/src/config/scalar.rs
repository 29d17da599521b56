//! Single values: durations, sizes, rates, exact decimals, names, levels.

mod bounds;
mod decimal;
mod facts;
mod name;
mod port;
mod units;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use campanile_core::id::Level;
use campanile_core::time::Duration;
use campanile_delivery::symbols::{Active, Drive, Line, Pull};
use serde_json::{Value, json};
use toml::de::DeValue;

use super::read::{Definitions, Node, Read, Report, words, wrong_kind};
use super::source::Diagnostic;

pub use bounds::{H, LONGEST, MS, Positive, S, SizeWithin, Within, Word};
pub use decimal::Decimal;
pub use facts::{Facts, OURS};
pub use name::{HeardName, NAME_MAX, Name, NodeName, VariableName, check_name};
pub use port::{SerialPort, UsbId};
pub use units::{duration, duration_text};

words!(Level, "\"on\" or \"off\"", { "on" => Level::On, "off" => Level::Off });
words!(Active, "an active level", { "high" => Active::High, "low" => Active::Low });
words!(Pull, "a pull setting", { "up" => Pull::Up, "down" => Pull::Down, "none" => Pull::None, "as-is" => Pull::AsIs });
words!(Drive, "a drive mode", {
    "push-pull" => Drive::PushPull, "open-drain" => Drive::OpenDrain, "open-source" => Drive::OpenSource,
});

/// Reads a type from a string by a function that says what is wrong and what would be right.
macro_rules! text {
    ($ty:ty, $what:literal, $schema:tt, $parse:expr $(, unit: $unit:literal)? $(, hint: $hint:literal)? $(, broken: $broken:expr)?) => {
        const _: () = {
            use $crate::config::read::{Definitions, Node, Read, Report, wrong_kind};
            use $crate::config::scalar::{Wrong, quotes};

            impl Read for $ty {
                const WHAT: &'static str = $what;

                fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
                    let toml::de::DeValue::String(text) = node.value() else {
                        wrong_kind::<Self>(node, report);
                        return None;
                    };
                    let parse: fn(&str) -> Result<Self, Wrong> = $parse;
                    parse(text).map_err(|wrong| report.push(wrong.at(node.span()))).ok()
                }

                fn schema(_: &mut Definitions) -> serde_json::Value {
                    serde_json::json!($schema)
                }

                fn hint(node: Node<'_>, report: &Report<'_>) -> Option<String> {
                    let own: &[&str] = &[$($hint)?];
                    own.first()
                        .map(|hint| (*hint).to_owned())
                        .or_else(|| quotes(node, concat!("" $(, $unit)?), report))
                }

                $(fn broken() -> Option<Self> {
                    Some($broken)
                })?
            }
        };
    };
}

pub(super) use text;

/// Text stands between quotes, a number of something with its unit.
pub fn quotes(node: Node<'_>, unit: &str, report: &Report<'_>) -> Option<String> {
    let text = report.source.text.get(node.span())?;
    match node.value() {
        DeValue::Integer(_) | DeValue::Float(_) if !unit.is_empty() => {
            Some(format!("with its unit, between quotes: \"{text}{unit}\""))
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            Some(format!("between quotes: \"{text}\""))
        }
        _ => None,
    }
}

/// What is wrong with a text, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    what: String,
    help: String,
    secret: bool,
}

impl Wrong {
    /// Both in words.
    pub fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), help: help.into(), secret: false }
    }

    /// The text may hold a secret, and is not shown.
    #[must_use]
    pub fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// As an error at a place.
    pub fn at(self, span: std::ops::Range<usize>) -> Diagnostic {
        let diagnostic = Diagnostic::error(span.clone(), self.what).label("here").help(self.help);
        if self.secret { diagnostic.hide(span) } else { diagnostic }
    }

    /// What is wrong, and what would be right.
    pub fn into_words(self) -> (String, String) {
        (self.what, self.help)
    }

    /// The same, with the forms of a wider grammar.
    #[must_use]
    pub fn with_forms(self, forms: &str) -> Self {
        if self.help.starts_with("one of: ") {
            Self { help: format!("one of: {forms}"), ..self }
        } else {
            self
        }
    }
}

text!(
    Duration,
    "a duration such as \"5s\"",
    { "type": "string", "pattern": units::DURATION_PATTERN },
    duration,
    unit: "s",
    broken: Self::from_secs(1)
);

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

text!(Size, "a size such as \"256MiB\"", { "type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB|TiB)$" }, |text| {
    units::size(text).map(Self)
}, unit: "MiB");

/// The storm guard's edges per second; zero for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u16);

text!(Rate, "a rate such as \"500/s\", or \"off\"", { "type": "string", "pattern": "^([0-9]+/s|off)$" }, |text| {
    units::rate(text).map(Self)
}, unit: "/s");

/// Text as it is.
pub type Text = String;

text!(String, "a string", { "type": "string" }, |text| Ok(text.to_owned()), broken: Self::new());
text!(
    PathBuf,
    "the path of a file",
    { "type": "string", "pattern": "^[^\\n]+$" },
    |text| if text.is_empty() {
        Err(Wrong::new("an empty path", "name a file"))
    } else if text.contains('\n') {
        Err(Wrong::new("a path must be a single line", "put this text into a file of its own and name that file").secret())
    } else {
        Ok(text.into())
    },
    // Without the value: it may be a secret in the place of its file.
    hint: "the path, between quotes",
    broken: Self::new()
);

impl Read for bool {
    const WHAT: &'static str = "true or false";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::Boolean(value) = node.value() else {
            wrong_kind::<Self>(node, report);
            return None;
        };
        Some(*value)
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "boolean" })
    }

    fn hint(_: Node<'_>, _: &Report<'_>) -> Option<String> {
        Some("write true or false, without quotes".to_owned())
    }
}

/// `true`, of a key that has no opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct True;

impl Read for True {
    const WHAT: &'static str = "true";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        if !bool::read(node, report)? {
            report.push(
                Diagnostic::error(node.span(), "`false` cannot be used here").label("true, or leave it out"),
            );
        }
        Some(Self)
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "const": true })
    }

    fn broken() -> Option<Self> {
        Some(Self)
    }
}

/// An integer from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Read for Int<MIN, MAX> {
    const WHAT: &'static str = "an integer";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::Integer(value) = node.value() else {
            wrong_kind::<Self>(node, report);
            return None;
        };
        let read = i64::from_str_radix(value.as_str(), value.radix()).ok();
        let good = read.filter(|value| (MIN..=MAX).contains(value));
        if good.is_none() {
            report.push(
                Diagnostic::error(node.span(), format!("{value} is out of range"))
                    .label(format!("from {MIN} to {MAX}")),
            );
        }
        good.map(Self)
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }

    fn hint(node: Node<'_>, _: &Report<'_>) -> Option<String> {
        match node.value() {
            DeValue::String(text) if text.parse::<i64>().is_ok() => Some(format!("without quotes: {text}")),
            DeValue::Boolean(value) => Some(format!("true is 1 and false is 0: write {}", u8::from(*value))),
            _ => Some("digits, without quotes and without a point".to_owned()),
        }
    }

    fn broken() -> Option<Self> {
        Some(Self(MIN))
    }
}

/// The value of a variable.
pub type Number = Int<{ i32::MIN as i64 }, { i32::MAX as i64 }>;

/// A line of a board.
impl Read for Line {
    const WHAT: &'static str = "the name of a line such as \"GPIO14\", or its offset";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        match node.value() {
            DeValue::String(name) if name.is_empty() => {
                report.push(Diagnostic::error(node.span(), "a line without a name").help(
                    "`campanile pins` lists the lines of this machine; an offset is written without quotes",
                ));
                None
            }
            DeValue::String(name) => Some(Self::Name(name.clone().into_owned())),
            DeValue::Integer(_) => {
                let Int(offset) = Int::<0, 1023>::read(node, report)?;
                u32::try_from(offset).ok().map(Self::Offset)
            }
            _ => {
                wrong_kind::<Self>(node, report);
                None
            }
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "type": "string", "minLength": 1 }, { "type": "integer", "minimum": 0, "maximum": 1023 }] })
    }

    fn broken() -> Option<Self> {
        Some(Self::Offset(0))
    }
}
