//! The command line: one module a command, one exit code for all.
//!
//! Exit codes: 0 done; 1 something is wrong (a wrong file, a difference, a failure); 2 wrong usage of the command,
//! which clap reports itself. What a command prints for programs goes to stdout, what it says to a person who asked
//! for something else goes to stderr.

mod act;
mod check;
mod compile;
mod completions;
mod cost;
mod demo;
mod habits;
mod init;
mod install;
mod journald;
mod link;
mod log;
mod login;
mod man;
mod output;
mod pictures;
mod pins;
mod progress;
mod replay;
mod run;
mod schema;
mod shrink;
mod sim;
mod sink;
mod status;
mod swarm;
mod times;
mod tunnel;

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use campanile_delivery::Directory;
use clap::{Parser, Subcommand};

use crate::daemon::state_dir;

/// Pins to events to action, on a Raspberry Pi and in a simulator.
#[derive(Debug, Parser)]
#[command(name = "campanile", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Start with `campanile demo`: a doorbell without hardware.\n\
    For a machine of your own: `campanile init` writes its house file, `sudo campanile install` installs it as a service.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Every command. Its module has the arguments, an example in `after_help`, and `run`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented file for this machine
    Init(init::Args),
    /// Show a doorbell without hardware, live: pins, debouncing, scenarios and delivery
    Demo(demo::Args),
    /// Check a file: show errors and warnings, and how much of the engine it uses
    Check(check::Args),
    /// Compile a file to an image and a symbol table
    Compile(compile::Args),
    /// Estimate a month: messages, cost, writes to the SD card
    Cost(cost::Args),
    /// Run a house until SIGTERM
    Run(run::Args),
    /// Show every line of this machine and of the running house, live
    Pins(pins::Args),
    /// Simulate a press: drive an input as if its line had changed
    Press(act::Press),
    /// Drive an output of the running house
    Set(act::Set),
    /// Start a scenario of the running house
    Start(act::Scenario),
    /// Stop all runs of a scenario of the running house
    #[command(after_help = "Example: campanile stop ring")]
    Stop(act::Scenario),
    /// Change a variable of the running house
    Let(act::Let),
    /// Give a sensor of the running house a value
    Feed(act::Feed),
    /// Load the changed file into the running house; if it has errors, the old one keeps running
    Reload(act::Reload),
    /// Show the state of the running house
    Status(status::Args),
    /// Show and update satellites: microcontrollers on a serial line
    Link(link::Args),
    /// Show the journal
    Log(log::Args),
    /// Authorise posting to an account
    Login(login::Args),
    /// Execute a journal again, from any machine, and compare the result byte for byte
    Replay(replay::Args),
    /// Run a script on a simulated house and compare its trace with the expected one
    Sim(sim::Args),
    /// Test a house in many simulated lives, each drawn from a seed, with faults at every layer
    Swarm(swarm::Args),
    /// Shorten a life that fails in `swarm` to the few steps that matter
    Shrink(shrink::Args),
    /// Test sinks and handle rejected messages
    Sink(sink::Args),
    /// Install a house as a systemd service on this machine
    Install(install::Args),
    /// Remove the service from this machine
    Uninstall(install::Removal),
    /// Keep this machine reachable over SSH, through a server of yours
    Tunnel(tunnel::Args),
    /// Print the JSON Schema of the file, for editors
    Schema(schema::Args),
    /// Print the completion script for a shell
    Completions(completions::Args),
    /// Print the manual page
    Man(man::Args),
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Init(args) => init::run(&args),
            Self::Demo(args) => demo::run(&args),
            Self::Check(args) => check::run(&args),
            Self::Compile(args) => compile::run(&args),
            Self::Cost(args) => cost::run(&args),
            Self::Run(args) => run::run(args),
            Self::Pins(args) => pins::run(args),
            Self::Press(args) => act::run(args),
            Self::Set(args) => act::run(args),
            Self::Start(args) => act::scenario(args, true),
            Self::Stop(args) => act::scenario(args, false),
            Self::Let(args) => act::run(args),
            Self::Feed(args) => act::run(args),
            Self::Reload(args) => act::run(args),
            Self::Status(args) => status::run(args),
            Self::Link(args) => link::run(args),
            Self::Log(args) => log::run(&args),
            Self::Login(args) => login::run(&args),
            Self::Replay(args) => replay::run(&args),
            Self::Sim(args) => sim::run(&args),
            Self::Swarm(args) => swarm::run(&args),
            Self::Shrink(args) => shrink::run(&args),
            Self::Sink(args) => sink::run(args),
            Self::Install(args) => install::run(&args),
            Self::Uninstall(args) => install::remove(&args),
            Self::Tunnel(args) => tunnel::run(args),
            Self::Schema(args) => schema::run(&args),
            Self::Completions(args) => completions::run(&args),
            Self::Man(args) => man::run(&args),
        }
    }
}

/// Which daemon is meant: the one on this directory.
#[derive(Clone, Debug, clap::Args)]
struct StateDir {
    /// The state directory [default: $STATE_DIRECTORY in a service, /var/lib/campanile for root, else
    /// $XDG_STATE_HOME/campanile or ~/.local/state/campanile]
    #[arg(long = "state", value_name = "DIR")]
    state: Option<PathBuf>,
}

impl StateDir {
    /// Opens it to look at what a daemon has left there.
    fn look(&self) -> Result<Arc<Directory>, Failure> {
        let state = state_dir::resolve(self.state.clone()).map_err(Failure::says)?;
        let storage = Directory::open_read_only(&state);
        let storage = storage.map_err(|error| format!("{error}{}", state_dir::elsewhere(&state)));
        storage.map(Arc::new).map_err(Failure::Says)
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

    /// Something is wrong, and this came of telling it: whoever has read enough of that changes nothing in it.
    fn told(said: Result<(), impl Into<Self>>) -> Self {
        match said.map_err(Into::into) {
            Ok(()) | Err(Self::Enough) => Self::Told,
            Err(other) => other,
        }
    }

    /// What came of two things that were both tried: nothing that went wrong hides the other.
    fn both(first: Result<(), Self>, second: Result<(), Self>) -> Result<(), Self> {
        match (first, second) {
            (Err(Self::Says(first)), Err(Self::Says(second))) => {
                Err(Self::Says(format!("{first}\n{second}")))
            }
            (Err(Self::Enough), other) | (other, Err(Self::Enough)) => other,
            (Err(Self::Says(words)), Err(_)) => Err(Self::Says(words)),
            (first, Ok(())) => first,
            (_, second) => second,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Enough,
            io::ErrorKind::StorageFull => Self::says("the output is incomplete: the disk is full"),
            _ => Self::says(error),
        }
    }
}

/// Parses the arguments of the process, carries out the command and gives the exit code.
pub fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) | Err(Failure::Enough) => ExitCode::SUCCESS,
        Err(Failure::Told) => ExitCode::FAILURE,
        Err(Failure::Says(words)) if journald::is_stderr() => {
            let _ = write!(io::stderr(), "{}", journald::lines(tracing::Level::ERROR, &words));
            ExitCode::FAILURE
        }
        Err(Failure::Says(words)) => {
            // What the compiler found begins with its own `error:` or `warning:`, and has colours on a terminal.
            let found = ["error:", "warning:", "\u{1b}["].iter().any(|head| words.starts_with(head));
            let _ = if found {
                writeln!(io::stderr(), "{words}")
            } else {
                writeln!(io::stderr(), "error: {words}")
            };
            ExitCode::FAILURE
        }
    }
}
