//! The image: a program in bytes. A magic number, a version, the counts, the hash of the names, the parts in the
//! form of [`wire`](crate::wire), the code as it is, and a checksum over everything before it. That form is postcard's, with
//! which the tests read and write images; only numbers with superfluous zero bytes, which postcard takes, are refused here.
//! Golden bytes are in the tests.
//!
//! The reader decodes part by part, so that a program needs no second place in memory.

use crc::{CRC_32_ISO_HDLC, CRC_64_XZ, Crc, NoTable};

use super::Parts;
use super::refusal::{LoadError, What};
use crate::wire::{Reader, Wire, Writer, wire_struct};

/// The first bytes of every image.
pub const MAGIC: [u8; 4] = *b"CmpP";
/// The version of this form. A reader refuses any other.
pub const VERSION: u8 = 1;

const CHECKSUM: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);
const HASH: Crc<u64, NoTable> = Crc::<u64, NoTable>::new(&CRC_64_XZ);
const CHECKSUM_LEN: usize = 4;

/// The name of an image: what `Install` and `Boot` records carry.
pub fn hash(image: &[u8]) -> u64 {
    HASH.checksum(image)
}

/// How many there are of each part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counts {
    /// Inputs.
    pub inputs: u8,
    /// Outputs.
    pub outputs: u8,
    /// Sensors.
    pub sensors: u8,
    /// Variables.
    pub variables: u8,
    /// Triggers.
    pub triggers: u8,
    /// Schedules.
    pub schedules: u8,
    /// Scenarios.
    pub scenarios: u8,
    /// Bytes of code.
    pub code: u16,
}

wire_struct!(Counts { inputs, outputs, sensors, variables, triggers, schedules, scenarios, code });

/// Writes the image of `parts` into `buf` and gives its length.
///
/// # Errors
/// `TooMany` if a part has more items than an id can name, `Truncated` if `buf` is too short.
pub fn encode(parts: &Parts<'_>, buf: &mut [u8]) -> Result<usize, LoadError> {
    let counts = Counts {
        inputs: count(What::Inputs, parts.inputs.len())?,
        outputs: count(What::Outputs, parts.outputs.len())?,
        sensors: count(What::Sensors, parts.sensors.len())?,
        variables: count(What::Variables, parts.variables.len())?,
        triggers: count(What::Triggers, parts.triggers.len())?,
        schedules: count(What::Schedules, parts.schedules.len())?,
        scenarios: count(What::Scenarios, parts.scenarios.len())?,
        code: u16::try_from(parts.code.len()).map_err(|_| LoadError::TooMany {
            what: What::Code,
            have: u16::MAX,
            max: u16::MAX,
        })?,
    };
    let mut w = Writer::new(buf);
    w.bytes(&MAGIC);
    w.u8(VERSION);
    counts.put(&mut w);
    parts.names.put(&mut w);
    put_all(parts.inputs, &mut w);
    put_all(parts.outputs, &mut w);
    put_all(parts.sensors, &mut w);
    put_all(parts.variables, &mut w);
    put_all(parts.triggers, &mut w);
    put_all(parts.schedules, &mut w);
    put_all(parts.scenarios, &mut w);
    w.bytes(parts.code);
    let covered = w.finish().ok_or(LoadError::Truncated)?;
    let (body, rest) = buf.split_at_mut_checked(covered).ok_or(LoadError::Truncated)?;
    let sum = rest.first_chunk_mut::<CHECKSUM_LEN>().ok_or(LoadError::Truncated)?;
    *sum = CHECKSUM.checksum(body).to_le_bytes();
    Ok(covered.saturating_add(CHECKSUM_LEN))
}

fn put_all<T: Wire>(items: &[T], w: &mut Writer<'_>) {
    items.iter().for_each(|item| item.put(w));
}

fn count(what: What, have: usize) -> Result<u8, LoadError> {
    u8::try_from(have).map_err(|_| LoadError::TooMany {
        what,
        have: u16::try_from(have).unwrap_or(u16::MAX),
        max: u16::from(u8::MAX),
    })
}

/// An image whose frame is whole: magic, version, counts and checksum. Its parts come one after the other.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    /// How many there are of each part.
    pub counts: Counts,
    rest: Reader<'a>,
}

impl<'a> Image<'a> {
    /// Checks the frame.
    ///
    /// # Errors
    /// `NotAnImage`, `Version`, `Truncated` or `Checksum`.
    pub fn open(bytes: &'a [u8]) -> Result<Self, LoadError> {
        let (magic, rest) = bytes.split_first_chunk().ok_or(LoadError::NotAnImage)?;
        if *magic != MAGIC {
            return Err(LoadError::NotAnImage);
        }
        let (&version, rest) = rest.split_first().ok_or(LoadError::Truncated)?;
        if version != VERSION {
            return Err(LoadError::Version { have: version, want: VERSION });
        }
        let (rest, sum) = rest.split_last_chunk::<CHECKSUM_LEN>().ok_or(LoadError::Truncated)?;
        let covered = bytes.len().saturating_sub(CHECKSUM_LEN);
        if CHECKSUM.checksum(bytes.get(..covered).unwrap_or_default()) != u32::from_le_bytes(*sum) {
            return Err(LoadError::Checksum);
        }
        let mut image = Self { counts: Counts::default(), rest: Reader::new(rest) };
        image.counts = image.part();
        // The engine has no use for names; they only make another program of the image.
        image.part::<u32>();
        image.whole()?;
        Ok(image)
    }

    /// Takes the next item. If the bytes are none it is anything, and [`whole`](Self::whole) tells.
    pub(crate) fn part<T: Wire>(&mut self) -> T {
        T::read(&mut self.rest)
    }

    /// Whether all that was taken was there.
    pub(crate) const fn whole(&self) -> Result<(), LoadError> {
        if self.rest.failed() { Err(LoadError::Truncated) } else { Ok(()) }
    }

    /// Takes the next item. The caller knows from the counts which type it has.
    ///
    /// # Errors
    /// `Truncated` if the bytes are none.
    pub fn item<T: Wire>(&mut self) -> Result<T, LoadError> {
        let item = self.part();
        self.whole().map(|()| item)
    }

    /// Takes the code, which is all that is left.
    ///
    /// # Errors
    /// `Truncated` or `TrailingBytes` if it is not as long as the counts say.
    pub fn code(self) -> Result<&'a [u8], LoadError> {
        self.whole()?;
        let want = usize::from(self.counts.code);
        let rest = self.rest.rest();
        match rest.len() {
            have if have < want => Err(LoadError::Truncated),
            have if have > want => Err(LoadError::TrailingBytes),
            _ => Ok(rest),
        }
    }
}
