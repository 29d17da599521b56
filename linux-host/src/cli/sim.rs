//! `campanile sim [FILE] SCRIPT`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use campanile_core::time::Instant;
use campanile_delivery::Archive;
use campanile_sim::compare::first_difference;
use campanile_sim::replay::{Bound, Range};
use campanile_sim::world::{Options, Outcome};
use serde_json::json;

use super::habits::number;
use super::pictures::Pictures;
use super::{Failure, check, output};
use crate::config::scalar;
use crate::config::script::{Case, Failed, bless, open};

/// Arguments of `sim`.
#[derive(Debug, clap::Args)]
#[command(
    allow_missing_positional = true,
    after_help = "\
Example: campanile sim house.toml ring.toml
Example: campanile sim tests/scenarios/max-on.toml      (this script contains its house)
Example: campanile sim house.toml ring.toml --timeline --svg ring.svg --from 0s --until 50ms"
)]
pub(super) struct Args {
    /// The house file; leave it out if the script contains or names its house
    #[arg(value_name = "FILE")]
    house: Option<PathBuf>,
    /// The script
    script: PathBuf,
    /// Use this seed instead of the script's
    #[arg(long, value_name = "N", conflicts_with = "bless", value_parser = number::<u64>)]
    seed: Option<u64>,
    /// Write the trace into the script as its expected steps
    #[arg(long)]
    bless: bool,
    /// Print raw edges and bookkeeping too, and compare nothing
    #[arg(long, conflicts_with = "bless")]
    verbose: bool,
    /// Print JSON lines: one object for each line of the trace, and one with the result
    #[arg(long, conflicts_with = "timeline")]
    json: bool,
    #[command(flatten)]
    pictures: Pictures,
    /// Begin pictures at this time of the trace
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "Pictures")]
    from: Option<Instant>,
    /// End pictures at this time of the trace [default: the end of the script]
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "Pictures")]
    until: Option<Instant>,
}

/// Plays the script, prints its trace, and fails at the first difference from what it expects.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (house, script) = (args.house.as_deref(), args.script.as_path());
    let case = open(script, house).map_err(say)?;
    output::apart(case.files.iter().map(PathBuf::as_path), args.pictures.files())?;
    // Behind the end of the script nothing was simulated.
    let end = Instant::ZERO.plus(case.script.until);
    let until = args.until.map_or(end, |until| until.min(end));
    let range = Range { from: args.from.map(Bound::Engine), until: Some(Bound::Engine(until)) };
    if range.is_reversed() {
        let end = if until == end { "the script ends" } else { "--until is" };
        return Err(Failure::says(format!("{end} before --from: no moment is left to draw")));
    }
    let options = Options { seed: args.seed, verbose: args.verbose, ..Options::default() };
    let (Outcome { trace, .. }, disk) = case.play_and_keep(&options).map_err(Failure::says)?;
    let shown = say_trace(&trace, args.json).map_err(Failure::from);
    // What came of it is said even if no picture can be drawn.
    let archive = Archive::open(&disk).map_err(Failure::says);
    let drawn = archive.and_then(|archive| args.pictures.draw(&archive.index, &range));
    let told = if args.bless { write_steps(script, &trace) } else { compare(args, script, &case, &trace) };
    Failure::both(shown, Failure::both(drawn, told))
}

/// Writes what was played into the script, as its steps.
fn write_steps(script: &Path, trace: &str) -> Result<(), Failure> {
    let text = fs::read_to_string(script)?;
    let blessed = bless(&text, trace).ok_or_else(|| Failure::says("the script has no `steps`"))?;
    output::write(script, |out| out.write_all(blessed.as_bytes()))
}

/// Says whether it is what the script expects.
fn compare(args: &Args, script: &Path, case: &Case, trace: &str) -> Result<(), Failure> {
    // Another seed is another story, and a verbose trace has other lines.
    let expected = case.script.expect.as_deref().filter(|_| !args.verbose && args.seed.is_none());
    let difference = expected.and_then(|expected| first_difference(expected, trace));
    let said = if args.json {
        let result = match (&expected, &difference) {
            (None, _) => json!({ "result": "played" }),
            (Some(_), None) => json!({ "result": "as expected" }),
            (Some(_), Some(difference)) => json!({
                "result": "different",
                "line": difference.line,
                "expected": difference.expected,
                "found": difference.found,
            }),
        };
        writeln!(io::stdout().lock(), "{result}")
    } else if let Some(difference) = &difference {
        writeln!(io::stderr().lock(), "{}: {difference}", script.display())
    } else {
        Ok(())
    };
    if difference.is_none() { Ok(said?) } else { Err(Failure::told(said)) }
}

/// A time of the trace: `0.195`, `195ms`, `2min`.
fn moment(text: &str) -> Result<Instant, String> {
    let seconds = text.parse::<f64>().is_ok().then(|| format!("{text}s"));
    let span = scalar::duration(seconds.as_deref().unwrap_or(text));
    span.map(|span| Instant::ZERO.plus(span))
        .map_err(|_| "a time of the trace is \"0.195\" or \"195ms\"".to_owned())
}

fn say(failed: Failed) -> Failure {
    match failed {
        Failed::Says(words) => Failure::Says(words),
        Failed::Wrong(texts) => {
            Failure::told(texts.iter().try_for_each(|(source, found)| check::say(source, found)))
        }
    }
}

fn say_trace(trace: &str, as_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if !as_json {
        return out.write_all(trace.as_bytes());
    }
    for line in trace.lines() {
        let (time, text) = line.split_once("  ").unwrap_or((line, ""));
        writeln!(out, "{}", json!({ "time": time, "text": text }))?;
    }
    Ok(())
}
