//! `campanile shrink FILE --seed N`: the shortest life that still shows what a seed of the swarm showed.

use std::io::{self, Write};
use std::path::PathBuf;

use campanile_sim::swarm::shrink::Shrunk;
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
Example: campanile swarm house.toml --plan bug.json                     (runs the plan again)"
)]
pub(super) struct Args {
    /// The houses, the same as for `swarm`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The seed that fails
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    seed: Option<u64>,
    /// Shorten the plan in this file instead of the plan of a seed
    #[arg(long, value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// Run at most N shorter lives
    #[arg(long, value_name = "N", default_value_t = TRIES, value_parser = number::<u32>)]
    tries: u32,
    /// Write the plan to this file instead of printing it
    #[arg(long, short, value_name = "PLAN")]
    output: Option<PathBuf>,
    /// Print a JSON line
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
    tell(&shrunk, before, args, &mut io::stdout().lock())
}

/// Says what is left of so many items, and keeps it where it was asked for.
fn tell(shrunk: &Shrunk, before: usize, args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let text = shrunk.plan.to_text() + "\n";
    let written = args.output.as_ref().map(|file| output::write(file, |out| out.write_all(text.as_bytes())));
    let is_kept = matches!(written, Some(Ok(())));
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
    writeln!(
        out,
        "{}\n{items} of {before} items are left, after {} tries{more}",
        shrunk.finding, shrunk.tries
    )?;
    written.unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use campanile_delivery::symbols::Symbols;
    use campanile_sim::swarm::Plan;
    use campanile_sim::world::House;
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    /// What is said of a plan with one item in a house whose program is none.
    fn told(arguments: &[&str]) -> (Result<(), Failure>, String) {
        let cli =
            Cli::try_parse_from([&["campanile", "shrink", "house.toml", "--seed", "7"], arguments].concat());
        let Command::Shrink(args) = cli.expect("right usage").command else { panic!("{arguments:?}") };
        let houses = [House::new(vec![1, 2, 3], Symbols::new("front-door"))];
        let plan = r#"{"seed":7,"until":9,"nodes":[{}],"items":[{"at":1,"node":0,"deed":"stall","span":2}]}"#;
        let plan: Plan = serde_json::from_str(plan).expect("a plan");
        let finding = swarm::run(&plan, &houses).finding.expect("no program");
        let shrunk = shorten((plan, finding), &houses, 50, &AtomicBool::new(false), false);
        let mut out = Vec::new();
        let told = tell(&shrunk, 1, &args, &mut out);
        (told, String::from_utf8(out).expect("text"))
    }

    /// Hours may have gone into it.
    #[test]
    fn a_plan_that_cannot_be_written_is_printed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("bug.json");
        let (kept, said) = told(&["--output", file.to_str().expect("text")]);
        assert!(kept.is_ok() && said.contains("\n0 of 1 items are left, after "), "{said}");
        let plan = std::fs::read_to_string(file).expect("it was written");
        assert!(plan.starts_with("{\"seed\":7,") && !said.contains(&plan), "{said}");
        let (lost, said) = told(&["--output", "/dev/full"]);
        assert!(lost.is_err() && said.starts_with(&plan), "{said}");
        let (_, printed) = told(&[]);
        assert_eq!(printed, said);
    }
}
