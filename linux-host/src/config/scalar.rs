//! Single values: durations, sizes, rates, exact decimals, names, levels.

mod bounds;
mod decimal;
mod units;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use campanile_core::id::Level;
use campanile_core::time::Duration;
use campanile_delivery::symbols::{Active, Drive, Line, Pull};
use serde_json::{Map, Value, json};
use toml::de::DeValue;

use super::read::{Definitions, Node, Read, Report, words, wrong_kind};
use super::source::Diagnostic;

pub use bounds::{H, LONGEST, MS, Positive, S, SizeWithin, Within, Word};
pub use decimal::Decimal;
pub use units::{duration, duration_text};

words!(Level, "\"on\" or \"off\"", { "on" => Level::On, "off" => Level::Off });
words!(Active, "the voltage that means on", { "high" => Active::High, "low" => Active::Low });
words!(Pull, "a bias", { "up" => Pull::Up, "down" => Pull::Down, "none" => Pull::None, "as-is" => Pull::AsIs });
words!(Drive, "a way to drive a line", {
    "push-pull" => Drive::PushPull, "open-drain" => Drive::OpenDrain, "open-source" => Drive::OpenSource,
});

/// Reads a type from a string by a function that says what is wrong and what would be right.
macro_rules! text {
    ($ty:ty, $what:literal, $schema:tt, $parse:expr $(, broken: $broken:expr)?) => {
        const _: () = {
            use $crate::config::read::{Definitions, Node, Read, Report, wrong_kind};
            use $crate::config::scalar::Wrong;

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

                $(fn broken() -> Option<Self> {
                    Some($broken)
                })?
            }
        };
    };
}

pub(super) use text;

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
    broken: Self::from_secs(1)
);

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

text!(Size, "a size such as \"256MiB\"", { "type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB|TiB)$" }, |text| {
    units::size(text).map(Self)
});

/// The storm guard's edges per second; zero for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u16);

text!(Rate, "a rate such as \"500/s\", or \"off\"", { "type": "string", "pattern": "^([0-9]+/s|off)$" }, |text| {
    units::rate(text).map(Self)
});

/// Text as it is.
pub type Text = String;

text!(String, "a string", { "type": "string" }, |text| Ok(text.to_owned()), broken: Self::new());
text!(
    PathBuf,
    "the path of a file",
    { "type": "string", "minLength": 1 },
    |text| if text.is_empty() { Err(Wrong::new("an empty path", "name a file")) } else { Ok(text.into()) },
    broken: Self::new()
);

/// The longest name.
pub const NAME_MAX: usize = 32;

/// Words of expressions, which nothing can be named by.
const RESERVED: [&str; 11] =
    ["and", "or", "not", "on", "off", "true", "false", "hour", "minute", "weekday", "timed-out"];

/// What names look like.
const NAME_PATTERN: &str = "^[A-Za-z][A-Za-z0-9_-]{0,31}$";

/// A name for something of the house: it stands in expressions, topics and commands.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), Wrong> {
    let rule = format!("a name begins with a letter, then letters, digits, - and _, up to {NAME_MAX}");
    let mut bytes = name.bytes();
    if !bytes.next().is_some_and(|first| first.is_ascii_alphabetic()) {
        return Err(Wrong::new(format!("\"{name}\" does not begin with a letter"), rule));
    }
    if let Some(wrong) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) {
        return Err(Wrong::new(format!("\"{name}\" has {wrong:?} in it"), rule));
    }
    if name.ends_with('-') {
        return Err(Wrong::new(format!("\"{name}\" ends with -"), rule));
    }
    if name.len() > NAME_MAX {
        return Err(Wrong::new(format!("\"{name}\" has {} characters", name.len()), rule));
    }
    if RESERVED.contains(&name) {
        return Err(Wrong::new(
            format!("`{name}` has a meaning of its own in expressions"),
            format!("choose another name, such as \"my-{name}\""),
        ));
    }
    Ok(())
}

/// A name for something of the house. A wrong one stays a name, so that those who use it are not wrong too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(pub String);

impl Read for Name {
    const WHAT: &'static str = "a name";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let name = Text::read(node, report)?;
        if let Err(wrong) = check_name(&name) {
            report.push(wrong.at(node.span()));
        }
        Some(Self(name))
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": NAME_PATTERN })
    }

    fn broken() -> Option<Self> {
        Text::broken().map(Self)
    }
}

/// The name of the node: it stands in topics and host names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName(pub String);

text!(NodeName, "a name of a-z, 0-9 and -", { "type": "string", "pattern": "^[a-z0-9-]{1,32}$" }, |text| {
    if text.parse::<campanile_delivery::NodeName>().is_ok() {
        Ok(Self(text.to_owned()))
    } else {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let near: String = text.to_lowercase().replace([' ', '_', '.'], "-");
        let near: String = near.chars().filter(|c| u8::try_from(*c).is_ok_and(good)).take(NAME_MAX).collect();
        let near = if near.is_empty() { "front-door" } else { &near };
        Err(Wrong::new(
            format!("\"{text}\" is no name for a node"),
            format!("a-z, 0-9 and -, up to {NAME_MAX}, such as \"{near}\""),
        ))
    }
}, broken: Self("house".to_owned()));

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
}

/// `true`, of a key that has no opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct True;

impl Read for True {
    const WHAT: &'static str = "true";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        if !bool::read(node, report)? {
            report.push(
                Diagnostic::error(node.span(), "`false` has no meaning here").label("true, or leave it out"),
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

/// What stands between braces in a report or in a message's data: plain values by name. `BESIDE` others of ours, whose
/// names are taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts<const BESIDE: bool>(pub Map<String, Value>);

/// What every message has, in which reports are included.
const OURS: [&str; 8] = ["value", "time", "trusted", "node", "boot", "seq", "host", "bounces"];

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
