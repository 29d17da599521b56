//! From the file's types to an image, a symbol table and settings.

mod body;
mod hash;
mod lines;
mod message;
mod names;
mod refuse;
mod scenario;
mod sinks;
#[cfg(test)]
mod tests;

use std::ops::Range;

use campanile_core::program::verify::{Room, verify};
use campanile_core::program::{Parts, image};
use campanile_delivery::symbols::Symbols;
use toml::de::{DeTable, DeValue};

use super::file::{Board, House, Journal, Sink};
use super::read::{Node, Read, Report};
use super::resources::{ROOM, Resource};
use super::source::{Diagnostic, Severity, Source};

/// All that a file says.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program, as the engine loads it.
    pub image: Vec<u8>,
    /// Its name: what `Install` and `Boot` records carry.
    pub hash: u64,
    /// The names behind its ids.
    pub symbols: Symbols,
    /// What the host has to know besides.
    pub settings: Settings,
    /// How much of the engine it takes.
    pub resources: Vec<Resource>,
    /// What works and is likely not what was meant.
    pub warnings: Vec<Diagnostic>,
}

/// What the host has to know besides the program.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The node's name.
    pub node: String,
    /// An IANA time zone; `None` for the system's.
    pub timezone: Option<String>,
    /// The journal.
    pub journal: Journal,
    /// Boards by name.
    pub boards: Vec<(String, Board)>,
    /// Sinks by name, in the order of their peer ids.
    pub sinks: Vec<(String, Sink)>,
}

/// Compiles a file for the engine of this host.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text. Without the warnings: some would be wrong themselves.
pub fn compile(source: &Source) -> Result<Compiled, Vec<Diagnostic>> {
    let (root, syntax) = DeTable::parse_recoverable(&source.text);
    let span = root.span();
    let root = toml::Spanned::new(span, DeValue::Table(root.into_inner()));
    let mut report = Report::new(source);
    let house = House::read(Node::from(&root), &mut report);
    if !syntax.is_empty() {
        return Err(errors(with_syntax(source, &syntax, report.found)));
    }
    match house.and_then(|house| build(house, &ROOM, &mut report)) {
        Some(compiled) if !has_error(&report.found) => {
            Ok(Compiled { warnings: sorted(report.found), ..compiled })
        }
        _ => Err(errors(report.found)),
    }
}

/// Compiles what has been read; `None` if it had errors.
pub(super) fn build(house: House, room: &Room, report: &mut Report<'_>) -> Option<Compiled> {
    let names = names::Tables::new(&house, room, report);
    let program = scenario::all(&house, &names, report);
    sinks::check(&house, &program.messages, report);
    let node = house.node.0?;
    if has_error(&report.found) {
        return None;
    }
    let mut symbols = names.symbols(&node.name.value.0);
    symbols.triggers = program.trigger_names;
    symbols.messages = program.messages;
    let parts = Parts {
        names: hash::of(symbols.encode().as_ref()),
        inputs: &names.inputs,
        outputs: &names.outputs,
        sensors: &names.sensors,
        variables: &names.variables,
        triggers: &program.triggers,
        schedules: &program.schedules,
        scenarios: &program.scenarios,
        code: &program.code,
    };
    // Definitions take some ten bytes each; the code comes as it is.
    let mut image = vec![0; 65_536 + program.code.len()];
    let checked = image::encode(&parts, &mut image).and_then(|len| {
        image.truncate(len);
        verify(&image, room)
    });
    if let Err(error) = checked {
        report.push(refuse::refusal(error, &house.scenarios, &names));
        return None;
    }
    let slots: usize = program.scenarios.iter().map(|scenario| usize::from(scenario.mode.slots())).sum();
    let row = |name, have, max: u16| Resource { name, have, max: max.into() };
    let resources = vec![
        row("inputs", parts.inputs.len(), room.counts.inputs.into()),
        row("outputs", parts.outputs.len(), room.counts.outputs.into()),
        row("sensors", parts.sensors.len(), room.counts.sensors.into()),
        row("variables", parts.variables.len(), room.counts.variables.into()),
        row("triggers", parts.triggers.len(), room.counts.triggers.into()),
        row("schedules", parts.schedules.len(), room.counts.schedules.into()),
        row("scenarios", parts.scenarios.len(), room.counts.scenarios.into()),
        row("runs", slots, room.runs.into()),
        row("code bytes", parts.code.len(), room.counts.code),
        row("steps a slice", program.longest_slice as usize, campanile_core::program::code::MAX_STEPS),
    ];
    Some(Compiled {
        hash: image::hash(&image),
        image,
        symbols,
        settings: Settings {
            node: node.name.value.0,
            timezone: node.timezone.map(|zone| zone.value),
            journal: house.journal,
            boards: names.boards,
            sinks: owned(house.sinks.0),
        },
        resources,
        warnings: Vec::new(),
    })
}

fn owned<T>(entries: Vec<(super::read::At<String>, Option<T>)>) -> Vec<(String, T)> {
    entries.into_iter().filter_map(|(name, value)| Some((name.value, value?))).collect()
}

/// Whether one of them is an error.
pub(super) fn has_error(found: &[Diagnostic]) -> bool {
    found.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// The errors alone, in the order of the text.
pub(super) fn errors(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.retain(|diagnostic| diagnostic.severity == Severity::Error);
    sorted(found)
}

/// In the order of the text.
fn sorted(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by_key(|diagnostic| diagnostic.span.start);
    found
}

/// Errors of syntax, and those of what could be read all the same: nothing that another error may have caused.
pub(super) fn with_syntax(
    source: &Source,
    syntax: &[toml::de::Error],
    found: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let lines = |span: &Range<usize>| source.place(span.start).0..=source.place(span.end).0;
    let mut all: Vec<_> = syntax
        .iter()
        .map(|error| {
            let end = source.text.len();
            let message = format!("this is not TOML: {}", error.message());
            let diagnostic = Diagnostic::error(error.span().unwrap_or(end..end), message).label("here");
            let diagnostic = match secret_on_line(&source.text, diagnostic.span.start) {
                Some(secret) => diagnostic.hide(secret),
                None => diagnostic,
            };
            match syntax_help(error.message()) {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            }
        })
        .collect();
    let broken: Vec<_> = all.iter().map(|diagnostic| lines(&diagnostic.span)).collect();
    all.extend(found.into_iter().filter(|diagnostic| {
        let mine = lines(&diagnostic.span);
        !diagnostic.may_follow
            && !broken.iter().any(|lines| lines.contains(mine.start()) || mine.contains(lines.start()))
    }));
    all
}

/// What stands behind a key for secrets, on a line that is not TOML.
fn secret_on_line(text: &str, at: usize) -> Option<Range<usize>> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let end = text.get(at..)?.find('\n').map_or(text.len(), |newline| at + newline);
    let line = text.get(start..end)?;
    let secret =
        super::file::SECRETS.iter().filter_map(|key| line.find(key).map(|found| found + key.len())).min()?;
    (secret < line.len()).then_some(start + secret..end)
}

/// What is most often behind an error of syntax.
fn syntax_help(message: &str) -> Option<&'static str> {
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
