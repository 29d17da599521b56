//! `campanile demo`.

use std::io;
use std::time::Duration;

use super::Failure;
use super::habits::{has_colors, number, span};
use crate::demo::paint::Paint;
use crate::demo::scope::Glyphs;
use crate::demo::{self, Options};

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile demo --for 10s\n\n\
    It needs no hardware, no server and no file, and leaves nothing behind.")]
pub(super) struct Args {
    /// Stop after this time [default: run until Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    period: Option<Duration>,
    /// Draw bounces and pauses from this seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = number::<u64>)]
    seed: u64,
    /// Divide the pauses between visits by this factor; debounce and scenario times stay real
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
}

/// Shows it.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let options = Options {
        period: args.period,
        seed: args.seed,
        speed: args.speed,
        paint: Paint(has_colors(&io::stdout())),
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

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.1..=10.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.1 to 10".to_owned()),
    }
}
