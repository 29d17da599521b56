//! `campanile shrink FILE --seed N`: the shortest life that still shows what a seed of the swarm showed.

use std::io::{self, Write as _};
use std::path::PathBuf;

use campanile_sim::swarm::{self, draw};
use clap::ArgGroup;
use serde_json::json;

use super::habits::number;
use super::swarm::{TRIES, houses, interrupts, read_plan, shorten};
use super::{Failure, output};

/// Arguments of `shrink`.
#[derive(Debug, clap::Args)]
#[command(
    group = ArgGroup::new("life").args(["seed", "plan"]).required(true),
    after_help = "\
Example: campanile shrink house.toml --seed 4711
Example: campanile shrink house.toml --seed 4711 --output bug.json
Example: campanile shrink house.toml --plan bug.json --tries 50000      (shorter still)
Example: campanile swarm house.toml --plan bug.json                     (what it was, once more)"
)]
pub(super) struct Args {
    /// The houses, as `swarm` had them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The seed that fails
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    seed: Option<u64>,
    /// Shorten the plan in this file instead of a seed's
    #[arg(long, value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// Run at most so many shorter lives
    #[arg(long, value_name = "N", default_value_t = TRIES, value_parser = number::<u32>)]
    tries: u32,
    /// Write the plan into this file instead of printing it
    #[arg(long, short, value_name = "PLAN")]
    output: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Shortens a life that fails. One that does not is an error: there is nothing to shorten.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let files = args.files.iter().chain(&args.plan).map(PathBuf::as_path);
    output::apart(files, args.output.iter().map(PathBuf::as_path))?;
    let houses = houses(&args.files)?;
    let plan = match (&args.plan, args.seed) {
        (Some(file), _) => read_plan(file, &houses)?,
        (None, seed) => draw(seed.unwrap_or_default(), &houses),
    };
    let Some(finding) = swarm::run(&plan, &houses).finding else {
        let life = match &args.plan {
            Some(file) => file.display().to_string(),
            None => format!("seed {}", plan.seed),
        };
        return Err(Failure::says(format!(
            "{life}: nothing is found in it: name the files that `swarm` had, in their order, and run the same campanile"
        )));
    };
    let before = plan.items.len();
    let shrunk = shorten((plan, finding), &houses, args.tries, &*interrupts()?, !args.json);
    let text = shrunk.plan.to_text() + "\n";
    let written = args.output.as_ref().map(|file| output::write(file, |out| out.write_all(text.as_bytes())));
    let is_kept = matches!(written, Some(Ok(())));
    let mut out = io::stdout().lock();
    if args.json {
        let object = json!({
            "items-before": before, "items": shrunk.plan.items.len(), "tries": shrunk.tries, "shortest": shrunk.is_shortest,
            "at-us": shrunk.finding.at, "node": shrunk.finding.node, "what": shrunk.finding.what,
            "plan": shrunk.plan,
        });
        writeln!(out, "{object}")?;
        return written.unwrap_or(Ok(()));
    }
    // Hours may be in it.
    if !is_kept {
        out.write_all(text.as_bytes())?;
    }
    let items = shrunk.plan.items.len();
    let more = if shrunk.is_shortest { "" } else { "; more `--tries` may make it shorter still" };
    writeln!(out, "{}\n{before} items are {items} now, after {} tries{more}", shrunk.finding, shrunk.tries)?;
    written.unwrap_or(Ok(()))
}
