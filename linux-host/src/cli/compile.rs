//! `campanile compile FILE -o OUT`.

use std::path::{Path, PathBuf};

use campanile_delivery::satellite::Program;

use super::Failure;
use super::check::compile_or_say;

/// Arguments of `compile`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile compile house.toml -o house.img")]
pub(super) struct Args {
    /// The file
    file: PathBuf,
    /// Where the image goes; the symbol table goes beside it, with .symbols.json behind its name
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Where a bundle for a microcontroller's firmware goes: the image with its lines in front
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

/// Writes the image and the symbol table.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (_, compiled) = compile_or_say(&args.file)?;
    write(&args.output, &compiled.image)?;
    let mut symbols = args.output.clone().into_os_string();
    symbols.push(".symbols.json");
    write(Path::new(&symbols), &compiled.symbols.encode())?;
    let Some(path) = &args.bundle else { return Ok(()) };
    // Of a program of its own nothing is switched over a link.
    let program = Program::new(&compiled.image, &compiled.symbols, &[]);
    let program = program.map_err(|why| Failure::says(format!("{}: {why}", args.file.display())))?;
    write(path, program.bundle())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes)
        .map_err(|error| Failure::says(format!("cannot write {}: {error}", path.display())))
}
