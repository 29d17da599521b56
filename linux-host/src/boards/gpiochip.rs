//! The kernel's GPIO character devices: the default board, on every Raspberry Pi and any other Linux machine.
//!
//! Each line is a request of its own, so that a reload adds and removes lines without touching the others, and a
//! storm on one line overflows no other line's buffer. The kernel stamps edges in `CLOCK_MONOTONIC` and numbers them
//! per line; a hole in the numbers is reported as lost edges.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use campanile_core::id::Level;
use campanile_core::time::Instant;
use gpiocdev::line::{Bias, Direction, Drive as KernelDrive, EdgeDetection, EdgeKind, Value};
use gpiocdev::request::Config;
use gpiocdev::{Chip, Request};

use super::error::nearest;
use super::{
    Active, Board, CONSUMER, Drive, InputLine, InputSpec, Line, LineError, LineInfo, OutputLine, OutputSpec,
    Pull, Taken, WakeSlot,
};

mod group;

/// Edges that the kernel keeps for a line until they are read: the most it allows for one line is 16 times 64.
const KERNEL_EVENTS: u32 = 1024;

/// Edges taken from the kernel with one read.
const EVENTS_PER_READ: usize = 64;

/// 64-bit words of one event of the kernel's interface, version 2.
const EVENT_WORDS: usize = 6;

/// The header's chip on every Raspberry Pi has a label that begins so, whatever its number.
const HEADER_LABEL: &str = "pinctrl-";

/// One chip and the names of its lines.
struct KnownChip {
    path: PathBuf,
    name: String,
    label: String,
    lines: Vec<String>,
}

impl KnownChip {
    fn look(path: &Path) -> Result<Self, LineError> {
        // Opened once by hand: the library's error does not keep apart who is forbidden from what is missing.
        std::fs::File::open(path).map_err(|e| forbidden_or(path, "open the GPIO chip", e))?;
        let failed = |e: gpiocdev::Error| LineError::Io {
            what: "ask the GPIO chip",
            source: std::io::Error::other(e),
        };
        let chip = Chip::from_path(path).map_err(failed)?;
        let info = chip.info().map_err(failed)?;
        let names =
            chip.line_info_iter().map_err(failed)?.map(|info| info.map(|info| info.name).unwrap_or_default());
        Ok(Self { path: path.to_owned(), name: info.name, label: info.label, lines: names.collect() })
    }

    fn title(&self) -> String {
        format!("{} [{}]", self.name, self.label)
    }

    fn is_called(&self, wanted: &str) -> bool {
        wanted == self.name || wanted == self.label || Path::new(wanted) == self.path
    }
}

/// The lines of one chip, or of all.
pub struct GpiochipBoard {
    chips: Vec<KnownChip>,
}

impl GpiochipBoard {
    /// Looks at the machine's chips and keeps the one that `wanted` names, or all of them for `auto`.
    ///
    /// # Errors
    /// There is none, or none of that name, or this user may not open it.
    pub fn open(wanted: &str) -> Result<Self, LineError> {
        let mut chips = Vec::new();
        let mut refused = None;
        for path in chip_paths()? {
            match KnownChip::look(&path) {
                Ok(chip) => chips.push(chip),
                Err(error) => refused = Some(error),
            }
        }
        if wanted == "auto" {
            return match refused {
                Some(error) if chips.is_empty() => Err(error),
                None if chips.is_empty() => Err(LineError::NoChips),
                _ => Ok(Self { chips }),
            };
        }
        // A path may be a link that udev made.
        let target = std::fs::canonicalize(wanted).ok();
        let have = chips.iter().map(KnownChip::title).collect();
        match chips.into_iter().find(|chip| chip.is_called(wanted) || target.as_ref() == Some(&chip.path)) {
            Some(chip) => Ok(Self { chips: vec![chip] }),
            None => Err(refused.unwrap_or_else(|| LineError::NoSuchChip { wanted: wanted.to_owned(), have })),
        }
    }

    /// The chip and offset of a line: by name on any chip, by offset where it is clear which chip is meant.
    fn find(&self, line: &Line) -> Result<(&KnownChip, u32), LineError> {
        match line {
            Line::Name(name) => self.find_name(name),
            Line::Offset(offset) => self.find_offset(*offset),
        }
    }

