//! Values that only scripts have: bounces, moments, offsets.

use campanile_sim::bounce::Model;
use campanile_sim::script::Bounce;
use serde_json::{Value, json};
use toml::de::DeValue;

use super::super::read::{At, Definitions, Node, Read, Report, wrong_kind};
use super::super::scalar::Int;
use super::super::source::Diagnostic;
use crate::nearest::nearest;

/// A count that its type has checked.
pub(super) fn count(checked: i64) -> u32 {
    u32::try_from(checked).unwrap_or(u32::MAX)
}

impl Read for Bounce {
    const WHAT: &'static str = "a bounce: [300, 900, 1500], \"switch\", \"reed\" or \"wet\"";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        match node.value() {
            DeValue::Array(_) => {
                let edges = Vec::<At<Int<1, { u32::MAX as i64 }>>>::read(node, report)?;
                if let Some(pair) = edges.windows(2).find(|pair| pair[1].value.0 <= pair[0].value.0) {
                    report.push(
                        Diagnostic::error(pair[1].span.clone(), "edges in the wrong order")
                            .label("not later than the one before")
                            .help("microseconds after the first edge, rising"),
                    );
                    return None;
                }
                Some(Self::Edges(edges.into_iter().map(|edge| count(edge.value.0)).collect()))
            }
            DeValue::String(word) => {
                let model = Model::named(word);
                if model.is_none() {
                    let names = Model::NAMES.map(|(name, _)| name);
                    let help = match nearest(word, names) {
                        Some(near) => format!("did you mean \"{near}\"?"),
                        None => format!("one of: {}", names.join(", ")),
                    };
                    let diagnostic =
                        Diagnostic::error(node.span(), format!("\"{word}\" is not {}", Self::WHAT));
                    report.push(diagnostic.label("here").help(help));
                }
                model.map(Self::Drawn)
            }
            _ => {
                wrong_kind::<Self>(node, report);
                None
            }
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "anyOf": [
            { "type": "array", "items": { "type": "integer", "minimum": 1 } },
            { "enum": Model::NAMES.map(|(name, _)| name) },
        ] })
    }
}

/// A moment and the offset it was written with.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// Microseconds since 1970, UTC.
    pub(super) unix: i64,
    /// Seconds ahead of UTC.
    pub(super) offset: i32,
}

impl Read for Time {
    const WHAT: &'static str = "a time such as \"2026-11-21T07:30:00Z\"";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let text = match node.value() {
            DeValue::String(text) => text.clone().into_owned(),
            DeValue::Datetime(time) => time.to_string(),
            _ => {
                wrong_kind::<Self>(node, report);
                return None;
            }
        };
        let pieces = jiff::fmt::temporal::Pieces::parse(&text).ok();
        let offset = pieces.and_then(|pieces| pieces.to_numeric_offset());
        match (text.parse::<jiff::Timestamp>(), offset) {
            (Ok(time), Some(offset)) => Some(Self { unix: time.as_microsecond(), offset: offset.seconds() }),
            _ => {
                report.push(
                    Diagnostic::error(node.span(), format!("\"{text}\" is not a time"))
                        .label("here")
                        .help("date, time and offset, such as \"2026-11-21T07:30:00Z\" or \"2026-11-21T08:30:00+01:00\""),
                );
                None
            }
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string" })
    }
}

/// Seconds of `+01:00`.
pub(super) fn offset_of(text: &At<String>, report: &mut Report<'_>) -> Option<i32> {
    let seconds = || {
        let (sign, rest) = match text.value.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        let part = |text: &str, max: i32| {
            let good = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|value: &i32| good && *value <= max)
        };
        Some(sign * (part(hours, 23)? * 3600 + part(minutes, 59)? * 60))
    };
    let seconds = seconds();
    if seconds.is_none() {
        report.push(
            Diagnostic::error(text.span.clone(), format!("\"{}\" is not an offset", text.value))
                .label("here")
                .help("hours and minutes ahead of UTC, such as \"+01:00\""),
        );
    }
    seconds
}
