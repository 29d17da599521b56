//! `campanile sink test NAME`: one message through a sink, step by step; `sink list` and `sink retry`.

mod aside;

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use campanile_delivery::Wall;
use clap::Subcommand;
use serde_json::json;

use super::{Failure, StateDir, check};
use crate::control::client::ask;
use crate::control::protocol::Operation;
use crate::control::status::Status;
use crate::daemon::lines::now;
use crate::daemon::state_dir;
use crate::daemon::wall::Sample;
use crate::install::accounts;
use crate::install::place::Place;
use crate::install::service::{ENVIRONMENT_PATH, HOUSE, STATE, USER};
use crate::nearest::near;
use crate::sinks::start;
use crate::sinks::trial::{Step, Trial};

/// Arguments of `sink`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile sink test home")]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send one message through a sink and show each step: DNS, connection, TLS, login, acknowledgement
    Test(Test),
    /// List the messages that a receiver rejected, with its reasons
    List(aside::List),
    /// Send rejected messages again
    Retry(aside::Retry),
}

/// Arguments of `sink test`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: sudo campanile sink test home\n\
    Example: campanile sink test home --file house.toml\n\n\
    The message is called `test`. It is not in the journal and does not wait in a queue. It uses its own connection \
    and does not disturb a running daemon. A house of the service is tested as the service's user.")]
struct Test {
    /// The sink
    name: String,
    /// The house [default: the running daemon's; if none runs, /etc/campanile/house.toml]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    state: StateDir,
    /// Print a JSON line for each step
    #[arg(long)]
    json: bool,
}

/// Carries it out.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    let test = match args.what {
        What::Test(test) => test,
        What::List(list) => return aside::list(list),
        What::Retry(retry) => return aside::retry(retry),
    };
    let state = state_dir::resolve(test.state.state).map_err(Failure::says)?;
    let (daemon, why_none) = match ask(&state, Operation::Status {}) {
        Ok(answer) => (answer.status, None),
        Err(why) => (None, Some(why)),
    };
    let file = match (test.file, &daemon) {
        (Some(file), _) => file,
        (None, Some(status)) => PathBuf::from(&status.file),
        // One that may not be looked at is there.
        (None, None) if Path::new(HOUSE).try_exists().is_ok_and(|there| !there) => {
            let why = why_none.map(|why| format!("; {why}")).unwrap_or_default();
            return Err(Failure::says(format!("no house to take the sink from: name it with --file{why}")));
        }
        (None, None) => HOUSE.into(),
    };
    become_service_user(&file)?;
    let (_, house) = check::compile_or_say(&file)?;
    let settings = house.settings;
    let Some((name, sink)) = settings.sinks.iter().find(|(name, _)| *name == test.name) else {
        return Err(Failure::Says(unknown(&test.name, &file, settings.sinks.iter().map(|(name, _)| name))));
    };
    let beside = daemon.filter(|status| status.node == settings.node && runs(status, name));
    let report = Report { json: test.json };
    report.begin(name, sink.kind(), &file, beside.as_deref())?;
    let clock = Sample::take(&jiff::tz::TimeZone::UTC);
    let wall = Wall { at: now(), unix: clock.unix, trusted: clock.trusted };
    let mut said = Ok(());
    let mut say = |step: Step, took: Duration, result: Result<&str, &str>| {
        if said.is_ok() {
            said = report.step(step, took, result);
        }
    };
    let trial = Trial { wall, beside: beside.is_some(), say: &mut say };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let arrived = runtime.block_on(start::try_one(&settings.node, name, sink, trial));
    runtime.shutdown_timeout(Duration::from_secs(1));
    if arrived { Ok(said?) } else { Err(Failure::told(said)) }
}

fn runs(status: &Status, name: &str) -> bool {
    status.sinks.iter().any(|sink| sink.name == name)
}

fn unknown<'a>(name: &str, file: &Path, known: impl Iterator<Item = &'a String> + Clone) -> String {
    let (file, known) = (file.display(), known.map(String::as_str));
    match (near(name, known.clone()).as_slice(), known.collect::<Vec<_>>().as_slice()) {
        (_, []) => format!("{file} has no sinks"),
        ([], known) => format!("{file} has no sink \"{name}\"; there are {}", known.join(", ")),
        (near, _) => format!("{file} has no sink \"{name}\"; did you mean {}?", near.join(" or ")),
    }
}

/// As root with the service's house: goes on as the service's user, with its environment. Then what it may not read is
/// found out, and a file that a sink makes is the service's.
fn become_service_user(file: &Path) -> Result<(), Failure> {
    let place = Place::new(Path::new("/")).map_err(Failure::says)?;
    if !rustix::process::geteuid().is_root()
        || file != Path::new(HOUSE)
        || accounts::user(&place, USER)?.is_none()
    {
        return Ok(());
    }
    let mut command = Command::new("runuser");
    command.args(["-u", USER, "--"]).arg(std::env::current_exe()?).args(std::env::args_os().skip(1));
    let environment = place.read(ENVIRONMENT_PATH)?.unwrap_or_default();
    command.envs(variables(&String::from_utf8_lossy(&environment)));
    // The service's, which root's would be by itself.
    command.env("STATE_DIRECTORY", STATE);
    Err(Failure::says(format!("cannot go on as the user {USER}: {}", command.exec())))
}

/// Of a file of `NAME=VALUE` lines, as systemd reads it; a value may be in quotes.
fn variables(text: &str) -> Vec<(&str, &str)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| {
            let value = value.trim();
            let quoted = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
            (name.trim(), quoted('"').or_else(|| quoted('\'')).unwrap_or(value))
        })
        .collect()
}

/// What is said.
struct Report {
    json: bool,
}

impl Report {
    fn begin(&self, name: &str, kind: &str, file: &Path, daemon: Option<&Status>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let sink = daemon.and_then(|status| status.sinks.iter().find(|sink| sink.name == name));
        let file = file.display();
        if self.json {
            let state = sink.map(|sink| &sink.state);
            let head = json!({ "sink": name, "kind": kind, "file": file.to_string(), "daemon": state });
            return writeln!(out, "{head}");
        }
        match sink {
            None => writeln!(out, "{name} ({kind}) of {file}; no daemon has it at work"),
            Some(sink) => {
                let state = &sink.state;
                let behind = sink.lag.map(|lag| format!(" ({lag} behind)")).unwrap_or_default();
                writeln!(
                    out,
                    "{name} ({kind}) of {file}, over a connection beside the daemon's own and under another name; the daemon's own is {state}{behind}"
                )
            }
        }
    }

    fn step(&self, step: Step, took: Duration, result: Result<&str, &str>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let ms = took.as_secs_f64() * 1e3;
        if self.json {
            let (Ok(words) | Err(words)) = result;
            let step = step.word();
            return writeln!(
                out,
                "{}",
                json!({ "step": step, "ok": result.is_ok(), "ms": ms, "text": words })
            );
        }
        match result {
            Ok(words) => writeln!(out, "{:13} {words} ({ms:.1} ms)", step.word()),
            Err(words) => writeln!(out, "{:13} failed: {words}", step.word()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_environment_is_read_as_systemd_does() {
        let text = "# a comment\nCAMPANILE_LOG=debug\n A = \"b c\" \n;x=y\nMQTT_PASSWORD='p=w'\nnonsense\n";
        let expected = [("CAMPANILE_LOG", "debug"), ("A", "b c"), ("MQTT_PASSWORD", "p=w")];
        assert_eq!(variables(text), expected);
    }
}
