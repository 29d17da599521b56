//! Text to TOML, and what is said where it is none.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, Error};

use super::habits::SECRETS;
use super::read::Report;
use super::source::Diagnostic;

/// The tables of a text; of one that is not TOML, what can be made out all the same.
pub fn parse<'s>(report: &mut Report<'s>) -> Spanned<DeTable<'s>> {
    let text = &report.source.text;
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let diagnostic = describe(text, &error);
        report.push_syntax(diagnostic);
    }
    root
}

fn describe(text: &str, error: &Error) -> Diagnostic {
    let end = text.len();
    let message = format!("this is not TOML: {}", error.message());
    let mut diagnostic = Diagnostic::error(error.span().unwrap_or(end..end), message).label("here");
    if let Some(secret) = secret_on_line(text, diagnostic.span.start) {
        diagnostic = diagnostic.hide(secret);
    }
    match help(error.message()) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// What stands behind a key for secrets, on a line that is not TOML.
fn secret_on_line(text: &str, at: usize) -> Option<Range<usize>> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let end = text.get(at..)?.find('\n').map_or(text.len(), |newline| at + newline);
    let line = text.get(start..end)?;
    let secret = SECRETS.iter().filter_map(|key| line.find(key).map(|found| found + key.len())).min()?;
    (secret < line.len()).then_some(start + secret..end)
}

/// What is most often behind an error of syntax.
fn help(message: &str) -> Option<&'static str> {
    const HELP: [(&str, &str); 6] = [
        ("invalid boolean", "text stands between quotes: \"..\""),
        ("string values must be quoted", "text stands between quotes: \"..\""),
        ("invalid basic string", "the closing quote is missing"),
        ("duplicate key", "each key stands once in its table"),
        ("key with no value", "write KEY = VALUE"),
        ("expected key", "this file is TOML: [TABLE] and KEY = VALUE, one on a line"),
    ];
    HELP.iter().find(|(part, _)| message.contains(part)).map(|(_, help)| *help)
}
