//! Durations and sizes within bounds, and text that says something.

use campanile_core::time::Duration;
use serde_json::{Value, json};

use super::super::read::{Definitions, Node, Read, Report};
use super::super::source::Diagnostic;
use super::units::{LONGEST_US, size_text};
use super::{Size, Text, duration_text, text};

/// Microseconds of a millisecond, for bounds.
pub const MS: u64 = 1_000;
/// Microseconds of a second.
pub const S: u64 = 1_000 * MS;
/// Microseconds of an hour.
pub const H: u64 = 3_600 * S;
/// As long as a duration can be.
pub const LONGEST: u64 = LONGEST_US;

/// A duration from `MIN` to `MAX`, both in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within<const MIN: u64, const MAX: u64>(pub Duration);

/// A duration that is not zero.
pub type Positive = Within<1, LONGEST>;

impl<const MIN: u64, const MAX: u64> Within<MIN, MAX> {
    /// Reads it; `or` says what else would be right.
    pub fn read_or(node: Node<'_>, or: &str, report: &mut Report<'_>) -> Option<Self> {
        let span = Duration::read(node, report)?;
        let wrong = match span.micros() {
            us if us < MIN => "short",
            us if us > MAX => "long",
            _ => return Some(Self(span)),
        };
        let text = |us| duration_text(Duration::from_micros(us));
        let bounds = match (MIN, MAX) {
            (1, LONGEST) => "longer than 0s".to_owned(),
            (_, LONGEST) => format!("at least {}", text(MIN)),
            (0, _) => format!("at most {}", text(MAX)),
            _ => format!("from {} to {}", text(MIN), text(MAX)),
        };
        let what = format!("{} is too {wrong} here", text(span.micros()));
        report.push(Diagnostic::error(node.span(), what).label(format!("{bounds}{or}")));
        None
    }
}

impl<const MIN: u64, const MAX: u64> Read for Within<MIN, MAX> {
    const WHAT: &'static str = Duration::WHAT;

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        Self::read_or(node, "", report)
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let mut schema = Duration::schema(definitions);
        if MIN > 0 {
            // Not zero, however it is written.
            schema["allOf"] = json!([{ "pattern": "[1-9]" }]);
        }
        schema
    }

    fn broken() -> Option<Self> {
        Duration::broken().map(Self)
    }
}

/// A size from `MIN` to `MAX`, both in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeWithin<const MIN: u64, const MAX: u64>(pub u64);

impl<const MIN: u64, const MAX: u64> Read for SizeWithin<MIN, MAX> {
    const WHAT: &'static str = Size::WHAT;

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let Size(size) = Size::read(node, report)?;
        let wrong = match size {
            bytes if bytes < MIN => "small",
            bytes if bytes > MAX => "large",
            _ => return Some(Self(size)),
        };
        let what = format!("{} is too {wrong} here", size_text(size));
        let bounds = format!("from {} to {}", size_text(MIN), size_text(MAX));
        report.push(Diagnostic::error(node.span(), what).label(bounds));
        None
    }

    fn schema(definitions: &mut Definitions) -> Value {
        Size::schema(definitions)
    }
}

/// Text that is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(pub Text);

text!(Word, "a string", { "type": "string", "pattern": "[^ ]" }, |text| {
    if text.trim().is_empty() {
        Err(Wrong::new("the string is empty", "leave the key out, or give it a value"))
    } else {
        Ok(Self(text.to_owned()))
    }
});
