//! `campanile swarm FILE`: many lives of a house, each drawn from a seed, under faults at every layer.

mod progress;
mod run;
mod tally;

use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZero;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use campanile_sim::swarm::shrink::shrink;
use campanile_sim::swarm::{Plan, draw};
use campanile_sim::world::House;
use serde_json::json;

use super::habits::{number, span};
use super::{Failure, check};
use crate::nearest::nearest;
use progress::Progress;
use run::Found;
use tally::Tally;

/// So many runs at most to shorten a failure, unless `shrink` is asked for more.
const TRIES: u32 = 600;

/// Arguments of `swarm`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: campanile swarm house.toml                        (seeds until Ctrl-C)
Example: campanile swarm house.toml --seeds 0..20000 --jobs 4
Example: campanile swarm house.toml --for 10m
Example: campanile swarm house.toml --seeds 4711            (one seed once more)
Example: campanile swarm old.toml new.toml --for 1m         (new.toml is swapped in on the way)")]
pub(super) struct Args {
    /// The house, and others that are swapped in on the way
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// These seeds: `A..B`, `A..` or one
    #[arg(long, value_name = "A..B", default_value = "0..")]
    seeds: Seeds,
    /// So many at a time; all cores unless said otherwise
    #[arg(long, value_name = "N", value_parser = number::<NonZero<usize>>)]
    jobs: Option<NonZero<usize>>,
    /// Stop after this time: `10m`, `90s`, `2h`
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    limit: Option<Duration>,
    /// Run the plan in this file instead of seeds
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["seeds", "jobs", "limit"])]
    plan: Option<PathBuf>,
    /// Print JSON lines: one object a failure, and one with the summary
    #[arg(long)]
    json: bool,
}

/// Seeds in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seeds(Range<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| {
            part.parse::<u64>().map_err(|_| format!("`{part}` is no seed: seeds are numbers, as in 0..20000"))
        };
        let range = match text.split_once("..") {
            None => {
                let seed = number(text)?;
                seed..seed.saturating_add(1)
            }
            Some((from, "")) => number(from)?..u64::MAX,
            Some((from, to)) => number(from)?..number(to)?,
        };
        if range.is_empty() { Err(format!("there is no seed in {text}")) } else { Ok(Self(range)) }
    }
}

/// Runs seeds until one fails, all are done, the time is over, or somebody has seen enough.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let houses = houses(&args.files)?;
    if let Some(plan) = &args.plan {
        return run_plan(&read_plan(plan, &houses)?, &houses, args);
    }
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let deadline = args.limit.map(|limit| Instant::now() + limit);
    let progress = Progress::new(args.seeds.0.clone(), deadline, io::stderr().is_terminal() && !args.json);
    let (tally, found) = run::seeds(&houses, args.seeds.0.clone(), jobs, deadline, &progress)?;
    progress.clear();
    if tally.seeds == 0 {
        return Err(Failure::says(format!(
            "no seed was tried: {}",
            if args.limit.is_some_and(|limit| limit <= tally.took) {
                "the time was over before the first began; `--for` takes more of it, as in `--for 10m`"
            } else {
                "it was interrupted before the first was lived"
            }
        )));
    }
    if let Some(found) = &found {
        tell(found, &houses, args)?;
    }
    summary(&tally, found.is_some(), args)?;
    if found.is_some() { Err(Failure::Told) } else { Ok(()) }
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
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::says(format!("cannot read {}: {error}", path.display())))?;
    let plan: Plan = serde_json::from_str(&text)
        .map_err(|error| Failure::says(format!("{}: this is no plan: {error}", path.display())))?;
    match plan.unknown(houses) {
        None => Ok(plan),
        Some(unknown) => {
            let known = unknown.known.iter().map(String::as_str);
            let meant = nearest(&unknown.name, known)
                .map_or(String::new(), |name| format!("; did you mean `{name}`?"));
            Err(Failure::says(format!(
                "{}: item {} names the {} `{}`, which no house has{meant}",
                path.display(),
                unknown.item + 1,
                unknown.what,
                unknown.name
            )))
        }
    }
}

