//! Why a state directory cannot be used. Nothing has been changed then.

use std::{error, fmt, io};

use crate::name::NodeName;
use crate::slots::SlotsError;

/// Why a journal or a cursor cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The system refuses.
    Io {
        /// Which file, empty for the directory.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// A later version of campanile wrote this.
    Newer {
        /// Which file.
        file: String,
        /// Its version.
        version: u16,
        /// The latest version that this binary knows.
        known: u16,
    },
    /// The directory belongs to another node.
    OtherNode {
        /// Whose it is.
        found: NodeName,
        /// Who asked.
        asked: NodeName,
    },
    /// The counter of starts has come to its end.
    TooManyStarts,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { file, source } if file.is_empty() => {
                write!(f, "cannot read the state directory: {source}")
            }
            Self::Io { file, source } => write!(f, "cannot open {file} in the state directory: {source}"),
            Self::Newer { file, version, known } => write!(
                f,
                "{file} was written by a later campanile (format {version}, this one knows up to {known}) and is left \
                 as it is: run the later version, or choose another directory with --state"
            ),
            Self::OtherNode { found, asked } => write!(
                f,
                "the state directory belongs to the node {found}, not to {asked}: give the node its old name back, or \
                 choose another directory with --state"
            ),
            Self::TooManyStarts => {
                write!(f, "the counter of starts is used up: choose another directory with --state")
            }
        }
    }
}

impl error::Error for OpenError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<SlotsError> for OpenError {
    fn from(error: SlotsError) -> Self {
        match error {
            SlotsError::Io(file, source) => Self::Io { file, source },
            SlotsError::Newer(file, version) => Self::Newer { file, version, known: crate::slots::VERSION },
        }
    }
}
