//! `debounce`: a text or a table of FILE.md, to the core's settings.

use campanile_core::debounce::{Algorithm, Debounce, LONGEST};
use campanile_core::time::Duration;
use serde_json::{Value, json};
use toml::de::DeValue;

use super::read::{At, Definitions, Node, Read, Report, table};
use super::scalar::{Within, Wrong, duration, duration_text, quotes};
use super::source::Diagnostic;

/// The guard of `asym`'s press: longer than the crosstalk of a neighbouring contact, shorter than any finger.
const ASYM_GUARD_US: u16 = 1_000;

const FORMS: &str = "\"10ms\", \"none\", \"defer T\", \"eager T\", \"eager T after G\", \"integrate T\", \"asym P R\", \
    \"min-pulse T\", or { press = .., release = .., max-wait = .. }";
const EDGE_FORMS: &str =
    "\"10ms\", \"none\", \"defer T\", \"eager T\", \"eager T after G\" or \"integrate T\"";

/// The debounce of an input.
#[derive(Clone, Copy, Debug)]
pub struct DebounceText(pub Debounce);

table! {
    /// Each edge by its own algorithm.
    pub struct Edges("a debounce by edges") {
        /// The edge to on: "none", "defer T", "eager T", "eager T after G" or "integrate T".
        "press" press (= "10ms"): At<EdgeText>,
        /// The edge to off, likewise.
        "release" release (= "10ms"): At<EdgeText>,
        /// Of defer and integrate: decided at the latest so long after the onset; ten times T without it.
        "max-wait" max_wait (optional): At<Within<1, { LONGEST.micros() }>>,
    }
}

/// The algorithm of one edge.
#[derive(Clone, Copy, Debug)]
pub struct EdgeText(Algorithm);

impl Read for EdgeText {
    const WHAT: &'static str = "the debounce of an edge, such as \"defer 10ms\"";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::String(text) = node.value() else {
            super::read::wrong_kind::<Self>(node, report);
            return None;
        };
        algorithm(text).map(Self).map_err(|wrong| report.push(wrong.at(node.span()))).ok()
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": "^ *(none|defer|eager|integrate|[0-9])" })
    }

    fn hint(node: Node<'_>, report: &Report<'_>) -> Option<String> {
        quotes(node, "ms", report)
    }
}

impl Read for DebounceText {
    const WHAT: &'static str = "a debounce such as \"10ms\" or \"asym 20ms 30ms\"";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        match node.value() {
            DeValue::String(text) => {
                parse(text).map(Self).map_err(|wrong| report.push(wrong.at(node.span()))).ok()
            }
            DeValue::Table(_) => {
                Edges::read(node, report).and_then(|edges| combine(&edges, report)).map(Self)
            }
            _ => {
                super::read::wrong_kind::<Self>(node, report);
                None
            }
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let head = "^ *(none|defer|eager|integrate|asym|min-pulse|[0-9])";
        json!({ "anyOf": [{ "type": "string", "pattern": head }, Edges::schema(definitions)] })
    }

    fn hint(node: Node<'_>, report: &Report<'_>) -> Option<String> {
        quotes(node, "ms", report)
    }
}

fn combine(edges: &Edges, report: &mut Report<'_>) -> Option<Debounce> {
    let (press, release) = (edges.press.value.0, edges.release.value.0);
    let waits = |algorithm| match algorithm {
        Algorithm::Defer { t_us } | Algorithm::Integrate { t_us } => Some(t_us),
        _ => None,
    };
    let longest = waits(press).max(waits(release));
    let max_wait_us = match (&edges.max_wait, longest) {
        (None, _) => 0,
        (Some(max), None) => {
            report.push(
                Diagnostic::error(max.span.clone(), "`max-wait` without an edge that waits")
                    .label("only defer and integrate wait")
                    .help("leave it out, or use \"defer T\" or \"integrate T\""),
            );
            return None;
        }
        (Some(max), Some(longest)) => {
            let us = u32::try_from(max.value.0.micros()).unwrap_or(u32::MAX);
            if us < longest {
                let wait = duration_text(Duration::from_micros(longest.into()));
                report.push(
                    Diagnostic::error(max.span.clone(), "`max-wait` ends the wait before its time")
                        .label(format!("an edge waits for {wait}"))
                        .help(format!("at least \"{wait}\"; without the key it is ten times as long")),
                );
                return None;
            }
            us
        }
    };
    Some(Debounce { press, release, max_wait_us })
}

