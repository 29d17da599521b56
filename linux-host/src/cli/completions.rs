//! `campanile completions SHELL`.

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, Failure};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile completions bash > /etc/bash_completion.d/campanile")]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    Ok(io::stdout().write_all(&script(args.shell))?)
}

/// The script for a shell.
pub(super) fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "campanile", &mut script);
    script
}
