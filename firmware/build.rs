//! The board's memory map for the linker; the program: a bundle of the image and its wiring, as it is installed over a link, too;
//! and the trace of a button.

#[path = "../tests/traces/moves.rs"]
mod moves;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The file from which the program is compiled, for whom we say what to do.
const EXAMPLE: &str =
    "campanile compile firmware/doorbell.toml -o /tmp/doorbell.img --bundle /tmp/doorbell.bundle";

/// Where the button of a board moves that nobody could press.
const TRACE: &str = "../tests/traces/doorbell.csv";

fn main() {
    if let Err(why) = memory_map().and_then(|()| program()).and_then(|()| trace()) {
        println!("cargo::error={why}");
    }
}

fn memory_map() -> Result<(), String> {
    // Features that are no boards have no map.
    let boards: Vec<String> = env::vars()
        .filter_map(|(name, _)| name.strip_prefix("CARGO_FEATURE_").map(str::to_lowercase))
        .filter(|name| map_of(name).exists())
        .collect();
    let [board] = boards.as_slice() else {
        return Err(format!("choose one board, with --features NAME; chosen: {boards:?}"));
    };
    let map = map_of(board);
    fs::copy(&map, out("memory.x")).map_err(|error| format!("{}: {error}", map.display()))?;
    println!("cargo::rerun-if-changed={}", map.display());
    println!("cargo::rustc-env=BOARD={board}");
    println!("cargo::rustc-link-search={}", out("").display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    if env::var_os("CARGO_FEATURE_DEFMT").is_some() {
        println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
        println!("cargo::rustc-env=DEFMT_LOG=info");
    }
    Ok(())
}

fn map_of(board: &str) -> PathBuf {
    Path::new("src/board").join(board).with_extension("x")
}

fn program() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=CAMPANILE_BUNDLE");
    let bundle = env::var("CAMPANILE_BUNDLE").map_err(|_| {
        format!("CAMPANILE_BUNDLE names no program: make one with `{EXAMPLE}` and give its absolute path")
    })?;
    if !Path::new(&bundle).is_absolute() {
        return Err(format!("CAMPANILE_BUNDLE={bundle} is not an absolute path"));
    }
    println!("cargo::rerun-if-changed={bundle}");
    fs::copy(&bundle, out("bundle")).map(drop).map_err(|error| format!("{bundle}: {error}"))
}

/// The spans between the moves of the trace, as Rust has an array.
fn trace() -> Result<(), String> {
    println!("cargo::rerun-if-changed={TRACE}");
    let text = fs::read_to_string(TRACE).map_err(|error| format!("{TRACE}: {error}"))?;
    let moves = moves::moves(&text).map_err(|why| format!("{TRACE}: {why}"))?;
    let spans: Vec<u32> = moves.iter().zip(moves.iter().skip(1)).map(|(from, to)| to.0 - from.0).collect();
    fs::write(out("trace.rs"), format!("{spans:?}")).map_err(|error| error.to_string())
}

fn out(file: &str) -> PathBuf {
    Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join(file)
}
