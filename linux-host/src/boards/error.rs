//! What can be wrong with a line, told so that a person knows what to do next.

use std::path::PathBuf;
use std::{error, fmt, io};

use super::Line;

/// Why a line or a board cannot be had or used.
#[derive(Debug)]
pub enum LineError {
    /// The machine has no GPIO chips.
    NoChips,
    /// No chip has this name, label or path.
    NoSuchChip {
        /// What the file says.
        wanted: String,
        /// Name and label of those that exist.
        have: Vec<String>,
    },
    /// An offset, and several chips it could be on.
    OffsetNeedsChip {
        /// What the file says.
        line: String,
        /// Name and label of those that exist.
        have: Vec<String>,
    },
    /// No line has this name or offset.
    NoSuchLine {
        /// What the file says.
        line: String,
        /// Where it was looked for.
        searched: String,
        /// Names much like it.
        nearest: Vec<String>,
    },
    /// Several chips have a line of this name.
    Ambiguous {
        /// What the file says.
        line: String,
        /// The chips.
        chips: Vec<String>,
    },
    /// Somebody else holds the line.
    Busy {
        /// What the file says.
        line: String,
        /// The chip.
        chip: String,
        /// Who, if the kernel tells.
        by: Option<String>,
    },
    /// This user may not open the device.
    Forbidden {
        /// The device file.
        path: PathBuf,
        /// The group whose members may.
        group: Option<String>,
    },
    /// The line cannot do what the file wants.
    Unsupported {
        /// What the file says.
        line: String,
        /// What it cannot do.
        what: &'static str,
        /// What the system says.
        why: String,
    },
    /// A read or a write failed.
    Failed {
        /// What the file says.
        line: String,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        why: String,
    },
    /// This program was built without the board.
    NotBuilt {
        /// The board.
        kind: &'static str,
        /// The feature to build it with.
        feature: &'static str,
    },
    /// The system refused something else.
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl LineError {
    /// A line that the program has and nobody could open.
    pub fn not_open(line: &Line) -> Self {
        Self::Failed { line: line.to_string(), what: "use", why: "it is not open".to_owned() }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChips => f.write_str(
                "this machine has no GPIO chips (/dev/gpiochip*): run it on a board that has some, or take the board \
                 kind \"virtual\"",
            ),
            Self::NoSuchChip { wanted, have } if have.is_empty() => {
                write!(f, "no GPIO chip is named, labelled or found at \"{wanted}\"; this machine has none at all")
            }
            Self::NoSuchChip { wanted, have } => {
                write!(f, "no GPIO chip is named, labelled or found at \"{wanted}\"; there are {}", have.join(", "))
            }
            Self::OffsetNeedsChip { line, have } => write!(
                f,
                "line {line} is an offset, and there are several chips ({}): name one with chip = \"...\", or give the \
                 line's name",
                have.join(", ")
            ),
            Self::NoSuchLine { line, searched, nearest } => {
                write!(f, "no line \"{line}\" on {searched}")?;
                if !nearest.is_empty() {
                    write!(f, "; did you mean {}?", nearest.join(" or "))?;
                }
                f.write_str(" (`campanile pins` lists all)")
            }
            Self::Ambiguous { line, chips } => write!(
                f,
                "line \"{line}\" exists on several chips ({}): name one with chip = \"...\"",
                chips.join(", ")
            ),
            Self::Busy { line, chip, by } => {
                write!(f, "line {line} on {chip} is busy: ")?;
                match by.as_deref() {
                    Some(super::CONSUMER) => f.write_str(
                        "a campanile holds it: stop that one first, or restart this one if it has the line under another \
                         name",
                    ),
                    Some(by) => write!(f, "held by \"{by}\"; stop that program or driver, or take another line"),
                    None => f.write_str("another program or driver holds it; stop it, or take another line"),
                }
            }
            Self::Forbidden { path, group } => {
                write!(f, "this user may not open {}", path.display())?;
                match group.as_deref() {
                    Some("root") | None => f.write_str(": run as root, or give the device a group of its own by udev"),
                    Some(group) => write!(
                        f,
                        ": members of the group \"{group}\" may; `sudo usermod -aG {group} $USER` and log in again"
                    ),
                }
            }
            Self::Unsupported { line, what, why } => write!(f, "line {line} cannot be {what}: {why}"),
            Self::Failed { line, what, why } => write!(f, "cannot {what} line {line}: {why}"),
            Self::NotBuilt { kind, feature } => write!(
                f,
                "this campanile was built without the board kind \"{kind}\" (cargo build --features {feature}); \
                 \"gpiochip\" works on every Raspberry Pi"
            ),
            Self::Io { what, source } => write!(f, "cannot {what}: {source}"),
        }
    }
}

impl error::Error for LineError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_say_who_and_what_to_do() {
        let busy =
            LineError::Busy { line: "GPIO14".into(), chip: "gpiochip0".into(), by: Some("spi0 CS0".into()) };
        assert_eq!(
            busy.to_string(),
            "line GPIO14 on gpiochip0 is busy: held by \"spi0 CS0\"; stop that program or driver, or take another line"
        );
        let forbidden = LineError::Forbidden { path: "/dev/gpiochip0".into(), group: Some("gpio".into()) };
        assert!(forbidden.to_string().contains("usermod -aG gpio"), "{forbidden}");
        let none = LineError::NoSuchChip { wanted: "gpiochip7".into(), have: Vec::new() };
        assert!(none.to_string().ends_with("this machine has none at all"), "{none}");
    }
}
