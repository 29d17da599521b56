//! The command line: one module a command, one exit code for all (DESIGN 6).
//!
//! Exit codes: 0 done; 1 something is wrong (a wrong file, a difference, a failure); 2 wrong usage of the command,
//! which clap reports itself. What a command prints for programs goes to stdout, what it says to a person who asked
//! for something else goes to stderr.

mod check;
mod compile;
mod completions;
mod man;
mod schema;
mod sim;

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Pins to events to action, on a Raspberry Pi and in a simulator.
#[derive(Debug, Parser)]
#[command(name = "campanile", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Start with `campanile demo`: a doorbell without hardware.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Every command. Its module has the arguments, an example in `after_help`, and `run`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Compile a file: what is wrong with it, and how much of the engine it takes
    Check(check::Args),
    /// Compile a file to an image and a symbol table
    Compile(compile::Args),
    /// Print completions for a shell
    Completions(completions::Args),
    /// Print the manual page
    Man(man::Args),
    /// Print the JSON Schema of the file, for editors
    Schema(schema::Args),
    /// Play a script on a simulated house and compare its trace with the expected one
    Sim(sim::Args),
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(args) => check::run(&args),
            Self::Compile(args) => compile::run(&args),
            Self::Completions(args) => completions::run(&args),
            Self::Man(args) => man::run(&args),
            Self::Schema(args) => schema::run(&args),
            Self::Sim(args) => sim::run(&args),
        }
    }
}

/// Why a command ends with exit code 1.
#[derive(Debug)]
pub enum Failure {
    /// The person has been told already (errors with carets, a trace that differs).
    Told,
    /// To be told: what is wrong, and what to do.
    Says(String),
    /// Whoever read the output has enough (`campanile log | head`): nothing is wrong.
    Enough,
}

impl Failure {
    /// A failure in words.
    pub fn says(words: impl fmt::Display) -> Self {
        Self::Says(words.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Enough } else { Self::says(error) }
    }
}

/// Parses the arguments of the process, carries out the command and gives the exit code.
pub fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) | Err(Failure::Enough) => ExitCode::SUCCESS,
        Err(Failure::Told) => ExitCode::FAILURE,
        Err(Failure::Says(words)) => {
            let _ = writeln!(io::stderr(), "error: {words}");
            ExitCode::FAILURE
        }
    }
}
