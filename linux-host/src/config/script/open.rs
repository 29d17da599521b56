//! A script with all the houses that it needs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use campanile_delivery::disk::Disk;
use campanile_sim::script::Script;
use campanile_sim::world::{Options, Outcome, SimError, play_and_keep};

use super::super::compile::{Compiled, read_and_compile};
use super::super::file::House;
use super::super::load;
use super::super::read::{At, Report};
use super::super::source::{Diagnostic, Source, render};
use super::{Inline, Written, names, read};

/// A script, ready to run.
#[derive(Clone, Debug)]
pub struct Case {
    /// What happens, and what is expected.
    pub script: Script,
    /// The house.
    pub house: Compiled,
    /// The houses of `swap`, by the names that the script gives them.
    pub others: Vec<(String, Compiled)>,
    /// The files that all this was read from, the script's own first.
    pub files: Vec<PathBuf>,
}

impl Case {
    /// Plays it on the simulator.
    ///
    /// # Errors
    /// See [`SimError`].
    pub fn play(&self, options: &Options) -> Result<Outcome, SimError> {
        self.play_and_keep(options).map(|(outcome, _)| outcome)
    }

    /// As [`play`](Self::play); gives the node's disk too, with the journal on it.
    ///
    /// # Errors
    /// See [`SimError`].
    pub fn play_and_keep(&self, options: &Options) -> Result<(Outcome, Arc<Disk>), SimError> {
        let others = self.others.iter().map(|(name, house)| (name.clone(), house.simulated())).collect();
        play_and_keep(&self.script, &self.house.simulated(), &others, options)
    }
}

/// Why a script cannot run.
#[derive(Debug)]
pub enum Failed {
    /// A file cannot be read, in words.
    Says(String),
    /// Errors, text by text.
    Wrong(Vec<(Source, Vec<Diagnostic>)>),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Says(words) => f.write_str(words),
            Self::Wrong(texts) => {
                texts.iter().try_for_each(|(source, found)| f.write_str(&render(source, found, false)))
            }
        }
    }
}

impl std::error::Error for Failed {}

/// Reads a script and compiles its house: `house` if it is given, else the one that the script names or holds.
///
/// # Errors
/// That a file cannot be read, or all errors of all texts: the script, its house, the houses of `swap`.
pub fn open(path: &Path, house: Option<&Path>) -> Result<Case, Failed> {
    let source = load(path).map_err(|words| {
        // What `init` writes is a house.
        let gone = path.try_exists().is_ok_and(|there| !there);
        Failed::Says(if gone { format!("there is no script {}", path.display()) } else { words })
    })?;
    let mut report = Report::new(&source);
    let mut texts = Texts { files: vec![path.to_owned()], wrong: Vec::new() };
    let opened = match read(&mut report) {
        Some(written) => texts.open(written, path, house, &mut report)?,
        None => None,
    };
    if let Err(found) = report.finish() {
        texts.wrong.insert(0, (source.clone(), found));
    }
    opened.filter(|_| texts.wrong.is_empty()).ok_or(Failed::Wrong(texts.wrong))
}

/// What is read on the way.
struct Texts {
    files: Vec<PathBuf>,
    /// The texts that have errors.
    wrong: Vec<(Source, Vec<Diagnostic>)>,
}

/// A house of a script: what it says, as far as it could be read, and what it compiles to.
type Opened = (Option<House>, Option<Compiled>);

impl Texts {
    /// The script with its houses; `None` after errors.
    fn open(
        &mut self,
        written: Written,
        path: &Path,
        house: Option<&Path>,
        report: &mut Report<'_>,
    ) -> Result<Option<Case>, Failed> {
        let Written { script, house: file, inline, swaps, named } = written;
        let (main, main_compiled) = match (house, file, inline) {
            (Some(house), ..) => {
                self.files.push(house.to_owned());
                self.compiled(load(house).map_err(Failed::Says)?)
            }
            (None, Some(file), _) => self.beside(path, &file, report),
            (None, None, Some(Inline { house, compiled })) => (house, compiled),
            (None, None, None) => {
                let what = "there is no house in this script";
                report.push(Diagnostic::error(0..0, what).label("here").help(
                    "write `house = \"../houses/doorbell.toml\"`, or the house itself with [inputs.x] and so on",
                ));
                (None, None)
            }
        };
        let mut others = BTreeMap::new();
        for swap in swaps {
            others.entry(swap.value.clone()).or_insert_with(|| self.beside(path, &swap, report));
        }
        let houses = std::iter::once(main.as_ref()).chain(others.values().map(|(house, _)| house.as_ref()));
        // Names of a house that could not be read are not unknown.
        if let Some(houses) = houses.collect::<Option<Vec<_>>>() {
            names::check(&named, &houses, report);
        }
        let others: Option<Vec<_>> =
            others.into_iter().map(|(name, (_, compiled))| Some((name, compiled?))).collect();
        Ok(main_compiled.zip(others).map(|(house, others)| Case {
            script,
            house,
            others,
            files: self.files.clone(),
        }))
    }

    /// The house of a file that the script names.
    fn beside(&mut self, script: &Path, file: &At<String>, report: &mut Report<'_>) -> Opened {
        let path = script.with_file_name(&file.value);
        self.files.push(path.clone());
        match load(&path) {
            Ok(source) => self.compiled(source),
            Err(words) => {
                if !file.is_broken() {
                    report.push(Diagnostic::error(file.span.clone(), words).label("relative to the script"));
                }
                (None, None)
            }
        }
    }

    fn compiled(&mut self, source: Source) -> Opened {
        match read_and_compile(&source) {
            (house, Ok(compiled)) => (house, Some(compiled)),
            (house, Err(found)) => {
                // A house may swap with itself.
                if !self.wrong.iter().any(|(known, _)| known.name == source.name) {
                    self.wrong.push((source, found));
                }
                (house, None)
            }
        }
    }
}
