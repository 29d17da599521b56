//! `campanile man [COMMAND]`.

use std::io::{self, Write as _};

use clap::CommandFactory as _;

use super::{Cli, Failure};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile man > /usr/local/share/man/man1/campanile.1")]
pub(super) struct Args {
    /// The page of one command instead of the whole
    command: Option<String>,
}

/// Prints the page in roff.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut root = Cli::command();
    root.build();
    let page = match &args.command {
        None => root,
        Some(name) => root
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Failure::says(format!("no command `{name}`: see `campanile --help`")))?,
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff)?;
    Ok(io::stdout().write_all(&roff)?)
}
