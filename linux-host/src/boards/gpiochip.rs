//! The kernel's GPIO character devices: the default board, on every Raspberry Pi and any other Linux machine.
//!
//! Each line is a request of its own, so that a reload adds and removes lines without touching the others, and a
//! storm on one line overflows no other line's buffer. The kernel stamps edges in `CLOCK_MONOTONIC` and numbers them
//! per line; a hole in the numbers is reported as lost edges.

mod chips;
mod group;
mod input;
mod output;

use std::sync::Arc;

use gpiocdev::line::{Bias, Direction, Drive as KernelDrive};
use gpiocdev::request::Config;
use gpiocdev::{Chip, Request};

use self::chips::{Chips, KnownChip};
use self::input::KernelInput;
use self::output::KernelOutput;
use super::{
    Board, CONSUMER, InputLine, InputSpec, Line, LineError, LineInfo, OutputLine, OutputSpec, WakeSlot,
};

/// Edges that the kernel keeps for a line until they are read: the most it allows for one line is 16 times 64.
const KERNEL_EVENTS: u32 = 1024;

/// The lines of one chip, or of all.
pub struct GpiochipBoard(Chips);

impl GpiochipBoard {
    /// Looks at the machine's chips and keeps the one that `wanted` names, or all of them for `auto`.
    ///
    /// # Errors
    /// There is none, or none of that name, or this user may not open it.
    pub fn open(wanted: &str) -> Result<Self, LineError> {
        Chips::open(wanted).map(Self)
    }

    fn request(&self, line: &Line, configure: impl FnOnce(&mut Config)) -> Result<(Request, u32), LineError> {
        let (chip, offset) = self.0.find(line)?;
        let mut config = Config::default();
        config.on_chip(&chip.path).with_line(offset);
        configure(&mut config);
        Request::from_config(config)
            .with_consumer(CONSUMER)
            .with_kernel_event_buffer_size(KERNEL_EVENTS)
            .request()
            .map(|request| (request, offset))
            .map_err(|error| explain(chip, offset, &line.to_string(), &error))
    }
}

/// Why the kernel refused a request: its error number says little, the line's own state says who and why.
fn explain(chip: &KnownChip, offset: u32, line: &str, error: &gpiocdev::Error) -> LineError {
    match Chip::from_path(&chip.path).and_then(|open| open.line_info(offset)) {
        Ok(info) if info.used => LineError::Busy {
            line: line.to_owned(),
            chip: chip.title(),
            by: Some(info.consumer).filter(|by| !by.is_empty()),
        },
        _ => LineError::Unsupported {
            line: line.to_owned(),
            what: "had with the pull, drive and edges that the file asks for",
            why: error.to_string(),
        },
    }
}

impl Board for GpiochipBoard {
    fn open_input(&self, spec: &InputSpec, _wake: &Arc<WakeSlot>) -> Result<Box<dyn InputLine>, LineError> {
        let (request, offset) = self.request(&spec.line, |config| input::configure(config, spec, true))?;
        Ok(Box::new(KernelInput::new(request, offset, spec)))
    }

    fn open_output(&self, spec: &OutputSpec) -> Result<Box<dyn OutputLine>, LineError> {
        let (request, offset) =
            self.request(&spec.line, |config| output::configure(config, spec, spec.safe))?;
        Ok(Box::new(KernelOutput::new(request, offset, spec)))
    }

    fn place(&self, line: &Line) -> Option<String> {
        self.0.place(line)
    }

    fn lines(&self) -> Result<Vec<LineInfo>, LineError> {
        let mut all = Vec::new();
        for chip in &self.0.0 {
            let open = Chip::from_path(&chip.path).map_err(|e| LineError::Io {
                what: "open the GPIO chip",
                source: std::io::Error::other(e),
            })?;
            let infos = open.line_info_iter().map_err(|e| LineError::Io {
                what: "list the chip's lines",
                source: std::io::Error::other(e),
            })?;
            all.extend(infos.filter_map(Result::ok).map(|info| describe(chip, &info)));
        }
        Ok(all)
    }
}

fn describe(chip: &KnownChip, info: &gpiocdev::line::Info) -> LineInfo {
    let mut flags = Vec::new();
    flags.extend(info.bias.map(|bias| match bias {
        Bias::PullUp => "pull-up",
        Bias::PullDown => "pull-down",
        Bias::Disabled => "no pull",
    }));
    flags.extend(info.drive.and_then(|drive| match drive {
        KernelDrive::PushPull => None,
        KernelDrive::OpenDrain => Some("open-drain"),
        KernelDrive::OpenSource => Some("open-source"),
    }));
    flags.extend(info.active_low.then_some("active-low"));
    flags.extend(info.edge_detection.map(|_| "edges"));
    LineInfo {
        chip: chip.name.clone(),
        offset: info.offset,
        name: info.name.clone(),
        used_by: info.used.then(|| info.consumer.clone()),
        output: info.direction == Direction::Output,
        // A free line would have to be requested to read it, and letting go of it makes some controllers turn the
        // pin into an input: a serial port in use would die of a look.
        level: None,
        flags: flags.join(", "),
    }
}

fn failed(line: &str, what: &'static str, error: &gpiocdev::Error) -> LineError {
    LineError::Failed { line: line.to_owned(), what, why: error.to_string() }
}
