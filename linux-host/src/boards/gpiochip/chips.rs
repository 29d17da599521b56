//! The machine's chips, and which line is meant by a name or an offset.

use std::path::{Path, PathBuf};

use gpiocdev::Chip;

use super::group;
use crate::boards::{Line, LineError};
use crate::nearest::near;

/// The header's chip on every Raspberry Pi has a label that begins so, whatever its number.
const HEADER_LABEL: &str = "pinctrl-";

/// One chip and the names of its lines.
pub(super) struct KnownChip {
    pub(super) path: PathBuf,
    pub(super) name: String,
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

    pub(super) fn title(&self) -> String {
        format!("{} [{}]", self.name, self.label)
    }

    fn is_called(&self, wanted: &str) -> bool {
        wanted == self.name || wanted == self.label || Path::new(wanted) == self.path
    }
}

/// One chip, or all.
pub(super) struct Chips(pub(super) Vec<KnownChip>);

impl Chips {
    /// See [`GpiochipBoard::open`](super::GpiochipBoard::open).
    pub(super) fn open(wanted: &str) -> Result<Self, LineError> {
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
                _ => Ok(Self(chips)),
            };
        }
        // A path may be a link that udev made.
        let target = std::fs::canonicalize(wanted).ok();
        let have = chips.iter().map(KnownChip::title).collect();
        match chips.into_iter().find(|chip| chip.is_called(wanted) || target.as_ref() == Some(&chip.path)) {
            Some(chip) => Ok(Self(vec![chip])),
            None => Err(refused.unwrap_or_else(|| LineError::NoSuchChip { wanted: wanted.to_owned(), have })),
        }
    }

    /// The chip and offset of a line: by name on any chip, by offset where it is clear which chip is meant.
    pub(super) fn find(&self, line: &Line) -> Result<(&KnownChip, u32), LineError> {
        match line {
            Line::Name(name) => self.find_name(name),
            Line::Offset(offset) => self.find_offset(*offset),
        }
    }

    /// See [`Board::place`](crate::boards::Board::place).
    pub(super) fn place(&self, line: &Line) -> Option<String> {
        let (chip, offset) = self.find(line).ok()?;
        Some(format!("{} {offset}", chip.path.display()))
    }

    fn find_name(&self, name: &str) -> Result<(&KnownChip, u32), LineError> {
        let place = |chip: &KnownChip| chip.lines.iter().position(|other| other == name);
        let found: Vec<_> =
            self.0.iter().filter_map(|chip| Some((chip, u32::try_from(place(chip)?).ok()?))).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(LineError::NoSuchLine {
                line: name.to_owned(),
                searched: self.titles().join(", "),
                nearest: near(name, self.0.iter().flat_map(|chip| chip.lines.iter().map(String::as_str)))
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
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
        let chip = match self.0.as_slice() {
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
        self.0.iter().map(KnownChip::title).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn board(chips: &[(&str, &[&str])]) -> Chips {
        let known = |(i, (label, lines)): (usize, &(&str, &[&str]))| KnownChip {
            path: format!("/dev/gpiochip{i}").into(),
            name: format!("gpiochip{i}"),
            label: (*label).to_owned(),
            lines: lines.iter().map(|name| (*name).to_owned()).collect(),
        };
        Chips(chips.iter().enumerate().map(known).collect())
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
        assert_eq!(pi.place(&name("GPIO2")), pi.place(&Line::Offset(2)));
        assert_ne!(pi.place(&name("PWR_LED")), pi.place(&Line::Offset(1)), "another chip's");
        assert_eq!(pi.place(&name("GPI02")), None);
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
