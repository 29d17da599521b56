//! The board's memory map for the linker, and the program: a bundle of the image and its wiring, which is in the symbol table
//! beside it. It is the same that is installed over a link.
#![allow(clippy::indexing_slicing, reason = "a key that JSON has not is null")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use campanile_core::link::bundle::{Input, LINE_MAX, Output, Pull, encode};
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
    println!("cargo::rustc-env=BOARD={board}");
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
    let image = fs::read(&image).map_err(|error| format!("{image}: {error}"))?;
    let bundle = bundle(&symbols, &image).map_err(|error| format!("{table}: {error}"))?;
    fs::write(out("bundle"), bundle).map_err(|error| error.to_string())
}

fn bundle(symbols: &Value, image: &[u8]) -> Result<Vec<u8>, String> {
    let lines = |key: &str| list(symbols, key)?.iter().map(line).collect::<Result<Vec<_>, _>>();
    let (input_lines, output_lines) = (lines("inputs")?, lines("outputs")?);
    let inputs =
        list(symbols, "inputs")?.iter().zip(&input_lines).map(input).collect::<Result<Vec<_>, _>>()?;
    let outputs =
        list(symbols, "outputs")?.iter().zip(&output_lines).map(output).collect::<Result<Vec<_>, _>>()?;
    let mut bytes = vec![0; 3 + (inputs.len() + outputs.len()) * (LINE_MAX + 2)];
    let len = encode(inputs.into_iter(), outputs.into_iter(), &mut bytes)
        .ok_or_else(|| format!("a line has a name of more than {LINE_MAX} bytes"))?;
    bytes.truncate(len);
    bytes.extend_from_slice(image);
    Ok(bytes)
}

fn input<'a>((entry, line): (&Value, &'a String)) -> Result<Input<'a>, String> {
    let pull = match text(entry, "pull")? {
        "up" => Pull::Up,
        "down" => Pull::Down,
        "none" | "as-is" => Pull::None,
        other => return Err(format!("no board has the pull {other:?}")),
    };
    Ok(Input { line, active_low: active_low(entry)?, pull })
}

fn output<'a>((entry, line): (&Value, &'a String)) -> Result<Output<'a>, String> {
    let drive = text(entry, "drive")?;
    if drive != "push-pull" {
        return Err(format!("{}: no board drives {drive}, only push-pull", text(entry, "name")?));
    }
    let safe_on = text(entry, "safe")? == "On";
    Ok(Output { line, active_low: active_low(entry)?, safe_on, safe_without_link: false })
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

/// What the board is asked for: a name, or a number as text.
fn line(entry: &Value) -> Result<String, String> {
    match &entry["line"] {
        Value::String(name) => Ok(name.clone()),
        Value::Number(offset) => Ok(offset.to_string()),
        _ => Err(format!("\"line\" is missing in {entry}")),
    }
}

fn out(file: &str) -> PathBuf {
    Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join(file)
}
