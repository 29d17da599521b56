//! `campanile init [FILE]`.

use std::fs::{File, remove_file};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::boards::{BoardSpec, open};
use crate::config::init::{Machine, house};
use crate::install::service::HOUSE;

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile init && campanile check campanile.toml\n\
    Example: sudo campanile init /etc/campanile/house.toml\n\n\
    The second writes the house of the service that `campanile install` or the Debian package has installed.")]
pub(super) struct Args {
    /// The file to write; an existing file is never overwritten
    #[arg(default_value = "campanile.toml")]
    file: PathBuf,
}

/// Looks at the machine and writes a file for it.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let name = args.file.display();
    let text = house(&machine());
    let written = File::create_new(&args.file).and_then(|mut file| {
        // Half of it would be in the way of the next try.
        file.write_all(text.as_bytes()).inspect_err(|_| drop(remove_file(&args.file)))
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::says(format!("{name} is there already, and stays as it is: name another file"))
        }
        _ => Failure::says(format!("cannot write {name}: {error}")),
    })?;
    let mut err = io::stderr().lock();
    // Where the service has it, a second daemon would only be in its way.
    if args.file == Path::new(HOUSE) {
        return Ok(writeln!(
            err,
            "{name} is written: look at its lines, then `sudo systemctl start campanile`"
        )?);
    }
    writeln!(err, "{name} is written: look at its lines, then `campanile run {name}`")?;
    Ok(writeln!(
        err,
        "`sudo campanile install {name}` keeps it running, from every start of this machine on"
    )?)
}

fn machine() -> Machine {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let lines = open(&BoardSpec::Gpiochip { chip: "auto".to_owned() }).and_then(|board| board.lines());
    match lines {
        Ok(lines) => Machine { host, lines, why_none: None },
        Err(error) => Machine { host, lines: Vec::new(), why_none: Some(error.to_string()) },
    }
}