    fn find_name(&self, name: &str) -> Result<(&KnownChip, u32), LineError> {
        let place = |chip: &KnownChip| chip.lines.iter().position(|other| other == name);
        let found: Vec<_> =
            self.chips.iter().filter_map(|chip| Some((chip, u32::try_from(place(chip)?).ok()?))).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(LineError::NoSuchLine {
                line: name.to_owned(),
                searched: self.titles().join(", "),
                nearest: nearest(
                    name,
                    self.chips.iter().flat_map(|chip| chip.lines.iter().map(String::as_str)),
                ),
            }),
            several => {
                header_chip(several.iter().copied(), |(chip, _)| chip).ok_or_else(|| LineError::Ambiguous {
                    line: name.to_owned(),
                    chips: several.iter().map(|(chip, _)| chip.title()).collect(),
                })
            }
        }
    }

    fn find_offset(&self, offset: u32) -> Result<(&KnownChip, u32), LineError> {
        let chip = match self.chips.as_slice() {
            [one] => one,
            several => header_chip(several.iter(), |chip| chip).ok_or_else(|| {
                LineError::OffsetNeedsChip { line: offset.to_string(), have: self.titles() }
            })?,
        };
        if (offset as usize) < chip.lines.len() {
            return Ok((chip, offset));
        }
        let searched =
            format!("{}, whose offsets are 0 to {}", chip.title(), chip.lines.len().saturating_sub(1));
        Err(LineError::NoSuchLine { line: offset.to_string(), searched, nearest: Vec::new() })
    }

    fn titles(&self) -> Vec<String> {
        self.chips.iter().map(KnownChip::title).collect()
    }

    fn request(&self, line: &Line, configure: impl FnOnce(&mut Config)) -> Result<(Request, u32), LineError> {
        let (chip, offset) = self.find(line)?;
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

/// Of several chips, the one with the header's pins if there is exactly one.
fn header_chip<'a, T: Copy>(all: impl Iterator<Item = T>, chip: impl Fn(T) -> &'a KnownChip) -> Option<T> {
    let mut header = all.filter(|&item| chip(item).label.starts_with(HEADER_LABEL));
    let first = header.next()?;
    header.next().is_none().then_some(first)
}

fn chip_paths() -> Result<Vec<PathBuf>, LineError> {
    let entries = std::fs::read_dir("/dev").map_err(|source| LineError::Io { what: "list /dev", source })?;
    let mut paths: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("gpiochip"))
        // Some distributions keep an old number as a link.
        .filter_map(|entry| std::fs::canonicalize(entry.path()).ok())
        .collect();
    paths.sort_unstable_by(|a, b| gpiocdev::chip::path_compare(a, b));
    paths.dedup();
    Ok(paths)
}

