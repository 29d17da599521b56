//! `campanile install [FILE]` and `campanile uninstall`: the service of this machine, or of an image.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap_complete::Shell;
use serde_json::json;

use super::{Failure, completions, man};
use crate::install::place::Place;
use crate::install::service::{self, HOUSE, Parts};
use crate::install::step::{Outcome, Step, carry_out};
use crate::install::tunnel;
use crate::install::unfinished::Unfinished;

/// Arguments of `install`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sudo campanile install house.toml\n\
    Example: campanile install house.toml --dry-run\n\n\
    Installs a system user, its groups, this program, a systemd service that is restarted if it hangs, and the \
    house as /etc/campanile/house.toml; an existing house is kept. It can be run again, also with a newer \
    program. If the Debian package is installed, it installs the house only, and says so.")]
pub(super) struct Args {
    /// The house; it is checked first
    file: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// Arguments of `uninstall`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sudo campanile uninstall\n\n\
    Keeps the house, its journal and its logs for a later install, unless --purge is given. A \
    tunnel is always kept; campanile tunnel --remove removes it.")]
pub(super) struct Removal {
    /// Remove the house, the journal, the logs and the user as well
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    how: How,
}

/// Arguments of both, and of whatever else installs something.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// Only show what would be done; without root, some of it is unknown
    #[arg(long)]
    dry_run: bool,
    /// Work on the image mounted at DIR instead of the running system
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
    // A dry run without root may not see it where there is one.
    let ready = given || args.how.unless_hidden(place.has(HOUSE), true)?;
    args.how.establish(&place, service::UNFINISHED, &steps, |changed| service::begin(changed, ready))?;
    let mut err = io::stderr().lock();
    if service::packaged_unit(&place)?.is_some() {
        writeln!(
            err,
            "the Debian package is here: program, user and service are the package's and stay as they are, and of this \
             install there is only the house"
        )?;
        if service::is_ours(&place)? {
            writeln!(
                err,
                "an earlier install of the program goes before the package: `sudo campanile uninstall` takes it away, \
                 and keeps the house"
            )?;
        }
    }
    if let Some(file) = &args.file {
        let there = args.how.unless_hidden(place.read(HOUSE), None)?;
        if there.is_some_and(|there| std::fs::read(file).is_ok_and(|new| new != there)) {
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
    let packaged = service::packaged_unit(&place)?;
    let ours = service::is_ours(&place)?;
    if packaged.is_some() && (args.purge || !ours) {
        let verb = if args.purge { "purge" } else { "remove" };
        return Err(Failure::Says(format!(
            "this service is the Debian package's: `sudo apt {verb} campanile` takes it away"
        )));
    }
    if place.has_systemd() {
        args.how.carry_out(&service::end(&place)?, &place)?;
    }
    let next = match packaged {
        Some(_) => service::begin(true, args.how.unless_hidden(place.has(HOUSE), true)?),
        None => service::forget(),
    };
    let tell = |changed| if changed { next } else { Vec::new() };
    args.how.establish(&place, service::UNFINISHED, &service::removal(packaged, args.purge), tell)?;
    if args.how.dry_run {
        return Ok(());
    }
    let mut err = io::stderr().lock();
    match packaged {
        Some(_) => writeln!(err, "what is left is the Debian package's service, with the house")?,
        None if args.purge => writeln!(err, "nothing of it is left")?,
        None => {
            writeln!(err, "the house, its journal and its logs stay: `uninstall --purge` takes them, too")?
        }
    }
    if tunnel::is_there(&place)? {
        writeln!(
            err,
            "the tunnel stays, as you may be here through it; `systemctl disable --now campanile-tunnel` ends it for good"
        )?;
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

    /// Carries out what changes files, then has the running systemd do what `tell` says of them, which depends on whether
    /// there was anything to do: now, or in an install that was broken off.
    pub(super) fn establish(
        &self,
        place: &Place,
        mark: Unfinished,
        files: &[Step],
        tell: impl FnOnce(bool) -> Vec<Step>,
    ) -> Result<(), Failure> {
        if !place.has_systemd() {
            self.carry_out(files, place)?;
            return Ok(());
        }
        let broken_off = mark.is_left(place)?;
        if !self.dry_run {
            mark.begin(place)?;
        }
        let changed = self.carry_out(files, place)?;
        self.carry_out(&tell(changed || broken_off), place)?;
        if !self.dry_run {
            mark.end(place)?;
        }
        Ok(())
    }

    /// What was found; or this, where only root may look and this is a dry run of somebody else.
    fn unless_hidden<T>(&self, found: io::Result<T>, otherwise: T) -> io::Result<T> {
        match found {
            Err(error) if self.dry_run && error.kind() == io::ErrorKind::PermissionDenied => Ok(otherwise),
            found => found,
        }
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
        let mut hidden = false;
        let mut tell = |step: &Step, outcome: Outcome| {
            hidden |= outcome == Outcome::Unknown;
            // Whoever has read enough does not stop an installation half-way.
            say(step, outcome).or_else(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => Ok(()),
                _ => Err(error),
            })
        };
        let changed = carry_out(steps, place, self.dry_run, &mut tell).map_err(Failure::Says)?;
        if hidden {
            writeln!(io::stderr(), "what is unknown here only root may look at: sudo says it")?;
        }
        Ok(changed)
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