/// The text forms.
fn parse(text: &str) -> Result<Debounce, Wrong> {
    match *text.split_whitespace().collect::<Vec<_>>() {
        ["asym", press, release] => Ok(Debounce {
            press: Algorithm::Eager { t_us: span(press)?, after_us: ASYM_GUARD_US },
            release: Algorithm::Defer { t_us: span(release)? },
            max_wait_us: 0,
        }),
        ["asym", ..] => Err(Wrong::new(
            format!("\"{text}\" needs two times"),
            "\"asym P R\": press eager P after 1 ms, release defer R, such as \"asym 20ms 30ms\"",
        )),
        ["min-pulse", t] => Ok(Debounce {
            press: Algorithm::Defer { t_us: span(t)? },
            release: Algorithm::None,
            max_wait_us: 0,
        }),
        ["min-pulse", ..] => Err(Wrong::new(
            format!("\"{text}\" needs one time"),
            "\"min-pulse T\": press defer T, release none, such as \"min-pulse 50ms\"",
        )),
        _ => {
            let both = algorithm(text).map_err(|wrong| wrong.with_forms(FORMS))?;
            Ok(Debounce { press: both, release: both, max_wait_us: 0 })
        }
    }
}

/// The forms of one edge.
fn algorithm(text: &str) -> Result<Algorithm, Wrong> {
    match *text.split_whitespace().collect::<Vec<_>>() {
        ["none"] => Ok(Algorithm::None),
        ["defer", t] => Ok(Algorithm::Defer { t_us: span(t)? }),
        ["eager", t] => Ok(Algorithm::Eager { t_us: span(t)?, after_us: 0 }),
        ["eager", t, "after", guard] => {
            let guard = micros(duration(guard)?, guard)?;
            let after_us = u16::try_from(guard).map_err(|_| {
                Wrong::new(
                    format!("a glitch guard of {guard} us"),
                    format!("glitches are shorter than a microsecond; up to {} us", u16::MAX),
                )
            })?;
            Ok(Algorithm::Eager { t_us: span(t)?, after_us })
        }
        ["integrate", t] => Ok(Algorithm::Integrate { t_us: span(t)? }),
        // A time alone may have spaces in it, as any duration.
        [t, ..] if t.starts_with(|c: char| c.is_ascii_digit()) => Ok(Algorithm::Defer { t_us: span(text)? }),
        [word @ ("asym" | "min-pulse"), ..] => Err(Wrong::new(
            format!("\"{word}\" is for both edges at once"),
            format!("for one edge: {EDGE_FORMS}"),
        )),
        [word @ ("defer" | "eager" | "integrate"), ..] => Err(Wrong::new(
            format!("\"{text}\" is not a valid form of {word}"),
            match word {
                "eager" => "\"eager 20ms\" or \"eager 20ms after 1ms\"".to_owned(),
                _ => format!("\"{word} 10ms\""),
            },
        )),
        _ => Err(Wrong::new(format!("\"{text}\" is not a debounce"), format!("one of: {EDGE_FORMS}"))),
    }
}

fn span(text: &str) -> Result<u32, Wrong> {
    match micros(duration(text)?, text)? {
        0 => Err(Wrong::new("a debounce time of zero", "at least \"1us\"; \"none\" decides at the edge")),
        us => Ok(us),
    }
}

fn micros(span: Duration, text: &str) -> Result<u32, Wrong> {
    let us = if span > LONGEST { None } else { u32::try_from(span.micros()).ok() };
    us.ok_or_else(|| {
        Wrong::new(format!("\"{text}\" is longer than half an hour"), "contacts bounce for milliseconds")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_documentation() {
        let defer = |ms: u32| Algorithm::Defer { t_us: ms * 1_000 };
        let eager = |ms: u32, after_us| Algorithm::Eager { t_us: ms * 1_000, after_us };
        for (text, press, release) in [
            ("10ms", defer(10), defer(10)),
            ("none", Algorithm::None, Algorithm::None),
            ("500 ms", defer(500), defer(500)),
            ("defer 5ms", defer(5), defer(5)),
            ("eager 20ms", eager(20, 0), eager(20, 0)),
            ("eager 20ms after 50us", eager(20, 50), eager(20, 50)),
            ("integrate 7ms", Algorithm::Integrate { t_us: 7_000 }, Algorithm::Integrate { t_us: 7_000 }),
            ("asym 20ms 30ms", eager(20, 1_000), defer(30)),
            ("min-pulse 50ms", defer(50), Algorithm::None),
        ] {
            assert_eq!(parse(text), Ok(Debounce { press, release, max_wait_us: 0 }), "{text}");
        }
    }
}
