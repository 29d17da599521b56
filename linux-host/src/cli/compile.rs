//! `campanile compile FILE -o OUT`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use campanile_delivery::satellite::Program;

use super::check::compile_or_say;
use super::output::{apart, with_behind};
use super::{Failure, output};

/// Arguments of `compile`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile compile house.toml -o house.img")]
pub(super) struct Args {
    /// The file
    file: PathBuf,
    /// Where the image goes; the symbol table goes beside it, with .symbols.json behind its name, and the programs of
    /// satellites, if it has any, with .satellites.json
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Where a bundle for a microcontroller's firmware goes: the image with its lines in front
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

/// Writes the image and the symbol table, and what goes to satellites.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (symbols, others) =
        (with_behind(&args.output, ".symbols.json"), with_behind(&args.output, ".satellites.json"));
    let written = [&args.output, &symbols, &others].into_iter().chain(&args.bundle);
    apart([args.file.as_path()], written.map(PathBuf::as_path))?;
    let (_, compiled) = compile_or_say(&args.file)?;
    write(&args.output, &compiled.image)?;
    write(&symbols, &compiled.symbols.encode())?;
    let satellites = compiled.simulated().satellites;
    if !satellites.is_empty() {
        let text = serde_json::to_vec(&satellites).map_err(|error| Failure::says(error.to_string()))?;
        write(&others, &text)?;
    }
    let Some(path) = &args.bundle else { return Ok(()) };
    // Of a program of its own nothing is switched over a link.
    let program = Program::new(&compiled.image, &compiled.symbols, &[]);
    let program = program.map_err(|why| Failure::says(format!("{}: {why}", args.file.display())))?;
    write(path, program.bundle())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    output::write(path, |out| out.write_all(bytes))
}
