//! `campanile demo`.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use super::Failure;
use crate::config::scalar::duration;
use crate::demo::paint::Paint;
use crate::demo::scope::Glyphs;
use crate::demo::{self, Options};

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile demo --for 10s\n\n\
    It needs no hardware, no server and no file, and leaves nothing behind.")]
pub(super) struct Args {
    /// End after this time; without it Ctrl-C ends it
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    period: Option<Duration>,
    /// Another seed, another visitor: how contacts bounce and how long pauses are
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// So many times less patience between two visits; debouncing and scenarios keep their times
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
}

/// Shows it.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let color =
        io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let options = Options {
        period: args.period,
        seed: args.seed,
        speed: args.speed,
        paint: Paint(color),
        glyphs: Glyphs::detect(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shown = runtime.block_on(demo::show(&options, &mut io::stdout().lock()));
    runtime.shutdown_timeout(Duration::from_secs(1));
    match shown {
        Ok(true) => Ok(()),
        // The summary says what.
        Ok(false) => Err(Failure::Told),
        Err(error) => Err(error.into()),
    }
}

fn span(text: &str) -> Result<Duration, String> {
    duration(text).map(|span| Duration::from_micros(span.micros())).map_err(|wrong| {
        let (what, help) = wrong.into_words();
        format!("{what}: {help}")
    })
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.1..=10.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.1 to 10".to_owned()),
    }
}
