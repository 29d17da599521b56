//! The board's memory map for the linker, and the program: a bundle of the image and its wiring, as it is installed over a
//! link, too.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The file from which the program is compiled, for whom we say what to do.
const EXAMPLE: &str =
    "campanile compile firmware/doorbell.toml -o /tmp/doorbell.img --bundle /tmp/doorbell.bundle";

fn main() {
    if let Err(why) = memory_map().and_then(|()| program()) {
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

fn out(file: &str) -> PathBuf {
    Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join(file)
}
