//! Text to TOML, and what is said where it is none.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, Error};

use super::read::Report;
use super::secrets;
use super::source::{Diagnostic, Source};

/// The tables of a text; of one that is not TOML, what can be made out all the same.
pub fn parse<'s>(report: &mut Report<'s>) -> Spanned<DeTable<'s>> {
    let source = report.source;
    let (root, mut errors) = DeTable::parse_recoverable(&source.text);
    errors.sort_by_key(|error| error.span().map_or(source.text.len(), |span| span.start));
    let keys = secrets::pem::blocks(&source.text);
    let key_at =
        |at| keys.iter().position(|key| (line_start(&source.text, key.start)..key.end).contains(&at));
    let mut last: Option<Diagnostic> = None;
    for error in errors {
        let mut diagnostic = describe(source, &error);
        let key = key_at(diagnostic.span.start);
        if key.is_some() {
            diagnostic = diagnostic.help(KEY);
        }
        let same_key = |last: &Diagnostic| key.is_some() && key == key_at(last.span.start);
        if last.as_ref().is_none_or(|last| !follows(source, last, &diagnostic) && !same_key(last)) {
            report.push_syntax(diagnostic.clone());
            last = Some(diagnostic);
        }
    }
    report.hide(secrets::of(root.get_ref(), &source.text));
    report.hide(keys);
    root
}

/// What is right instead of a key in the file.
const KEY: &str = "keys do not belong in this file: put the key into a file of its own and name that, such as \
                   `key = \"/etc/campanile/key.pem\"`";

/// Whether an error of syntax is no more than what the one before left behind: on its line, or the keys of a table
/// whose header stands there twice.
fn follows(source: &Source, before: &Diagnostic, diagnostic: &Diagnostic) -> bool {
    let (first, second) = (before.span.start, diagnostic.span.start);
    let between = source.text.get(first..second).unwrap_or_default();
    let same_table = source.line(first).trim_start().starts_with('[') && !between.contains("\n[");
    source.place(first).0 == source.place(second).0
        || same_table && before.message == diagnostic.message && before.message.contains("duplicate key")
}

fn describe(source: &Source, error: &Error) -> Diagnostic {
    let end = source.text.len();
    let message = format!("this is not TOML: {}", error.message());
    let mut diagnostic = Diagnostic::error(error.span().unwrap_or(end..end), message).label("here");
    if let Some(secret) = secret_on_line(&source.text, diagnostic.span.start) {
        diagnostic = diagnostic.hide(secret);
    }
    match help(error.message(), source.line(diagnostic.span.start).trim()) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// Where the line of a place begins.
fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// What is shown to nobody of a line that is not TOML.
fn secret_on_line(text: &str, at: usize) -> Option<Range<usize>> {
    let start = line_start(text, at);
    let end = text.get(at..)?.find('\n').map_or(text.len(), |newline| at + newline);
    let line = text.get(start..end)?;
    secrets::on_line(line).map(|secret| start + secret..end)
}

/// What is most often behind an error of syntax on such a line.
fn help(message: &str, line: &str) -> Option<&'static str> {
    const HELP: [(&str, &str); 8] = [
        ("invalid boolean", "put text in quotes: \"..\""),
        ("string values must be quoted", "put text in quotes: \"..\""),
        ("invalid basic string", "the closing quote is missing"),
        ("duplicate key", "a key can be used only once in a table"),
        ("unclosed table", "a header is in brackets, on a line of its own: [inputs.button]"),
        ("key with no value", "write KEY = VALUE"),
        ("expected key", "this file is TOML: [TABLE] and KEY = VALUE, one on a line"),
        ("unquoted key", "keys have letters, digits, - and _; a value follows ="),
    ];
    let is_header = line.starts_with('[');
    let yaml = line.starts_with("- ")
        || line.ends_with(':')
        || line.split_once(": ").is_some_and(|(key, _)| !key.contains(['=', '"', ' ']));
    if yaml {
        return Some(
            "this file is TOML and not YAML: [inputs.button] begins a table, and lines with KEY = \"VALUE\" follow",
        );
    }
    if is_header && message.contains("duplicate key") {
        return Some(
            "one header for each table: give this one another name, or put its keys under the first",
        );
    }
    HELP.iter().find(|(part, _)| message.contains(part)).map(|(_, help)| *help)
}
