//! The script of `campanile sim`, and a case of tests/scenarios: read with the same errors as the file itself, to the
//! simulator's plain types.

mod bless;
mod open;
mod step;
#[cfg(test)]
mod tests;
mod value;

use std::ops::Range;

use campanile_core::time::{Duration, Instant};
use campanile_sim::script::{Action, Script, Step as SimStep};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::compile::{Compiled, build, errors, has_error, with_syntax};
use super::file::House;
use super::read::{At, Node, Read, Report, suggestion, table};
use super::resources::ROOM;
use super::scalar::{Int, Text};
use super::source::{Diagnostic, Source};
use step::Step;

pub use bless::bless;
pub use open::{Case, Failed, open};

table! {
    /// A script: a story and what is expected of it.
    pub struct ScriptTable("the script") {
        /// In one sentence, what the house should do.
        "wish" wish (required): At<Text>,
        /// The house: a file, relative to this one. Without it the house stands in the script itself, or is given
        /// to `campanile sim`.
        "house" house (optional): At<Text>,
        /// Of everything random.
        "seed" seed (= 1): Int<0, { i64::MAX }>,
        /// When the simulation ends.
        "until" until (required): At<Duration>,
        /// What happens, in the order of time.
        "steps" steps (empty): Vec<Step>,
        /// The exact trace.
        "expect" expect (optional): Text,
    }
}

/// A script as it stands, its names not yet looked up.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) script: Script,
    /// The file of the house, if it names one.
    pub(super) house: Option<At<String>>,
    /// The house that stands in the script itself.
    pub(super) inline: Option<Compiled>,
    /// Files of `swap`.
    pub(super) swaps: Vec<At<String>>,
    /// Where each step stands.
    pub(super) spans: Vec<Range<usize>>,
}

/// Reads a script and, if one stands in it, its house.
pub(super) fn read(source: &Source) -> Result<Written, Vec<Diagnostic>> {
    let (root, syntax) = DeTable::parse_recoverable(&source.text);
    let span = root.span();
    let mut root = root.into_inner();
    let has_house = !root.contains_key("house") && House::KEYS.iter().any(|key| root.contains_key(*key));
    if has_house && !root.contains_key("node") {
        // A case is about what happens, not about who says so.
        if let Ok(node) = DeValue::parse("{ name = \"house\" }") {
            root.insert(Spanned::new(0..0, "node".into()), node);
        }
    }
    let root = Spanned::new(span, DeValue::Table(root));
    let node = Node::from(&root);
    let mut report = Report::new(source);
    let table = ScriptTable::read(if has_house { node.without(House::KEYS) } else { node }, &mut report);
    let house = if has_house { House::read(node.known_only(), &mut report) } else { None };
    if !syntax.is_empty() {
        return Err(errors(with_syntax(source, &syntax, report.found)));
    }
    let inline = house.and_then(|house| build(house, &ROOM, &mut report));
    let written = table.map(|table| assemble(table, inline, &mut report));
    match written {
        Some(written) if !has_error(&report.found) => Ok(written),
        _ => Err(errors(report.found)),
    }
}

fn assemble(table: ScriptTable, inline: Option<Compiled>, report: &mut Report<'_>) -> Written {
    let mut last = Duration::ZERO;
    let mut written = Written {
        script: Script {
            wish: table.wish.value,
            seed: table.seed.0.unsigned_abs(),
            until: table.until.value,
            steps: Vec::new(),
            expect: table.expect,
        },
        house: table.house,
        inline,
        swaps: Vec::new(),
        spans: Vec::new(),
    };
    for step in table.steps {
        let at = step.at();
        if at.value < last {
            report.push(
                Diagnostic::error(at.span.clone(), "this step comes before the one above it")
                    .label("earlier")
                    .help("steps stand in the order of time"),
            );
        }
        if at.value > table.until.value {
            report.push(
                Diagnostic::error(at.span.clone(), "this step comes after the end")
                    .label("later than `until`")
                    .other(table.until.span.clone(), "the end"),
            );
        }
        last = last.max(at.value);
        let (at, span) = (Instant::from_micros(at.value.micros()), step.span());
        if let Step::Swap(swap) = &step {
            written.swaps.push(swap.house.clone());
        }
        if let Some(action) = step.action(report) {
            written.script.steps.push(SimStep { at, action });
            written.spans.push(span);
        }
    }
    written
}

/// The names of one kind that a house has.
type Names = fn(&Compiled) -> Vec<&str>;

/// Says which names of the steps none of the houses has.
pub(super) fn check_names(written: &Written, houses: &[&Compiled], report: &mut Report<'_>) {
    for (step, span) in written.script.steps.iter().zip(&written.spans) {
        let Some((kind, name)) = named(&step.action) else { continue };
        let known = |names: Names| houses.iter().flat_map(move |house| names(house));
        let names: Names = match kind {
            "input" => |house| house.symbols.inputs.iter().map(|input| input.name.as_str()).collect(),
            "output" => |house| house.symbols.outputs.iter().map(|output| output.name.as_str()).collect(),
            "sensor" => |house| house.symbols.sensors.iter().map(|sensor| sensor.name.as_str()).collect(),
            "variable" => |house| house.symbols.variables.iter().map(String::as_str).collect(),
            "scenario" => |house| house.symbols.scenarios.iter().map(String::as_str).collect(),
            _ => |house| house.symbols.peers.iter().map(String::as_str).collect(),
        };
        if known(names).any(|known| known == name) {
            continue;
        }
        let text = report.source.text.get(span.clone()).unwrap_or_default();
        let quoted = format!("\"{name}\"");
        let span = match text.find(&quoted) {
            Some(at) => span.start + at..span.start + at + quoted.len(),
            None => span.clone(),
        };
        let all: Vec<_> = known(names).collect();
        report.push(
            Diagnostic::error(span, format!("unknown {kind} `{name}`"))
                .label("here")
                .help(suggestion(name, all)),
        );
    }
}

/// What a step names, and of which kind it is.
fn named(action: &Action) -> Option<(&'static str, &str)> {
    use campanile_sim::script::Command;
    Some(match action {
        Action::Input { input, .. } | Action::Storm { input, .. } | Action::Lose { input, .. } => {
            ("input", input)
        }
        Action::Feed { sensor, .. } => ("sensor", sensor),
        Action::Command { command, .. } => match command {
            Command::Set { output, .. } => ("output", output),
            Command::Start { scenario } | Command::Stop { scenario } => ("scenario", scenario),
            Command::Let { variable, .. } => ("variable", variable),
            Command::Press { input, .. } => ("input", input),
        },
        Action::Link { peer, .. } => ("sink", peer),
        Action::Hardware { output, .. } => ("output", output),
        Action::Restart { .. }
        | Action::Kill { .. }
        | Action::Stall { .. }
        | Action::Clock { .. }
        | Action::Swap { .. } => return None,
    })
}
