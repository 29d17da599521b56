//! `campanile compile FILE -o OUT`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use campanile_core::program::image;
use campanile_delivery::satellite::Program;
use campanile_delivery::{Archive, Directory, StoredProgram};

use super::check::compile_or_say;
use super::output::{apart, with_behind};
use super::{Failure, output};
use crate::config::Compiled;

/// Arguments of `compile`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: campanile compile house.toml -o house.img
Example: campanile compile doorbell.toml --into /var/lib/campanile/satellites/porch

A journal keeps the programs that its records name: `replay` executes them, and `log` has the names of lines from \
there. What was linked into a board's firmware has not come over a link, so --into adds it, also while a daemon writes \
the journal.")]
pub(super) struct Args {
    /// The file
    file: PathBuf,
    /// Write the image to this file, the symbol table to FILE.symbols.json, and the programs of satellites, if there
    /// are any, to FILE.satellites.json
    #[arg(short, long, value_name = "FILE", required_unless_present = "into")]
    output: Option<PathBuf>,
    /// Write a bundle for a microcontroller's firmware to this file: the lines, then the image
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Add the program to the journal in this directory: a state directory, or a satellite's folder in it
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// Writes the image and the symbol table, and what goes to satellites.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let beside = args
        .output
        .as_ref()
        .map(|output| [".symbols.json", ".satellites.json"].map(|what| with_behind(output, what)));
    let written = args.output.iter().chain(beside.iter().flatten()).chain(&args.bundle);
    apart([args.file.as_path()], written.map(PathBuf::as_path))?;
    let (_, compiled) = compile_or_say(&args.file)?;
    if let Some((output, [symbols, others])) = args.output.as_ref().zip(beside) {
        write(output, &compiled.image)?;
        write(&symbols, &compiled.symbols.encode())?;
        let satellites = compiled.simulated().satellites;
        if !satellites.is_empty() {
            let text = serde_json::to_vec(&satellites).map_err(|error| Failure::says(error.to_string()))?;
            write(&others, &text)?;
        }
    }
    if let Some(path) = &args.bundle {
        // Of a program of its own nothing is switched over a link.
        let program = Program::new(&compiled.image, &compiled.symbols, &[]);
        let program = program.map_err(|why| Failure::says(format!("{}: {why}", args.file.display())))?;
        write(path, program.bundle())?;
    }
    args.into.as_deref().map_or(Ok(()), |journal| add(&args.file, &compiled, journal))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    output::write(path, |out| out.write_all(bytes))
}

/// Adds the program to a journal that names it.
fn add(file: &Path, compiled: &Compiled, journal: &Path) -> Result<(), Failure> {
    let (shown, hash) = (journal.display(), image::hash(&compiled.image));
    let failed = |error: io::Error| Failure::says(format!("{shown}: {error}"));
    let directory = Directory::open_beside(journal).map_err(Failure::says)?;
    let archive =
        Archive::open(&Arc::new(directory)).map_err(|error| Failure::says(format!("{shown}: {error}")))?;
    if archive.end.is_none() {
        return Err(Failure::says(format!("there is no journal in {shown}")));
    }
    let named = archive.programs().map_err(failed)?;
    if !named.contains(&hash) {
        let lacks = |hash: &u64| !matches!(archive.index.program(*hash), Ok(Some(_)));
        let lacking: Vec<String> =
            named.iter().filter(|hash| lacks(hash)).map(|hash| format!("{hash:016x}")).collect();
        let lacking = match lacking.as_slice() {
            [] => "it has all that they name".to_owned(),
            lacking => format!(
                "it lacks {}: compile the file as it was then, with the campanile that compiled it",
                lacking.join(", ")
            ),
        };
        return Err(Failure::says(format!(
            "{} is program {hash:016x}, and no record in {shown} names that; {lacking}",
            file.display()
        )));
    }
    // What is there and whole is the daemon's, which may be reading it.
    if matches!(archive.index.program(hash), Ok(Some(_))) {
        return Ok(writeln!(io::stdout(), "{shown} has program {hash:016x} already")?);
    }
    let program = StoredProgram { image: compiled.image.clone(), symbols: compiled.symbols.encode() };
    archive.index.add_program(hash, &program).map_err(failed)?;
    Ok(writeln!(io::stdout(), "{shown} has program {hash:016x}")?)
}
