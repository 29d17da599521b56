//! The commands that act on a running house: `press`, `set`, `start`, `stop`, `let`, `feed`, `reload`.

use std::io::{self, Write as _};
use std::time::Duration;

use super::habits::{number, span};
use super::{Failure, StateDir};
use crate::control::client::ask;
use crate::control::protocol::Operation;
use crate::control::switch::Switch;
use crate::daemon::state_dir;

/// A press without `--for`: longer than any debounce, as short as a finger is.
const PRESS: &str = "150ms";

/// Arguments of `press`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile press button --for 2s")]
pub(super) struct Press {
    /// The input
    input: String,
    /// How long the input stays on
    #[arg(long = "for", value_name = "DURATION", default_value = PRESS, value_parser = span)]
    held: Duration,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `set`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile set chime on")]
pub(super) struct Set {
    /// The output
    output: String,
    /// `on` or `off`
    #[arg(value_parser = switch)]
    to: Switch,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `start` and `stop`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile start ring")]
pub(super) struct Scenario {
    /// The scenario
    scenario: String,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `let`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile let quiet 1")]
pub(super) struct Let {
    /// The variable
    variable: String,
    /// The new value
    #[arg(allow_negative_numbers = true, value_parser = number::<i32>)]
    value: i32,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `feed`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile feed tank 41.5")]
pub(super) struct Feed {
    /// The sensor
    sensor: String,
    /// The new value, or `null` if the sensor has failed
    #[arg(allow_negative_numbers = true)]
    value: String,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `reload`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile reload && campanile status")]
pub(super) struct Reload {
    #[command(flatten)]
    common: Common,
}

/// Arguments of all of them.
#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    state: StateDir,
    /// Print the daemon's answer as a JSON line
    #[arg(long)]
    json: bool,
}

/// One of these commands.
pub(super) trait Act {
    /// What it asks for, and how.
    fn operation(self) -> (Operation, bool, StateDir);
}

macro_rules! acts {
    ($($args:ident($this:ident) => $operation:expr;)*) => {$(
        impl Act for $args {
            fn operation(self) -> (Operation, bool, StateDir) {
                let $this = self;
                let Common { state, json } = $this.common;
                ($operation, json, state)
            }
        }
    )*};
}
acts! {
    Press(press) => Operation::Press { input: press.input, for_us: u64::try_from(press.held.as_micros()).unwrap_or(u64::MAX) };
    Set(set) => Operation::Set { output: set.output, to: set.to };
    Let(given) => Operation::Let { variable: given.variable, value: given.value };
    Feed(feed) => Operation::feed(feed.sensor, feed.value);
    Reload(reload) => Operation::Reload {};
}

/// `start` and `stop` have the same arguments.
pub(super) fn scenario(args: Scenario, start: bool) -> Result<(), Failure> {
    let Scenario { scenario, common: Common { state, json } } = args;
    let operation = if start { Operation::Start { scenario } } else { Operation::Stop { scenario } };
    carry_out(operation, json, state)
}

/// Asks the daemon and prints its answer.
pub(super) fn run(args: impl Act) -> Result<(), Failure> {
    let (operation, json, state) = args.operation();
    carry_out(operation, json, state)
}

fn carry_out(operation: Operation, json: bool, state: StateDir) -> Result<(), Failure> {
    let state = state_dir::resolve(state.state).map_err(Failure::says)?;
    let response = ask(&state, operation).map_err(Failure::says)?;
    let mut out = io::stdout().lock();
    if json {
        let said = serde_json::to_writer(&mut out, &response).map_err(io::Error::from);
        let said = said.and_then(|()| writeln!(out));
        return if response.ok { Ok(said?) } else { Err(Failure::told(said)) };
    }
    match (response.ok, response.text, response.error) {
        (true, text, _) => Ok(writeln!(out, "{}", text.unwrap_or_default())?),
        (false, _, error) => Err(Failure::Says(error.unwrap_or_else(|| "refused".to_owned()))),
    }
}

fn switch(text: &str) -> Result<Switch, String> {
    match text {
        "on" => Ok(Switch::On),
        "off" => Ok(Switch::Off),
        _ => Err("on or off".to_owned()),
    }
}