fn forbidden_or(path: &Path, what: &'static str, source: std::io::Error) -> LineError {
    if source.kind() == std::io::ErrorKind::PermissionDenied {
        LineError::Forbidden { path: path.to_owned(), group: group::of(path) }
    } else {
        LineError::Io { what, source }
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
        let (request, offset) = self.request(&spec.line, |config| configure_input(config, spec, true))?;
        Ok(Box::new(KernelInput {
            request,
            offset,
            spec: spec.clone(),
            line: spec.line.to_string(),
            seen: None,
        }))
    }

    fn open_output(&self, spec: &OutputSpec) -> Result<Box<dyn OutputLine>, LineError> {
        let (request, offset) =
            self.request(&spec.line, |config| configure_output(config, spec, spec.safe))?;
        Ok(Box::new(KernelOutput { request, offset, line: spec.line.to_string() }))
    }

    fn lines(&self) -> Result<Vec<LineInfo>, LineError> {
        let mut all = Vec::new();
        for chip in &self.chips {
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

fn configure_input(config: &mut Config, spec: &InputSpec, edges: bool) {
    config.as_input();
    config.with_bias(match spec.pull {
        Pull::AsIs => None,
        Pull::Up => Some(Bias::PullUp),
        Pull::Down => Some(Bias::PullDown),
        Pull::None => Some(Bias::Disabled),
    });
    if spec.active == Active::Low {
        config.as_active_low();
    } else {
        config.as_active_high();
    }
    config.with_edge_detection(edges.then_some(EdgeDetection::BothEdges));
}

fn configure_output(config: &mut Config, spec: &OutputSpec, level: Level) {
    if spec.active == Active::Low {
        config.as_active_low();
    } else {
        config.as_active_high();
    }
    config.with_drive(match spec.drive {
        Drive::PushPull => KernelDrive::PushPull,
        Drive::OpenDrain => KernelDrive::OpenDrain,
        Drive::OpenSource => KernelDrive::OpenSource,
    });
    config.as_output(to_value(level));
}

fn to_value(level: Level) -> Value {
    if level.is_on() { Value::Active } else { Value::Inactive }
}

fn failed(line: &str, what: &'static str, error: &gpiocdev::Error) -> LineError {
    LineError::Failed { line: line.to_owned(), what, why: error.to_string() }
}

struct KernelInput {
    request: Request,
    offset: u32,
    line: String,
    spec: InputSpec,
    /// The number of the last edge read; `None` when the next one may have any.
    seen: Option<u32>,
}

impl KernelInput {
    fn apply(&self, spec: &InputSpec, edges: bool) -> Result<(), LineError> {
        let mut config = Config::default();
        config.with_line(self.offset);
        configure_input(&mut config, spec, edges);
        self.request.reconfigure(&config).map_err(|e| failed(&self.line, "reconfigure", &e))
    }
}

impl InputLine for KernelInput {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.request.as_fd())
    }

    fn take(&mut self, _now: Instant, give: &mut dyn FnMut(Taken)) -> Result<(), LineError> {
        let mut words = [0; EVENTS_PER_READ * EVENT_WORDS];
        let event = self.request.edge_event_u64_size();
        let line = &self.line;
        let filled =
            self.request.read_edge_events_into_slice(&mut words).map_err(|e| failed(line, "read", &e))?;
        for words in words[..filled.min(words.len())].chunks_exact(event) {
            let edge = self.request.edge_event_from_slice(words).map_err(|e| failed(line, "read", &e))?;
            let at = Instant::from_micros(edge.timestamp_ns / 1_000);
            if let Some(count) = missing(self.seen, edge.line_seqno) {
                give(Taken::Lost { at, count });
            }
            self.seen = Some(edge.line_seqno);
            give(Taken::Edge { at, level: Level::from_bool(edge.kind == EdgeKind::Rising) });
        }
        Ok(())
    }

    fn level(&self) -> Result<Level, LineError> {
        let value = self.request.lone_value().map_err(|e| failed(&self.line, "read", &e))?;
        Ok(Level::from_bool(value == Value::Active))
    }

    fn reconfigure(&mut self, spec: &InputSpec) -> Result<(), LineError> {
        if *spec != self.spec {
            self.apply(spec, true)?;
            self.spec = spec.clone();
        }
        Ok(())
    }

    fn mask(&mut self, masked: bool) {
        // While it is refused, edges go on coming and the runner drops them, counted.
        let _ = self.apply(&self.spec, !masked);
        self.seen = None;
    }
}

/// How many edges are missing between two numbers of the kernel, which wrap.
fn missing(seen: Option<u32>, next: u32) -> Option<u32> {
    let lost = next.wrapping_sub(seen?.wrapping_add(1));
    (lost != 0).then_some(lost)
}

struct KernelOutput {
    request: Request,
    offset: u32,
    line: String,
}

impl OutputLine for KernelOutput {
    fn set(&self, level: Level) -> Result<(), LineError> {
        self.request.set_lone_value(to_value(level)).map_err(|e| failed(&self.line, "drive", &e))
    }

    fn reconfigure(&self, spec: &OutputSpec, level: Level) -> Result<(), LineError> {
        let mut config = Config::default();
        config.with_line(self.offset);
        configure_output(&mut config, spec, level);
        self.request.reconfigure(&config).map_err(|e| failed(&self.line, "reconfigure", &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_in_the_kernels_numbers_counts_even_where_they_wrap() {
        assert_eq!(missing(None, 7), None);
        assert_eq!(missing(Some(7), 8), None);
        assert_eq!(missing(Some(7), 11), Some(3));
        assert_eq!(missing(Some(u32::MAX), 0), None);
        assert_eq!(missing(Some(u32::MAX - 1), 1), Some(2));
    }

    fn board(chips: &[(&str, &[&str])]) -> GpiochipBoard {
        let known = |(i, (label, lines)): (usize, &(&str, &[&str]))| KnownChip {
            path: format!("/dev/gpiochip{i}").into(),
            name: format!("gpiochip{i}"),
            label: (*label).to_owned(),
            lines: lines.iter().map(|name| (*name).to_owned()).collect(),
        };
        GpiochipBoard { chips: chips.iter().enumerate().map(known).collect() }
    }

    #[test]
    fn lines_are_found_by_name_on_any_chip_and_by_offset_on_the_headers() {
        let pi = board(&[("gpio-brcmstb", &["", "PWR_LED"]), ("pinctrl-rp1", &["ID_SDA", "GPIO1", "GPIO2"])]);
        let at = |line: Line| {
            pi.find(&line).map(|(chip, offset)| (chip.name.clone(), offset)).map_err(|e| e.to_string())
        };
        let name = |name: &str| Line::Name(name.into());
        assert_eq!(at(name("GPIO2")), Ok(("gpiochip1".into(), 2)));
        assert_eq!(at(name("PWR_LED")), Ok(("gpiochip0".into(), 1)));
        assert_eq!(at(Line::Offset(1)), Ok(("gpiochip1".into(), 1)));
        assert!(at(Line::Offset(3)).unwrap_err().contains("0 to 2"));
        assert!(at(name("GPI02")).unwrap_err().contains("did you mean GPIO2"));
    }

    #[test]
    fn an_unclear_line_is_refused_with_the_chips_it_could_be_on() {
        let two = board(&[("a", &["X", ""]), ("b", &["X"])]);
        assert!(
            matches!(two.find(&Line::Name("X".into())), Err(LineError::Ambiguous { chips, .. }) if chips == ["gpiochip0 [a]", "gpiochip1 [b]"])
        );
        assert!(matches!(two.find(&Line::Offset(0)), Err(LineError::OffsetNeedsChip { .. })));
    }
}
