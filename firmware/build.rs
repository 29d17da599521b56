//! The board's memory map for the linker, and the program: the image as it is, and a table of its pins from the symbol
//! table beside it.
#![allow(clippy::indexing_slicing, reason = "a key that JSON has not is null")]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The file from which the program is compiled, for whom we say what to do.
const EXAMPLE: &str = "campanile compile firmware/doorbell.toml -o /tmp/doorbell.img";

fn main() {
    if let Err(why) = memory_map().and_then(|()| program()) {
        println!("cargo::error={why}");
    }
}

fn memory_map() -> Result<(), String> {
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
    println!("cargo::rustc-link-search={}", out("").display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    Ok(())
}

fn map_of(board: &str) -> PathBuf {
    Path::new("src/board").join(board).with_extension("x")
}

fn program() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=CAMPANILE_IMAGE");
    let image = env::var("CAMPANILE_IMAGE").map_err(|_| {
        format!("CAMPANILE_IMAGE names no program: make one with `{EXAMPLE}` and give its absolute path")
    })?;
    if !Path::new(&image).is_absolute() {
        return Err(format!("CAMPANILE_IMAGE={image} is not an absolute path"));
    }
    let table = format!("{image}.symbols.json");
    for file in [&image, &table] {
        println!("cargo::rerun-if-changed={file}");
    }
    let symbols = fs::read(&table).map_err(|error| format!("{table}: {error}"))?;
    let symbols: Value = serde_json::from_slice(&symbols).map_err(|error| format!("{table}: {error}"))?;
    if symbols["version"] != 1 {
        return Err(format!("{table}: version {} is not known here; it is 1", symbols["version"]));
    }
    let code = tables(&symbols, &image).map_err(|error| format!("{table}: {error}"))?;
    fs::write(out("program.rs"), code).map_err(|error| error.to_string())
}

/// The program as Rust.
fn tables(symbols: &Value, image: &str) -> Result<String, String> {
    let (inputs, outputs) = (list(symbols, "inputs")?, list(symbols, "outputs")?);
    let mut code = format!("pub(crate) static IMAGE: &[u8] = include_bytes!({image:?});\n");
    writeln!(code, "pub(crate) static INPUTS: [Input; {}] = [", inputs.len()).map_err(|e| e.to_string())?;
    for input in inputs {
        let pull = match text(input, "pull")? {
            "up" => "Up",
            "down" => "Down",
            "none" | "as-is" => "None",
            other => return Err(format!("no board has the pull {other:?}")),
        };
        let (pin, active_low) = (pin(input)?, active_low(input)?);
        writeln!(code, "    Input {{ pin: {pin}, active_low: {active_low}, pull: pulled(Pull::{pull}) }},")
            .map_err(|e| e.to_string())?;
    }
    writeln!(code, "];\npub(crate) static OUTPUTS: [Output; {}] = [", outputs.len())
        .map_err(|e| e.to_string())?;
    for output in outputs {
        let drive = text(output, "drive")?;
        if drive != "push-pull" {
            return Err(format!("{}: no board drives {drive}, only push-pull", text(output, "name")?));
        }
        let (pin, active_low) = (pin(output)?, active_low(output)?);
        let safe = text(output, "safe")? == "On";
        writeln!(code, "    Output {{ pin: {pin}, active_low: {active_low}, safe: {safe} }},")
            .map_err(|e| e.to_string())?;
    }
    code.push_str("];\n");
    Ok(code)
}

fn list<'a>(symbols: &'a Value, key: &str) -> Result<&'a Vec<Value>, String> {
    symbols[key].as_array().ok_or_else(|| format!("it has no list of {key}"))
}

fn text<'a>(entry: &'a Value, key: &str) -> Result<&'a str, String> {
    entry[key].as_str().ok_or_else(|| format!("{key:?} is missing in {entry}"))
}

fn active_low(entry: &Value) -> Result<bool, String> {
    Ok(text(entry, "active")? == "low")
}

/// The pin, as an expression.
fn pin(entry: &Value) -> Result<String, String> {
    match &entry["line"] {
        Value::String(name) => Ok(format!("named({name:?})")),
        Value::Number(offset) => Ok(format!("numbered({offset})")),
        _ => Err(format!("\"line\" is missing in {entry}")),
    }
}

fn out(file: &str) -> PathBuf {
    Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join(file)
}
