//! Every file of tests/scenarios is a case: a house, steps, the exact trace. A new file is a new case.
//!
//! `cargo test -p campanile-tests --test scenarios [NAME..]` runs them all, or those whose name contains a NAME.
//! `CAMPANILE_BLESS=1` in front of it writes the traces that came out into the files. How to write one:
//! tests/scenarios/README.md.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use campanile::config::script::{Case, bless, open};
use campanile_core::program::image;
use campanile_core::time::Instant;
use campanile_sim::compare::first_difference;
use campanile_sim::oracle::reference::check::check as held_against;
use campanile_sim::oracle::reference::programs;
use campanile_sim::world::{Options, Outcome};

/// In this variable: traces are written, not compared.
const BLESS: &str = "CAMPANILE_BLESS";

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    // Flags are for the harness of other tests; what is left are parts of names.
    let (flags, wanted): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|arg| arg.starts_with('-'));
    let (chosen, others): (Vec<_>, Vec<_>) = cases(&folder).into_iter().partition(|path| {
        let name = name(path);
        wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()))
    });
    if flags.iter().any(|flag| flag == "--list") {
        chosen.iter().for_each(|path| println!("{}: test", name(path)));
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", chosen.len());
    let failed: Vec<(String, String)> = chosen
        .iter()
        .filter_map(|path| {
            let result = check(path);
            println!("test {} ... {}", name(path), if result.is_ok() { "ok" } else { "FAILED" });
            result.err().map(|why| (name(path), why))
        })
        .collect();
    for (name, why) in &failed {
        println!("\n---- {name} ----\n{why}\nrepeat it: cargo run -q -- sim tests/scenarios/{name}.toml");
    }
    println!(
        "\ntest result: {}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out\n",
        if failed.is_empty() { "ok" } else { "FAILED" },
        chosen.len() - failed.len(),
        failed.len(),
        others.len()
    );
    // A folder without cases, or a name that none has, is a mistake and no success.
    if failed.is_empty() && !(chosen.is_empty() && others.is_empty()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("tests/scenarios is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn check(path: &Path) -> Result<(), String> {
    let case = open(path, None).map_err(words)?;
    let outcome = case.play(&Options::default()).map_err(words)?;
    as_the_reference(&case, &outcome)?;
    if std::env::var_os(BLESS).is_some_and(|value| value == "1") {
        let text = fs::read_to_string(path).map_err(words)?;
        let blessed = bless(&text, &outcome.trace).ok_or("it has no `steps`")?;
        return if blessed == text { Ok(()) } else { fs::write(path, blessed).map_err(words) };
    }
    let Some(expected) = &case.script.expect else {
        return Err(format!("it expects nothing; `{BLESS}=1` writes what came out:\n{}", outcome.trace));
    };
    if case.script.wish.trim().is_empty() {
        return Err("its `wish` is empty: say in one sentence what the house should do".to_owned());
    }
    match first_difference(expected, &outcome.trace) {
        None => Ok(()),
        Some(difference) => Err(format!("wish: {}\n{difference}", case.script.wish)),
    }
}

/// Every decision of every life is that of the reference, and none is missing at the end.
fn as_the_reference(case: &Case, outcome: &Outcome) -> Result<(), String> {
    let images = case.others.iter().map(|(_, house)| &house.image).chain([&case.house.image]);
    let programs = programs(images.map(Vec::as_slice)).map_err(|why| format!("{why:?}"))?;
    let first = image::hash(&case.house.image);
    for (life, log) in outcome.logs.iter().enumerate() {
        let last = life + 1 == outcome.logs.len();
        let until = last.then(|| Instant::ZERO.plus(case.script.until));
        held_against(log, first, &programs, until).map_err(|why| format!("life {}: {why}", life + 1))?;
    }
    Ok(())
}

fn words(error: impl Display) -> String {
    error.to_string()
}
