//! `campanile man [COMMAND]`.

use std::io::{self, Write as _};

use clap::{Command, CommandFactory as _};

use super::{Cli, Failure};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile man > /usr/local/share/man/man1/campanile.1")]
pub(super) struct Args {
    /// Print the page of this command only
    command: Option<String>,
}

/// Prints the page in roff.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    Ok(io::stdout().write_all(&page(args.command.as_deref())?)?)
}

/// The page of a command, or of the whole, in roff.
pub(super) fn page(command: Option<&str>) -> Result<Vec<u8>, Failure> {
    let mut root = Cli::command();
    root.build();
    let page = match command {
        None => root,
        Some(name) => root
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Failure::says(format!("no command `{name}`: see `campanile --help`")))?,
    };
    Ok(roff(&page)?)
}

/// The page, with what `--help` says at its end as sections of their own.
fn roff(page: &Command) -> io::Result<Vec<u8>> {
    let man = clap_mangen::Man::new(page.clone());
    let mut roff = Vec::new();
    man.render_title(&mut roff)?;
    man.render_name_section(&mut roff)?;
    man.render_synopsis_section(&mut roff)?;
    man.render_description_section(&mut roff)?;
    man.render_options_section(&mut roff)?;
    if page.has_subcommands() {
        man.render_subcommands_section(&mut roff)?;
    }
    let notes = page.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (examples, notes): (Vec<_>, Vec<_>) =
        notes.lines().map(|line| line.strip_prefix(EXAMPLE).ok_or(line)).partition(Result::is_ok);
    let notes: Vec<_> = notes.into_iter().filter_map(Result::err).collect();
    if notes.iter().any(|line| !line.is_empty()) {
        write!(roff, ".SH NOTES\n{}\n", escaped(notes.join("\n").trim()))?;
    }
    writeln!(roff, ".SH EXIT STATUS\n{EXIT_STATUS}")?;
    if !examples.is_empty() {
        let examples: Vec<_> = examples.into_iter().filter_map(Result::ok).collect();
        write!(roff, ".SH EXAMPLES\n.nf\n{}\n.fi\n", escaped(&examples.join("\n")))?;
    }
    man.render_version_section(&mut roff)?;
    Ok(roff)
}

/// In front of an example, in `after_help`.
const EXAMPLE: &str = "Example: ";

const EXIT_STATUS: &str = "0: done. 1: something is wrong, such as a wrong file, a difference, a failure. 2: wrong usage of the command.";

/// Text as roff prints it: no escapes, no requests.
fn escaped(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}
