//! A script with all the houses that it needs.

use std::path::{Path, PathBuf};

use campanile_sim::script::Script;
use campanile_sim::world::{House, Options, Outcome, SimError, play};

use super::super::compile::{Compiled, compile, errors};
use super::super::load;
use super::super::read::Report;
use super::super::source::{Diagnostic, Source};
use super::{Written, check_names, read};

/// A script, ready to run.
#[derive(Clone, Debug)]
pub struct Case {
    /// What happens, and what is expected.
    pub script: Script,
    /// The house.
    pub house: Compiled,
    /// The houses of `swap`, by the names that the script gives them.
    pub others: Vec<(String, Compiled)>,
}

impl Case {
    /// Plays it on the simulator.
    ///
    /// # Errors
    /// See [`SimError`].
    pub fn play(&self, options: &Options) -> Result<Outcome, SimError> {
        let others = self.others.iter().map(|(name, house)| (name.clone(), simulated(house))).collect();
        play(&self.script, &simulated(&self.house), &others, options)
    }
}

fn simulated(house: &Compiled) -> House {
    House { image: house.image.clone(), symbols: house.symbols.clone() }
}

/// Why a script cannot run.
#[derive(Debug)]
pub enum Failed {
    /// A file cannot be read, in words.
    Says(String),
    /// Errors in a text.
    Wrong(Box<Source>, Vec<Diagnostic>),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Says(words) => f.write_str(words),
            Self::Wrong(source, found) => f.write_str(&super::super::source::render(source, found, false)),
        }
    }
}

impl std::error::Error for Failed {}

/// Reads a script and compiles its house: `house` if it is given, else the one that the script names or holds.
///
/// # Errors
/// The first file that cannot be read, or all errors of the first text that has some.
pub fn open(path: &Path, house: Option<&Path>) -> Result<Case, Failed> {
    let source = load(path).map_err(Failed::Says)?;
    let mut written = read(&source).map_err(|found| Failed::Wrong(Box::new(source.clone()), found))?;
    let beside = |file: &str| path.parent().map_or_else(|| PathBuf::from(file), |folder| folder.join(file));
    let inline = written.inline.take();
    let house = match (house, &written.house, inline) {
        (Some(house), ..) => compiled(house)?,
        (None, Some(file), _) => compiled(&beside(&file.value))?,
        (None, None, Some(inline)) => inline,
        (None, None, None) => {
            let what = "there is no house in this script";
            let found = vec![Diagnostic::error(0..0, what).label("here").help(
                "write `house = \"../houses/doorbell.toml\"`, or the house itself with [inputs.x] and so on",
            )];
            return Err(Failed::Wrong(Box::new(source), found));
        }
    };
    let mut others: Vec<(String, Compiled)> = Vec::new();
    for swap in &written.swaps {
        if !others.iter().any(|(name, _)| *name == swap.value) {
            others.push((swap.value.clone(), compiled(&beside(&swap.value))?));
        }
    }
    let found = wrong_names(&source, &written, &house, &others);
    if !found.is_empty() {
        return Err(Failed::Wrong(Box::new(source), found));
    }
    Ok(Case { script: written.script, house, others })
}

fn wrong_names(
    source: &Source,
    written: &Written,
    house: &Compiled,
    others: &[(String, Compiled)],
) -> Vec<Diagnostic> {
    let mut report = Report::new(source);
    let houses: Vec<_> = std::iter::once(house).chain(others.iter().map(|(_, other)| other)).collect();
    check_names(written, &houses, &mut report);
    errors(report.found)
}

fn compiled(path: &Path) -> Result<Compiled, Failed> {
    let source = load(path).map_err(Failed::Says)?;
    compile(&source).map_err(|found| Failed::Wrong(Box::new(source), found))
}
