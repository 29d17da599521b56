//! Pictures of a journal, a device's or a simulation's: `--vcd`, `--svg`, `--timeline`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use campanile_delivery::{Index, Storage};
use campanile_sim::picture::{record, svg, terminal, vcd};
use campanile_sim::replay::Range;

use super::{Failure, output};

/// Without a terminal, a timeline is so wide.
const COLUMNS: usize = 100;

/// Which pictures.
#[derive(Debug, clap::Args)]
#[group(multiple = true)]
pub(super) struct Pictures {
    /// Write a value change dump (VCD), for GTKWave, PulseView and other waveform viewers
    #[arg(long, value_name = "FILE")]
    vcd: Option<PathBuf>,
    /// Write a timeline as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print a timeline
    #[arg(long)]
    timeline: bool,
}

impl Pictures {
    /// The files that they go into.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        [&self.vcd, &self.svg].into_iter().flatten().map(PathBuf::as_path)
    }

    /// Draws those that are wanted.
    pub(super) fn draw<S: Storage>(&self, index: &Arc<Index<S>>, range: &Range) -> Result<(), Failure> {
        if self.vcd.is_none() && self.svg.is_none() && !self.timeline {
            return Ok(());
        }
        let recording = record(index, range).map_err(Failure::says)?;
        let recording = recording
            .ok_or_else(|| Failure::says("there is nothing to draw: no record of that range is known"))?;
        if let Some(path) = &self.vcd {
            output::write(path, |out| vcd::write(&recording, out))?;
        }
        if let Some(path) = &self.svg {
            output::write(path, |out| out.write_all(svg::draw(&recording).as_bytes()))?;
        }
        if self.timeline {
            let mut out = io::stdout().lock();
            out.write_all(terminal::draw(&recording, columns()).as_bytes())?;
        }
        Ok(())
    }
}

/// How wide the terminal is.
fn columns() -> usize {
    let said = || std::env::var("COLUMNS").ok()?.parse().ok();
    let terminal = rustix::termios::tcgetwinsize(io::stdout()).ok();
    terminal
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0)
        .or_else(said)
        .unwrap_or(COLUMNS)
}
