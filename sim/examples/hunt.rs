//! Looks for the first seed in which the swarm finds something: `hunt A..B LEAST SKIP IMAGE..`, with images as
//! `campanile compile` writes them. For ci/planted.sh, which builds it with a fault in it.
//!
//! Runs the seeds from A on until one fails, up to B at the most, and in any case so many as `LEAST` says, to see how
//! many fail. Those in `SKIP`, with commas between, are left out. Prints a line for each that failed: the seed, a tab,
//! and what was found; then `ran`, a tab, and how many were run.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{env, fs, io, thread};

use campanile_delivery::symbols::Symbols;
use campanile_sim::swarm::{Finding, draw, run};
use campanile_sim::world::House;

/// What is asked for.
struct Asked {
    from: u64,
    to: u64,
    least: u64,
    skip: Vec<u64>,
    houses: Vec<House>,
}

fn main() -> ExitCode {
    match asked(env::args().skip(1)) {
        Ok(asked) => {
            hunt(&asked);
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("hunt: {why}");
            ExitCode::FAILURE
        }
    }
}

fn asked(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
    let mut next = |what| args.next().ok_or_else(|| format!("{what} is missing"));
    let (seeds, least, skip) = (next("A..B")?, next("LEAST")?, next("SKIP")?);
    let (from, to) = seeds.split_once("..").ok_or_else(|| format!("`{seeds}` is not A..B"))?;
    let skip = skip.split(',').filter(|seed| !seed.is_empty()).map(number).collect::<Result<_, _>>()?;
    let houses: Vec<House> = args.map(|image| house(&image)).collect::<Result<_, _>>()?;
    if houses.is_empty() {
        return Err("an image is missing".to_owned());
    }
    Ok(Asked { from: number(from)?, to: number(to)?, least: number(&least)?, skip, houses })
}

fn house(path: &str) -> Result<House, String> {
    let read = |path: &str| fs::read(path).map_err(|error| format!("cannot read {path}: {error}"));
    let image = read(path)?;
    let names = format!("{path}.symbols.json");
    let symbols = Symbols::decode(&read(&names)?).map_err(|error| format!("{names}: {error}"))?;
    let names = format!("{path}.satellites.json");
    let satellites = match fs::read(&names) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| format!("{names}: {error}"))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(format!("cannot read {names}: {error}")),
    };
    Ok(House { image, symbols, satellites })
}

fn hunt(asked: &Asked) {
    let Asked { from, to, least, skip, houses } = asked;
    let next = AtomicU64::new(*from);
    let found: Mutex<BTreeMap<u64, Finding>> = Mutex::default();
    let lock = || found.lock().unwrap_or_else(PoisonError::into_inner);
    // Behind the first finding nothing needs to be run, once there are enough.
    let end = || lock().keys().next().map_or(*to, |first| (first + 1).max(from + least).min(*to));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end() {
                return;
            }
            let finding = if skip.contains(&seed) { None } else { run(&draw(seed, houses), houses).finding };
            if let Some(finding) = finding {
                lock().insert(seed, finding);
            }
        }
    };
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..jobs).for_each(|_| drop(scope.spawn(work))));
    let end = end();
    // A thread that was ahead may have run seeds behind the end.
    for (seed, finding) in lock().range(..end) {
        println!("{seed}\t{}", finding.to_string().replace('\n', " "));
    }
    println!("ran\t{}", end - from - skip.iter().filter(|seed| (*from..end).contains(seed)).count() as u64);
}
