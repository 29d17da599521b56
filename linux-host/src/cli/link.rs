//! `campanile link`: the satellites of the running house, and their journals.

mod defmt;
mod elf;
mod trace;

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{Failure, StateDir, log, status};
use crate::control::client::{Unanswered, ask};
use crate::control::protocol::Operation;
use crate::daemon::state_dir;
use crate::nearest::unknown;
use crate::satellites::FOLDER;
use crate::satellites::trace::path;
use crate::satellites::view::SatelliteStatus;

/// Arguments of `link`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile link info porch")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the satellites, one on a line
    #[command(after_help = "Example: campanile link list")]
    List(List),
    /// Show all that is known of a satellite, and its problems
    #[command(after_help = "Example: campanile link info porch --json | jq .problems")]
    Info(Info),
    /// Send the program to a satellite again; changed programs are sent automatically
    #[command(after_help = "Example: campanile link install porch")]
    Install(Install),
    /// Show the journal of a satellite
    #[command(after_help = "Example: campanile link log porch --since 10min")]
    Log(Log),
    /// Show every record of a satellite as it comes in
    #[command(after_help = "Example: campanile link monitor porch --elf campanile-firmware")]
    Monitor(Monitor),
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    state: StateDir,
    /// Print JSON lines: one object for each satellite
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Info {
    /// The satellite
    satellite: String,
    #[command(flatten)]
    state: StateDir,
    /// Print a JSON line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Install {
    /// The satellite
    satellite: String,
    #[command(flatten)]
    state: StateDir,
    /// Print a JSON line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Log {
    /// The satellite
    satellite: String,
    #[command(flatten)]
    log: log::Args,
}

#[derive(Debug, clap::Args)]
struct Monitor {
    /// Show the firmware's defmt messages too; their texts are in this ELF file of the firmware
    #[arg(long)]
    elf: Option<PathBuf>,
    #[command(flatten)]
    log: Log,
}

/// Carries one out.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::List(args) => list(args),
        Command::Info(args) => info(args),
        Command::Install(args) => install(args),
        Command::Log(args) => journal(args),
        Command::Monitor(args) => monitor(args),
    }
}

fn list(args: List) -> Result<(), Failure> {
    let satellites = status::fetch(args.state)?.satellites;
    let mut out = io::stdout().lock();
    if !args.json && satellites.is_empty() {
        return Ok(writeln!(io::stderr(), "the file has no satellites: see [satellites.*] in FILE.md")?);
    }
    let width = satellites.iter().map(|satellite| satellite.name.len()).max().unwrap_or(0);
    for satellite in &satellites {
        if args.json {
            print_json(&mut out, satellite)?;
        } else {
            let problems = match satellite.problems.as_slice() {
                [] => String::new(),
                [problem] => format!("  {problem}"),
                [gravest, rest @ ..] => format!("  {gravest} (and {} more)", rest.len()),
            };
            writeln!(out, "{:width$}  {}{problems}", satellite.name, satellite.glance())?;
        }
    }
    Ok(())
}

fn info(args: Info) -> Result<(), Failure> {
    let satellites = status::fetch(args.state)?.satellites;
    let Some(satellite) = satellites.iter().find(|satellite| satellite.name == args.satellite) else {
        let all = satellites.iter().map(|satellite| satellite.name.as_str());
        return Err(Failure::Says(unknown("satellite", &args.satellite, all)));
    };
    let mut out = io::stdout().lock();
    if args.json {
        return print_json(&mut out, satellite);
    }
    let paint = status::Paint(out.is_terminal() && std::env::var_os("NO_COLOR").is_none());
    Ok(out.write_all(describe(satellite, paint).as_bytes())?)
}

/// All that is known of a satellite, line by line.
fn describe(satellite: &SatelliteStatus, paint: status::Paint) -> String {
    let SatelliteStatus { name, state, board, port, machine, boot, seq, journal, .. } = satellite;
    let state = if satellite.up { paint.good(state) } else { paint.bad(state) };
    let known = |text: &str| if text.is_empty() { "not known yet".to_owned() } else { text.to_owned() };
    let program = match (satellite.program.as_str(), satellite.installing) {
        (_, Some((have, all))) => format!("installing, {have} of {all} bytes"),
        ("", None) if boot.is_empty() => known(""),
        ("", None) => "not the one of the file".to_owned(),
        (hash, None) => hash.to_owned(),
    };
    let mut lines = vec![
        format!("{name}  {state}"),
        format!("  line     {board} at {port}"),
        format!("  machine  {}", known(machine)),
        format!("  start    {}", known(boot)),
        format!("  program  {program}"),
        format!("  records  {seq} in {journal}"),
    ];
    if satellite.broken_frames > 0 {
        let broken = satellite.broken_frames;
        lines.push(format!(
            "  frames   {broken} arrived damaged; records and commands in them are sent again"
        ));
    }
    let lost = format!("{} records were gone before they came here", satellite.lost);
    let lost = (satellite.lost > 0).then_some(&lost);
    let wrong = lost.into_iter().chain(&satellite.problems);
    lines.extend(wrong.map(|problem| format!("  {}", paint.bad(problem))));
    lines.join("\n") + "\n"
}