fn run_plan(plan: &Plan, houses: &[House], args: &Args) -> Result<(), Failure> {
    let outcome = campanile_sim::swarm::run(plan, houses);
    let mut out = io::stdout().lock();
    match &outcome.finding {
        None if args.json => writeln!(out, "{}", json!({ "result": "nothing found" }))?,
        None => writeln!(out, "nothing found in {} of virtual time", progress::span(outcome.lived))?,
        Some(finding) if args.json => {
            writeln!(
                out,
                "{}",
                json!({ "result": "failed", "at-us": finding.at, "node": finding.node, "what": finding.what })
            )?;
        }
        Some(finding) => writeln!(out, "{finding}")?,
    }
    if outcome.finding.is_some() { Err(Failure::Told) } else { Ok(()) }
}

/// Says what was found, how to see it again, and the shortest plan that still shows it.
fn tell(found: &Found, houses: &[House], args: &Args) -> Result<(), Failure> {
    let files: Vec<String> = args.files.iter().map(|file| file.display().to_string()).collect();
    let again = format!("campanile swarm {} --seeds {}", files.join(" "), found.seed);
    let mut out = io::stdout().lock();
    if !args.json {
        writeln!(out, "seed {} fails:\n{}\nagain: {again}", found.seed, found.finding)?;
        out.flush()?;
        writeln!(io::stderr(), "shortening ..")?;
    }
    let shrunk = shrink(draw(found.seed, houses), found.finding.clone(), houses, TRIES);
    if args.json {
        let finding = &found.finding;
        let object = json!({
            "result": "failed", "seed": found.seed, "at-us": finding.at, "node": finding.node,
            "what": finding.what, "again": again, "plan": shrunk.plan, "shortened": shrunk.finding.what,
        });
        return Ok(writeln!(out, "{object}")?);
    }
    writeln!(out, "\nshortened to:\n{}\n{}", shrunk.plan.to_text(), shrunk.finding)?;
    Ok(())
}

fn summary(tally: &Tally, failed: bool, args: &Args) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if args.json {
        let object = json!({
            "result": if failed { "failed" } else { "done" }, "seeds": tally.seeds, "next": tally.next,
            "virtual-us": tally.lived.to_string(), "records": tally.records,
            "seconds": tally.took.as_secs_f64(), "interrupted": tally.interrupted,
        });
        return Ok(writeln!(out, "{object}")?);
    }
    let rate = tally.seeds as f64 / tally.took.as_secs_f64().max(1e-9);
    writeln!(
        out,
        "{} {}{}, {} of virtual time, {} records in {:.1} s: {rate:.0} seeds/s",
        tally.seeds,
        if tally.seeds == 1 { "seed" } else { "seeds" },
        if failed { "" } else { " without a finding" },
        progress::span(tally.lived),
        tally.records,
        tally.took.as_secs_f64(),
    )?;
    if tally.interrupted {
        let files: Vec<String> = args.files.iter().map(|file| file.display().to_string()).collect();
        let end = if args.seeds.0.end == u64::MAX { String::new() } else { args.seeds.0.end.to_string() };
        writeln!(out, "to go on: campanile swarm {} --seeds {}..{end}", files.join(" "), tally.next)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_as_people_write_them() {
        assert_eq!("3..7".parse(), Ok(Seeds(3..7)));
        assert_eq!("5".parse(), Ok(Seeds(5..6)));
        assert_eq!("9..".parse(), Ok(Seeds(9..u64::MAX)));
        assert!("7..3".parse::<Seeds>().is_err_and(|why| why.contains("no seed in 7..3")));
        assert!("x..3".parse::<Seeds>().is_err_and(|why| why.contains("`x` is no seed")));
    }
}
