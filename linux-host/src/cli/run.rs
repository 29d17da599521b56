//! `campanile run FILE`: the daemon.

use std::path::PathBuf;
use std::time::Instant;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Failure;
use super::habits::has_colors;
use super::journald::{self, Leveled};
use crate::daemon::loaded::Origin;
use crate::daemon::{Options, state_dir, supervise};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile run house.toml --state /var/lib/campanile\n\n\
    SIGHUP reloads the file; SIGTERM sets the outputs to their safe levels and stops.")]
pub(super) struct Args {
    /// The file
    file: PathBuf,
    #[command(flatten)]
    state: super::StateDir,
    /// The log level on stderr: error, warn, info, debug or trace, or a filter such as campanile=debug
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "CAMPANILE_LOG", value_parser = filter)]
    log: Targets,
}

/// Runs until a signal.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    let began = Instant::now();
    let color = has_colors(&std::io::stderr());
    start_log(args.log, color);
    let options = Options {
        origin: Origin::File(args.file),
        state: state_dir::resolve(args.state.state).map_err(Failure::says)?,
        color,
        began,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(supervise::run(options));
    // A sink in the middle of a slow write keeps nobody waiting.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result.map_err(Failure::says)
}

/// Says on stderr what happens, in plain lines; with levels for systemd's journal.
pub(super) fn start_log(filter: Targets, color: bool) {
    if journald::is_stderr() {
        tracing_subscriber::registry().with(journal_lines(std::io::stderr).with_filter(filter)).init();
    } else {
        let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(color).with_target(false);
        tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    }
}

/// The lines of systemd's journal.
pub(super) fn journal_lines<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    let plain = fmt::format().with_ansi(false).with_target(false).with_level(false).without_time();
    fmt::layer().with_writer(writer).with_ansi(false).event_format(Leveled(plain))
}

/// What `--log` says. Not `EnvFilter`: its regular expressions are a megabyte of program.
pub(super) fn filter(text: &str) -> Result<Targets, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    // A lone word that is no level would be taken for the name of a part, and everything else would be silent.
    let is_level = |word: &str| LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level));
    let wrong = text.split(',').find(|part| !is_level(part.rsplit('=').next().unwrap_or(part).trim()));
    match wrong {
        None => {
            let filter: Targets = text.parse().map_err(|error| format!("{error}"))?;
            // What it warns of, the sinks say themselves, in words and with their names.
            Ok(if text.contains("rumqttc") {
                filter
            } else {
                filter.with_target("rumqttc", tracing::level_filters::LevelFilter::ERROR)
            })
        }
        Some(part) => Err(format!(
            "\"{part}\" has no level: {}, or a part of the program with one, such as campanile=debug",
            LEVELS.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_a_level_in_each_part() {
        for right in ["info", "WARN", "off", "campanile=debug", "warn,campanile::sinks=trace, rumqttc=debug"]
        {
            assert!(filter(right).is_ok(), "{right}");
        }
        for wrong in ["blah", "", "info,blah", "campanile=loud", "campanile="] {
            assert!(filter(wrong).unwrap_err().contains("error, warn, info, debug"), "{wrong}");
        }
    }
}
