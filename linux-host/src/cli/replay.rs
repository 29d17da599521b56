//! `campanile replay [JOURNAL]`.

mod damage;
mod say;
mod when;
mod with;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use campanile_delivery::{Archive, Directory, Newer, is_journals_own};
use campanile_sim::replay::{Range, replay};

use super::pictures::Pictures;
use super::progress::{Progress, line_of};
use super::{Failure, StateDir, output};
use crate::daemon::state_dir;
use crate::satellites;

/// While somebody writes, the last group is not whole for a moment; then it is looked at again.
const LOOKS: u32 = 5;
const LOOK_AGAIN: Duration = Duration::from_millis(40);

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: campanile replay                                     (the journal of this machine's daemon)
Example: scp -r pi:/var/lib/campanile pi && campanile replay pi
Example: campanile replay pi --from 2026-11-20 --until 2026-11-21T08:00:00+01:00
Example: campanile replay pi --from 5/1042                    (record 1042 of the fifth start)
Example: campanile replay pi --from 07:30 --until 07:31 --svg ring.svg
Example: campanile replay pi --from 30d --with new.toml       (what would it have done with last month's presses?)

Feeds the inputs of the journal to the engine again, from every start and every checkpoint, with the program that \
the journal keeps. Compares its decisions with the journal byte for byte, and its state at \
every checkpoint. The journal is only read; a daemon may be writing to it. Exit code 1: a record differs, or \
cannot be replayed; the report says which and why.

With --with, the other house takes over at the beginning of the range, as after a reload, and gets the inputs of the \
journal, matched by name. From there on it keeps its own state, across restarts too. Exit code 1: it would have done something \
else, or part of the journal could not be compared; the report says which and why.")]
pub(super) struct Args {
    /// State directory or a copy of one [default: this machine's]
    #[arg(conflicts_with = "state")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    state: StateDir,
    /// Begin at this time: "10min" ago, "07:30", "2026-11-21", "2026-11-21T07:30:00+01:00", or a start and a record such as "5/1042"
    #[arg(long, value_name = "WHEN", value_parser = when::from)]
    from: Option<when::When>,
    /// End at this time, in the same forms
    #[arg(long, value_name = "WHEN", value_parser = when::until)]
    until: Option<when::When>,
    /// Compare with what the house in this file would have done with the same inputs, matched by name
    #[arg(long, value_name = "FILE", conflicts_with = "Pictures")]
    with: Option<PathBuf>,
    /// List every difference between the two houses, not only the first ones; --json always lists all
    #[arg(long, requires = "with")]
    all: bool,
    /// Print JSON lines: one object for each piece of the journal, and one with the result
    #[arg(long, conflicts_with = "timeline")]
    json: bool,
    #[command(flatten)]
    pictures: Pictures,
}

/// Replays a journal and says what came of it.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let path = match &args.journal {
        Some(path) => path.clone(),
        None => state_dir::resolve(args.state.state.clone()).map_err(Failure::says)?,
    };
    let range = Range { from: args.from.map(|when| when.0), until: args.until.map(|when| when.0) };
    if range.is_reversed() {
        return Err(Failure::says("--until is before --from: no record is left to replay"));
    }
    let own = own_files(&path, args.pictures.files());
    output::apart(own.iter().map(PathBuf::as_path), args.pictures.files())?;
    let archive = open(&path)?;
    if let Some(file) = &args.with {
        return with::run(file, &archive, &range, args.all, args.json);
    }
    let progress = Progress::new(!args.json);
    let report = replay(&archive.index, &range, |report, place| {
        let (done, of) = archive.index.bytes_before(place.at);
        progress.show(|spent| line_of(done, of, &say::rate(report, spent), spent));
    });
    let spent = progress.spent();
    drop(progress);
    let report = report.map_err(|error| Failure::says(format!("{}: {error}", path.display())))?;
    // What came of it is said even if no picture can be drawn.
    let drawn = args.pictures.draw(&archive.index, &range);
    let said = say::say(&path, &archive, &report, spent, args.json);
    Failure::both(drawn, said)
}

/// What a picture must not be written over: the files of a journal and of the satellites' below it, and what would be
/// taken for one of them.
fn own_files<'a>(state: &Path, written: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    let inside = |folder: &Path| {
        // Whoever opens it will say what is wrong with it.
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut folders = inside(&state.join(satellites::FOLDER));
    folders.push(state.to_owned());
    let own = |path: &Path| path.file_name().and_then(OsStr::to_str).is_some_and(is_journals_own);
    let mut files: Vec<PathBuf> = folders.iter().flat_map(|folder| inside(folder)).collect();
    for name in written.filter_map(Path::file_name) {
        files.extend(folders.iter().map(|folder| folder.join(name)));
    }
    files.retain(|path| own(path));
    files
}

/// Opens a journal to look at it.
fn open(path: &Path) -> Result<Archive<Directory>, Failure> {
    if path.is_file() {
        return Err(Failure::says(format!(
            "{} is a file: a journal is a whole state directory, as its programs are in it too",
            path.display()
        )));
    }
    let storage = Arc::new(Directory::open_read_only(path).map_err(Failure::says)?);
    let look = || {
        Archive::open_known(&storage).map_err(|error| Failure::says(format!("{}: {error}", path.display())))
    };
    let mut archive = look()?;
    for _ in 0..LOOKS {
        if archive.torn.is_none() {
            break;
        }
        std::thread::sleep(LOOK_AGAIN);
        archive = look()?;
    }
    if archive.end.is_some() {
        return Ok(archive);
    }
    if let Some(Newer { segment, version, known, .. }) = archive.newer.first() {
        return Err(Failure::says(format!(
            "{}: segment {segment} was written by a later campanile (format {version}, this one knows up to {known}), and \
             no other can be read: replay it with that one",
            path.display()
        )));
    }
    Err(Failure::says(match archive.lost {
        0 => format!("there is no journal in {}", path.display()),
        1 => format!("{}: 1 segment, which cannot be read: cut or overwritten", path.display()),
        lost => format!("{}: {lost} segments, none can be read: cut or overwritten", path.display()),
    }))
}