fn print_json(out: &mut impl io::Write, satellite: &SatelliteStatus) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, satellite).map_err(io::Error::from)?;
    Ok(writeln!(out)?)
}

fn install(args: Install) -> Result<(), Failure> {
    let state = state_dir::resolve(args.state.state).map_err(Failure::says)?;
    let response =
        ask(&state, Operation::LinkInstall { satellite: args.satellite }).map_err(Failure::says)?;
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &response).map_err(io::Error::from)?;
        writeln!(out)?;
    }
    match response.error {
        Some(error) => Err(Failure::Says(error)),
        None if args.json => Ok(()),
        None => Ok(writeln!(out, "{}", response.text.unwrap_or_default())?),
    }
}

fn monitor(Monitor { elf, log }: Monitor) -> Result<(), Failure> {
    let folder = folder(&log)?;
    let known = known(&log)?;
    if let Some(elf) = elf {
        let board = known.map(|known| known.machine).unwrap_or_default();
        let file = path(&folder, &log.satellite);
        let speaker = trace::Speaker { name: &log.satellite, board: &board, file };
        trace::print(&elf, speaker, log.log.json).map_err(Failure::says)?;
    }
    log::run(&log.log.live().of(folder.join(&log.satellite)))
}

/// The satellite as the daemon has it. Whoever would wait for records that cannot come now is told why, or that nobody can say
/// so; what it has said before is shown all the same.
fn known(log: &Log) -> Result<Option<SatelliteStatus>, Failure> {
    let state = state_dir::resolve(log.log.state.state.clone()).map_err(Failure::says)?;
    let satellites = match status::of(&state) {
        Ok(status) => status.satellites,
        Err(unanswered) => {
            let what = match unanswered {
                Unanswered::NoDaemon(_) => "nothing new comes",
                Unanswered::NoAnswer(_) => "the daemon cannot be asked",
            };
            writeln!(io::stderr(), "{what}: {unanswered}")?;
            return Ok(None);
        }
    };
    let known = satellites.into_iter().find(|known| known.name == log.satellite);
    match &known {
        Some(known) if known.up => {}
        Some(known) => writeln!(io::stderr(), "{} is not connected: {}", known.name, known.state)?,
        None => writeln!(
            io::stderr(),
            "nothing new comes: the house has no satellite {} any more",
            log.satellite
        )?,
    }
    Ok(known)
}

fn journal(args: Log) -> Result<(), Failure> {
    let folder = folder(&args)?;
    log::run(&args.log.of(folder.join(&args.satellite)))
}

/// Where the journals of all satellites are, this one's among them.
fn folder(args: &Log) -> Result<PathBuf, Failure> {
    let state = state_dir::resolve(args.log.state.state.clone()).map_err(Failure::says)?;
    let folder = state.join(FOLDER);
    let there = journals(&folder).map_err(|error| Failure::says(format!("{}: {error}", folder.display())))?;
    let all = there.iter().map(String::as_str);
    if !all.clone().any(|name| name == args.satellite) {
        let none = unknown("journal of a satellite", &args.satellite, all);
        return Err(Failure::Says(format!("{none} ({})", folder.display())));
    }
    Ok(folder)
}

/// Whose journals are in the folder, by name.
fn journals(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_that_was_never_there_nothing_is_known() {
        let told = |boot: &str| {
            let porch =
                SatelliteStatus { name: "porch".into(), boot: boot.into(), ..SatelliteStatus::default() };
            describe(&porch, status::Paint(false))
        };
        assert!(told("").contains("\n  program  not known yet"), "{}", told(""));
        assert!(
            told("1-ab948ea4").contains("\n  program  not the one of the file"),
            "{}",
            told("1-ab948ea4")
        );
    }

    #[test]
    fn frames_that_a_bad_line_damaged_are_shown() {
        let told = |broken_frames| {
            let porch = SatelliteStatus { name: "porch".into(), broken_frames, ..SatelliteStatus::default() };
            describe(&porch, status::Paint(false))
        };
        assert!(told(37).contains("\n  frames   37 arrived damaged"), "{}", told(37));
        assert!(!told(0).contains("frames"), "{}", told(0));
    }
}
