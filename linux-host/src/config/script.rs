//! The script of `campanile sim`, and a case of tests/scenarios: read with the same errors as the file itself, to the
//! simulator's plain types.

mod bless;
mod names;
mod open;
mod step;
#[cfg(test)]
mod tests;
mod value;

use campanile_core::time::{Duration, Instant};
use campanile_sim::script::{Script, Step as SimStep};
use toml::Spanned;
use toml::de::DeValue;

use super::compile::{Compiled, with_satellites};
use super::file::House;
use super::read::{At, Node, Read, Report, table};
use super::scalar::{Int, Positive, Text};
use super::source::Diagnostic;
use super::syntax;
use names::Kind;
use step::{Event, Step};

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
        "until" until (required): At<Positive>,
        /// What happens, in the order of time.
        "steps" steps (empty): Vec<Step>,
        /// The exact trace.
        "expect" expect (optional): Text,
    }
}

/// A script as it stands, its names not yet looked up.
#[derive(Debug)]
struct Written {
    script: Script,
    /// The file of the house, if it names one.
    house: Option<At<String>>,
    /// The house that stands in the script itself.
    inline: Option<Inline>,
    /// Files of `swap`.
    swaps: Vec<At<String>>,
    /// What its steps name.
    named: Vec<(Kind, At<String>)>,
}

/// A house in a script.
#[derive(Debug)]
struct Inline {
    /// `None` if it is no house at all.
    house: Option<House>,
    /// `None` after an error.
    compiled: Option<Compiled>,
}

/// Reads a script and, if one stands in it, its house; after an error, what could be read.
fn read(report: &mut Report<'_>) -> Option<Written> {
    let root = syntax::parse(report);
    let is_script = ScriptTable::KEYS.iter().any(|key| root.get_ref().contains_key(*key));
    if let (Some((node, _)), false) = (root.get_ref().get_key_value("node"), is_script) {
        let house = Diagnostic::error(node.span(), "this is a house, not a script").label("a house's key");
        report.push(house.help(
            "`campanile sim HOUSE SCRIPT` runs a script, with `wish`, `until` and `steps`, on a house",
        ));
        return None;
    }
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
    let table = ScriptTable::read(if has_house { node.without(House::KEYS) } else { node }, report);
    let inline = has_house.then(|| {
        let house = House::read(node.known_only(), report);
        let (house, compiled) = house.map(|house| with_satellites(&house, report)).unzip();
        Inline { house, compiled: compiled.flatten() }
    });
    table.map(|table| assemble(table, inline, report))
}

fn assemble(table: ScriptTable, inline: Option<Inline>, report: &mut Report<'_>) -> Written {
    let mut last = Duration::ZERO;
    let mut written = Written {
        script: Script {
            wish: table.wish.value,
            seed: table.seed.0.unsigned_abs(),
            until: table.until.value.0,
            steps: Vec::new(),
            expect: table.expect,
        },
        house: table.house,
        inline,
        swaps: Vec::new(),
        named: Vec::new(),
    };
    for Step { at, event } in table.steps {
        if !at.is_broken() {
            check_time(&at, last, &table.until, report);
            last = last.max(at.value);
        }
        if let Event::Swap(swap) = &event {
            written.swaps.push(swap.house.clone());
        }
        written.named.extend(event.named().map(|(kind, name)| (kind, name.clone())));
        if let Some(action) = event.action(report) {
            written.script.steps.push(SimStep { at: Instant::from_micros(at.value.micros()), action });
        }
    }
    written
}

fn check_time(at: &At<Duration>, last: Duration, until: &At<Positive>, report: &mut Report<'_>) {
    if at.value < last {
        report.push(
            Diagnostic::error(at.span.clone(), "this step comes before the one above it")
                .label("earlier")
                .help("steps must be in order of time"),
        );
    }
    if at.value > until.value.0 && !until.is_broken() {
        report.push(
            Diagnostic::error(at.span.clone(), "this step comes after the end")
                .label("later than `until`")
                .other(until.span.clone(), "the end"),
        );
    }
}
