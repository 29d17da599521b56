//! `campanile install [FILE]` and `campanile uninstall`: the service of this machine, or of an image.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap_complete::Shell;
use serde_json::json;

use super::{Failure, completions, man};
use crate::install::place::Place;
use crate::install::service::{self, HOUSE, Parts};
use crate::install::step::{Outcome, Step, carry_out};

/// Arguments of `install`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sudo campanile install house.toml\n\
    Example: campanile install house.toml --dry-run\n\n\
    A system user, its groups, this program, a systemd service that is ended and started anew when it hangs, and the \
    house as /etc/campanile/house.toml; a house that is there already is kept. It can be repeated, also with a newer \
    program. Beside the Debian package it only puts the house there.")]
pub(super) struct Args {
    /// The house; checked first
    file: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// Arguments of `uninstall`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sudo campanile uninstall\n\n\
    The house, its journal and its logs stay, and a later install goes on with them, unless --purge takes them too.")]
pub(super) struct Removal {
    /// Remove the house, the journal, the logs and the user as well: nothing is left
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    how: How,
}

/// Arguments of both, and of whatever else installs something.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// The root of an image instead of the running system
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Print a JSON line for each step
    #[arg(long)]
    json: bool,
}

/// Puts everything there and starts it.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let place = args.how.place("install")?;
    let house = match &args.file {
        None => None,
        Some(file) => {
            super::check::compile_or_say(file)?;
            Some(std::fs::read(file)?)
        }
    };
    let given = house.is_some();
    let steps = service::files(&place, parts(&place)?, house)?;
    let changed = args.how.carry_out(&steps, &place)?;
    let ready = given || place.has(HOUSE);
    if place.has_systemd() {
        args.how.carry_out(&service::begin(changed, ready), &place)?;
    }
    let mut err = io::stderr().lock();
    if let Some(file) = &args.file {
        let theirs = place.read(HOUSE)?.filter(|there| std::fs::read(file).is_ok_and(|new| new != *there));
        if theirs.is_some() {
            let file = file.display();
            writeln!(
                err,
                "{HOUSE} is another house than {file}, and is kept; to take the new one: `sudo cp {file} {HOUSE}`, \
                 then `sudo campanile reload`"
            )?;
        }
    }
    if args.how.dry_run {
        return Ok(());
    }
    let words = match (ready, place.has_systemd()) {
        (false, _) => format!(
            "there is no house yet: `sudo campanile init {HOUSE}` writes one for this machine; look at its lines, then \
             `sudo systemctl start campanile`"
        ),
        (true, true) => {
            "it runs, now and after every start of this machine: `sudo campanile status`, `journalctl -u campanile -f`"
                .to_owned()
        }
        (true, false) => "no systemd to tell of it: the house starts with the machine".to_owned(),
    };
    Ok(writeln!(err, "{words}")?)
}

/// Takes everything away again.
pub(super) fn remove(args: &Removal) -> Result<(), Failure> {
    let place = args.how.place("uninstall")?;
    if service::is_packaged(&place) {
        let verb = if args.purge { "purge" } else { "remove" };
        return Err(Failure::says(format!(
            "this service is the Debian package's: `sudo apt {verb} campanile` takes it away"
        )));
    }
    if place.has_systemd() {
        args.how.carry_out(&service::end(&place), &place)?;
    }
    let changed = args.how.carry_out(&service::removal(args.purge), &place)?;
    if changed && place.has_systemd() {
        args.how.carry_out(&service::forget(), &place)?;
    }
    Ok(())
}

impl How {
    /// The tree; only root may change one.
    pub(super) fn place(&self, command: &str) -> Result<Place, Failure> {
        let place = Place::new(&self.root).map_err(Failure::says)?;
        if !self.dry_run && !rustix::process::geteuid().is_root() {
            return Err(Failure::says(format!(
                "this changes the system, so it needs root: sudo campanile {command}; --dry-run only says what it would do"
            )));
        }
        Ok(place)
    }

    /// Carries the steps out, or says what they would do.
    pub(super) fn carry_out(&self, steps: &[Step], place: &Place) -> Result<bool, Failure> {
        let mut out = io::stdout().lock();
        let mut say = |step: &Step, outcome: Outcome| {
            if self.json {
                let step = step.to_string();
                writeln!(out, "{}", json!({ "step": step, "outcome": outcome.word() }))
            } else {
                writeln!(out, "{:8} {step}", outcome.word())
            }
        };
        carry_out(steps, place, self.dry_run, &mut say).map_err(Failure::Says)
    }
}

/// What only this program knows.
fn parts(place: &Place) -> Result<Parts, Failure> {
    let program = std::env::current_exe()?;
    if !place.runs_this_program(&program) {
        return Err(Failure::says(format!(
            "{} is for another kind of processor than this program: build it for that one, or install the Debian \
             package there",
            place.root().display()
        )));
    }
    Ok(Parts {
        program: std::fs::read(program)?,
        manual: man::page(None)?,
        completions: completions::script(Shell::Bash),
    })
}
