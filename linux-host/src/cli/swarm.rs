//! `campanile swarm FILE`: many lives of a house, each drawn from a seed, under faults at every layer.

mod progress;
mod run;
mod say;
mod shorten;
mod tally;

use std::io::{self, Write};
use std::num::NonZero;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use campanile_sim::span::span;
use campanile_sim::swarm::plan::Unknown;
use campanile_sim::swarm::{Finding, Plan, draw};
use campanile_sim::world::House;
use serde_json::json;

use super::habits::{self, number};
use super::{Failure, check};
use crate::nearest::nearest;
use progress::Progress;
pub(super) use run::interrupts;
pub(super) use shorten::{TRIES, shorten};

/// Seeds that are lived at a time, at most: a thread for each.
const MOST_JOBS: usize = 1024;

/// Arguments of `swarm`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: campanile swarm house.toml                        (seeds until Ctrl-C)
Example: campanile swarm house.toml --seeds 0..20000 --jobs 4
Example: campanile swarm house.toml --for 10m
Example: campanile swarm house.toml --seeds 4711            (one seed again)
Example: campanile swarm old.toml new.toml --for 1m         (new.toml is reloaded during the lives)
Example: campanile swarm house.toml --plan bug.json         (the plan that `shrink --output bug.json` has written)")]
pub(super) struct Args {
    /// The house, and other houses to reload during the lives
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The seeds to run: `A..B`, `A..` or a single seed
    #[arg(long, value_name = "A..B", default_value = "0..", allow_hyphen_values = true)]
    seeds: Seeds,
    /// Parallel jobs [default: all cores]
    #[arg(long, value_name = "N", value_parser = jobs)]
    jobs: Option<NonZero<usize>>,
    /// Stop after this time: `10m`, `90s`, `2h`
    #[arg(long = "for", value_name = "TIME", value_parser = habits::span)]
    limit: Option<Duration>,
    /// Run the plan in this file instead of seeds
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["seeds", "jobs", "limit"])]
    plan: Option<PathBuf>,
    /// Print JSON lines: one object for each failure, and one with the summary
    #[arg(long)]
    json: bool,
}

/// Seeds in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seeds(Range<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| match part.parse::<u64>() {
            Ok(seed) if seed < u64::MAX => Ok(seed),
            _ if part.is_empty() => Err("write the first seed too, as in 0..20000".to_owned()),
            _ => Err(format!(
                "`{part}` is not a seed: seeds are numbers up to {}, as in 0..20000",
                u64::MAX - 1
            )),
        };
        let range = match text.split_once("..") {
            None => {
                let seed = number(text)?;
                seed..seed + 1
            }
            Some((from, "")) => number(from)?..u64::MAX,
            Some((from, to)) => number(from)?..number(to)?,
        };
        if range.is_empty() {
            Err(format!(
                "there is no seed in {text}: A..B begins with A and ends before B, as 0..3 is 0, 1 and 2"
            ))
        } else {
            Ok(Self(range))
        }
    }
}

/// How many at a time, as far as a machine has threads to give.
fn jobs(text: &str) -> Result<NonZero<usize>, String> {
    number::<NonZero<usize>>(text)
        .ok()
        .filter(|jobs| jobs.get() <= MOST_JOBS)
        .ok_or_else(|| format!("a number from 1 to {MOST_JOBS} is meant"))
}

/// Runs seeds until one fails, all are done, the time is over, or somebody has seen enough.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let houses = houses(&args.files)?;
    match &args.plan {
        Some(plan) => run_plan(&read_plan(plan, &houses)?, &houses, args),
        None => hunt(args, &houses, &mut io::stdout().lock()),
    }
}

fn hunt(args: &Args, houses: &[House], out: &mut impl Write) -> Result<(), Failure> {
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let deadline = args.limit.map(|limit| Instant::now() + limit);
    let progress = Progress::new(args.seeds.0.clone(), deadline, !args.json);
    let stop = interrupts()?;
    let (tally, found) = run::seeds(houses, args.seeds.0.clone(), jobs, deadline, &stop, &progress);
    drop(progress);
    if tally.seeds == 0 {
        return Err(Failure::says(format!(
            "no seed was lived to its end: {}",
            if stop.load(Ordering::Relaxed) {
                "it was interrupted before"
            } else {
                "the time was over before; give `--for` more of it, as in `--for 10m`"
            }
        )));
    }
    let Some(found) = found else { return Ok(say::summary(&tally, false, args, out)?) };
    let mut tell = || {
        say::finding(&found, args, out)?;
        let failing = (draw(found.seed, houses), found.finding.clone());
        let shrunk = shorten(failing, houses, TRIES, &stop, !args.json);
        say::shortened(&found, &shrunk, args, out)?;
        say::summary(&tally, true, args, out)
    };
    Err(Failure::told(tell()))
}

/// Compiles the houses, or says what is wrong with one.
pub(super) fn houses(files: &[PathBuf]) -> Result<Vec<House>, Failure> {
    let house = |file: &PathBuf| {
        let (_, compiled) = check::compile_or_say(file)?;
        Ok(compiled.simulated())
    };
    files.iter().map(house).collect()
}

/// Reads a plan; what it names must be in one of the houses.
pub(super) fn read_plan(path: &Path, houses: &[House]) -> Result<Plan, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::says(format!("cannot read {}: {error}", path.display())))?;
    let plan: Plan = serde_json::from_slice(&bytes).map_err(|error| {
        Failure::says(format!(
            "{}: this is no plan, as `campanile shrink --output` writes one: {error}",
            path.display()
        ))
    })?;
    match plan.unknown(houses) {
        None => Ok(plan),
        Some(unknown) => Err(Failure::says(format!("{}: {}", path.display(), in_words(&unknown)))),
    }
}

/// What is wrong with a name of a plan, and which is meant.
fn in_words(unknown: &Unknown) -> String {
    let Unknown { item, what, name, known, elsewhere } = unknown;
    let named = format!("item {} names the {what} `{name}`, which", item + 1);
    if elsewhere.is_empty() {
        let meant =
            nearest(name, known.iter().map(String::as_str)).map(|name| format!("; did you mean `{name}`?"));
        return format!("{named} no house has{}", meant.unwrap_or_default());
    }
    let owners = elsewhere.iter().map(|owner| match owner {
        None => "the house itself has: leave out `satellite`".to_owned(),
        Some((place, satellite)) => {
            format!("satellite {place}, {satellite}, has: add `\"satellite\":{place}`")
        }
    });
    format!("{named} is not there, but {}", owners.collect::<Vec<_>>().join("; "))
}

fn run_plan(plan: &Plan, houses: &[House], args: &Args) -> Result<(), Failure> {
    let outcome = campanile_sim::swarm::run(plan, houses);
    let mut out = io::stdout().lock();
    let said = match (&outcome.finding, args.json) {
        (None, true) => writeln!(out, "{}", json!({ "result": "nothing found" })),
        (None, false) => writeln!(out, "nothing found in {} of virtual time", span(outcome.lived)),
        (Some(Finding { at, node, what }), true) => {
            writeln!(out, "{}", json!({ "result": "failed", "at-us": at, "node": node, "what": what }))
        }
        (Some(finding), false) => writeln!(out, "{finding}"),
    };
    if outcome.finding.is_none() { Ok(said?) } else { Err(Failure::told(said)) }
}

#[cfg(test)]
mod tests;
