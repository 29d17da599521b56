//! A satellite's program: what its engine loads, with its names, and as it goes over the link.

use std::fmt;

use campanile_core::id::Level;
use campanile_core::link::Hello;
use campanile_core::link::bundle::{self, Input, LINE_MAX, Output, Pull, encode};
use campanile_core::program::image;
use campanile_core::program::verify::{LoadError, verify};

use crate::StoredProgram;
use crate::symbols::{self, Active, Drive, Symbols};

/// See the [module](self).
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The hash of the image.
    pub(super) hash: u64,
    pub(super) image: Vec<u8>,
    pub(super) symbols: Symbols,
    /// The image and its lines.
    pub(super) bundle: Vec<u8>,
    /// What [`bundle`](Self::bundle) is called over the link.
    pub(super) bundle_hash: u64,
}

/// A program asks for something that no satellite has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbundled {
    /// A line with a name that is too long.
    LongLine(String),
    /// An output that is not driven push-pull.
    Drive(String),
    /// More than 255 of a kind, or more than 65,535 bytes.
    TooMuch,
}

impl fmt::Display for Unbundled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LongLine(line) => {
                write!(f, "the line \"{line}\" has a name of more than {LINE_MAX} characters")
            }
            Self::Drive(output) => write!(f, "{output}: microcontrollers drive their lines push-pull only"),
            Self::TooMuch => write!(f, "it has too many lines"),
        }
    }
}

impl std::error::Error for Unbundled {}

/// Why a program does not fit into a satellite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It takes more bytes than it has room for.
    Bundle {
        /// So many.
        bytes: usize,
        /// For so many there is room.
        max: usize,
    },
    /// Its engine would refuse it.
    Program(LoadError),
}

impl Program {
    /// Makes one of an image and its names. `safe_without_link`: whether each output takes its safe level when the link
    /// dies over which it was switched.
    ///
    /// # Errors
    /// [`Unbundled`]: it cannot go to a satellite.
    pub fn new(image: &[u8], symbols: &Symbols, safe_without_link: &[bool]) -> Result<Self, Unbundled> {
        let bundle = bundled(image, symbols, safe_without_link)?;
        Ok(Self {
            hash: image::hash(image),
            image: image.to_vec(),
            symbols: symbols.clone(),
            bundle_hash: bundle::hash(&bundle),
            bundle,
        })
    }

    /// The hash of the image, which records name.
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// What the engine loads.
    pub fn image(&self) -> &[u8] {
        &self.image
    }

    /// The names of its ids.
    pub const fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// As it goes over the link.
    pub fn bundle(&self) -> &[u8] {
        &self.bundle
    }

    pub(super) fn bundle_len(&self) -> u16 {
        u16::try_from(self.bundle.len()).unwrap_or(u16::MAX)
    }

    /// Whether it fits into a satellite.
    pub(super) fn fits(&self, hello: &Hello<'_>) -> Result<(), Misfit> {
        let (bytes, max) = (self.bundle.len(), usize::from(hello.bundle_max));
        if bytes > max {
            return Err(Misfit::Bundle { bytes, max });
        }
        verify(&self.image, &hello.room).map(drop).map_err(Misfit::Program)
    }

    pub(super) fn stored(&self) -> StoredProgram {
        StoredProgram { image: self.image.clone(), symbols: self.symbols.encode() }
    }
}

fn bundled(image: &[u8], symbols: &Symbols, safe_without_link: &[bool]) -> Result<Vec<u8>, Unbundled> {
    let lines = symbols.inputs.iter().map(|input| input.line.to_string());
    let input_lines: Vec<String> = lines.collect();
    let output_lines: Vec<String> = symbols.outputs.iter().map(|output| output.line.to_string()).collect();
    if let Some(long) = input_lines.iter().chain(&output_lines).find(|line| line.len() > LINE_MAX) {
        return Err(Unbundled::LongLine(long.clone()));
    }
    if let Some(output) = symbols.outputs.iter().find(|output| output.drive != Drive::PushPull) {
        return Err(Unbundled::Drive(output.name.clone()));
    }
    let inputs = symbols.inputs.iter().zip(&input_lines).map(|(input, line)| Input {
        line,
        active_low: input.active == Active::Low,
        pull: pull(input.pull),
    });
    let safe_without_link = safe_without_link.iter().copied().chain(std::iter::repeat(false));
    let outputs = symbols.outputs.iter().zip(&output_lines).zip(safe_without_link).map(
        |((output, line), safe_without_link)| Output {
            line,
            active_low: output.active == Active::Low,
            safe_on: output.safe == Level::On,
            safe_without_link,
        },
    );
    // An exact size is asked for, and an endless tail has none.
    let outputs: Vec<Output<'_>> = outputs.collect();
    let mut bytes = vec![0; 65_536];
    let len = encode(inputs, outputs.into_iter(), &mut bytes).ok_or(Unbundled::TooMuch)?;
    bytes.truncate(len);
    bytes.extend_from_slice(image);
    if bytes.len() > usize::from(u16::MAX) { Err(Unbundled::TooMuch) } else { Ok(bytes) }
}

const fn pull(pull: symbols::Pull) -> Pull {
    match pull {
        symbols::Pull::Up => Pull::Up,
        symbols::Pull::Down => Pull::Down,
        symbols::Pull::None | symbols::Pull::AsIs => Pull::None,
    }
}
