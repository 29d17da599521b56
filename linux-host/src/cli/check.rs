//! `campanile check FILE`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use serde_json::json;

use super::Failure;
use super::habits::has_colors;
use crate::config::source::{render, to_json};
use crate::config::{Compiled, Diagnostic, Severity, Source, compile, load};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile check house.toml")]
pub(super) struct Args {
    /// The file
    file: PathBuf,
    /// Print JSON lines: one object for each finding, and one with the resources
    #[arg(long)]
    json: bool,
}

/// Compiles the file and says what it found, and how much of the engine it takes.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let source = load(&args.file).map_err(Failure::says)?;
    let compiled = compile(&source);
    let said = if args.json { say_json(&source, &compiled) } else { say_table(&source, &compiled) };
    if compiled.is_ok() { Ok(said?) } else { Err(Failure::told(said)) }
}

fn say_json(source: &Source, compiled: &Result<Compiled, Vec<Diagnostic>>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let (Ok(Compiled { warnings: found, .. }) | Err(found)) = compiled;
    for diagnostic in found {
        writeln!(out, "{}", to_json(source, diagnostic))?;
    }
    if let Ok(compiled) = compiled {
        let resources: serde_json::Map<_, _> = compiled
            .resources
            .iter()
            .map(|row| (row.name.to_owned(), json!({ "have": row.have, "max": row.max })))
            .collect();
        writeln!(
            out,
            "{}",
            json!({ "hash": format!("{:016x}", compiled.hash), "image-bytes": compiled.image.len(), "resources": resources })
        )?;
    }
    Ok(())
}

fn say_table(source: &Source, compiled: &Result<Compiled, Vec<Diagnostic>>) -> io::Result<()> {
    match compiled {
        Err(found) => say(source, found),
        Ok(compiled) => {
            say(source, &compiled.warnings)?;
            let mut out = io::stdout().lock();
            writeln!(out, "{:14} {:>6} {:>6}", "", "have", "max")?;
            for row in &compiled.resources {
                writeln!(out, "{:14} {:>6} {:>6}", row.name, row.have, row.max)?;
            }
            let warnings = match compiled.warnings.len() {
                0 => String::new(),
                1 => ", 1 warning".to_owned(),
                n => format!(", {n} warnings"),
            };
            writeln!(
                out,
                "{} is right{warnings}: image {:016x}, {} bytes",
                source.name,
                compiled.hash,
                compiled.image.len()
            )?;
            Ok(())
        }
    }
}

/// Prints findings for a person, on stderr, and how many there are.
pub(super) fn say(source: &Source, found: &[Diagnostic]) -> io::Result<()> {
    let mut err = io::stderr().lock();
    let color = has_colors(&err);
    write!(err, "{}", render(source, found, color))?;
    let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    if errors > 0 {
        writeln!(err, "{}: {errors} error{}", source.name, if errors == 1 { "" } else { "s" })?;
    }
    Ok(())
}

/// Compiles a file, or says everything that is wrong with it.
pub(super) fn compile_or_say(path: &std::path::Path) -> Result<(Source, Compiled), Failure> {
    let source = load(path).map_err(Failure::says)?;
    match compile(&source) {
        Ok(compiled) => {
            say(&source, &compiled.warnings)?;
            Ok((source, compiled))
        }
        Err(found) => Err(Failure::told(say(&source, &found))),
    }
}
