//! Records: the entries of the log, in memory, in the journal and on the link.
//!
//! A raw edge is `[1 L iiiiii][varint dt]`. All others are `[kind][len][varint dt][payload]`, where `len` counts
//! what follows it. `dt` is the time from the record before, in microseconds. The sequence number is implicit.
//! Kinds are append-only; an unknown kind can be stepped over; bytes behind the payload are refused.
//!
//! The host has records of its own, from kind 128 on. Their first byte would read as a raw edge, so they never
//! stand among the engine's: the journal keeps them in groups of their own, which start at [`FIRST_HOST_KIND`].

use core::num::NonZero;

use crate::decision::Decision;
use crate::id::{InputId, Level, MAX_INPUTS};
use crate::input::Input;
use crate::time::Duration;
use crate::wire::{Place, Reader, varint};

/// The revision of the engine's behaviour. A change that alters any golden log raises it.
pub const CORE_REV: u16 = 1;

/// No record is longer than this, its head included.
pub const MAX_RECORD: usize = 96;

/// Kind and length of a record that is no raw edge.
const HEAD: usize = 2;

/// Kinds from here on are the host's own: the engine neither writes nor reads them.
pub const FIRST_HOST_KIND: u8 = 128;

/// How many different records the engine writes, raw edges included; see [`class`].
pub const CLASSES: usize = 28;

/// In the first byte: this is a raw edge.
const EDGE: u8 = 0x80;
/// In the first byte of a raw edge: its level.
const EDGE_ON: u8 = 0x40;
/// In the first byte of a raw edge: its input.
const EDGE_INPUT: u8 = 0x3f;
const _: () = assert!(MAX_INPUTS <= EDGE_INPUT as usize + 1, "a raw edge has six bits for its input");

/// Kinds from here on, and before the host's, are decisions; those before are inputs.
pub const FIRST_DECISION: u8 = 64;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Record {
    /// What came in; a replay feeds it.
    Input(Input),
    /// What was decided; a replay must produce it.
    Decision(Decision),
}

/// One record of a byte stream, taken apart as far as its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    head: u8,
    /// Time from the record before.
    pub dt: Duration,
    payload: &'a [u8],
    /// The record's bytes, head and all.
    pub bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Takes the first record off `bytes` and gives the rest; `None` if they do not start with a whole one.
    pub fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut r = Reader::new(bytes);
        let head = r.u8()?;
        let (dt, payload) = if head & EDGE != 0 {
            (r.varint()?, [].as_slice())
        } else {
            let len = r.u8()?;
            let mut body = Reader::new(r.bytes(usize::from(len))?);
            (body.varint()?, body.rest())
        };
        let (bytes, rest) = bytes.split_at_checked(bytes.len().checked_sub(r.rest().len())?)?;
        Some((Self { head, dt: Duration::from_micros(dt), payload, bytes }, rest))
    }

    /// The record's kind: 0 for a raw edge.
    pub const fn kind(&self) -> u8 {
        if self.head & EDGE != 0 { 0 } else { self.head }
    }

    /// What the record says; `None` if its kind is unknown or its payload is not what the kind says.
    pub fn record(&self) -> Option<Record> {
        if self.head & EDGE != 0 {
            let level = Level::from_bool(self.head & EDGE_ON != 0);
            return Some(Record::Input(Input::Edge { input: InputId(self.head & EDGE_INPUT), level }));
        }
        if self.head == 0 {
            return None;
        }
        let mut r = Reader::new(self.payload);
        let record = if self.head < FIRST_DECISION {
            Record::Input(Input::read_fields(self.head, &mut r))
        } else {
            Record::Decision(Decision::read_fields(self.head, &mut r))
        };
        r.checked(record).filter(|_| r.is_empty())
    }
}

impl Record {
    /// The record's kind: 0 for a raw edge.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Input(input) => input.tag(),
            Self::Decision(decision) => decision.tag(),
        }
    }

    /// Writes the whole record and gives its length; `None` if `buf` is too short for the longest record of its sort: a raw edge,
    /// another input, or a decision. [`MAX_RECORD`] bytes always suffice, also where fewer would do for this one.
    pub fn encode(&self, dt: Duration, buf: &mut [u8]) -> Option<usize> {
        let dt = dt.micros();
        if let Self::Input(Input::Edge { input, level }) = *self {
            return edge(edge_head(input, level), dt, buf);
        }
        let framed = match self {
            Self::Input(record) => frame(dt, buf, record),
            Self::Decision(record) => frame(dt, buf, record),
        };
        framed.map(|(len, _)| len)
    }
}

/// The most bytes of a varint, and so of a record's time.
const VARINT: usize = 10;

/// A raw edge has at most so many bytes.
pub(crate) const EDGE_MAX: usize = 1 + VARINT;

/// The most bytes of an input behind its time: a `Restore` of a watcher.
const INPUT_MAX: usize = 52;

/// The most bytes of a decision behind its time: a `Send` of four values.
const DECISION_MAX: usize = 36;

/// The longest record that the engine writes.
pub(crate) const LONGEST: usize = HEAD + VARINT + INPUT_MAX;
const _: () = assert!(LONGEST <= MAX_RECORD && DECISION_MAX <= INPUT_MAX, "see there");

/// What stands behind a record's time.
pub(crate) trait Payload {
    /// Writes the fields to the start of `place`, and gives how much of it is left, and the record's kind. `None` if `place` has
    /// no room for the longest that there is: so it is asked once.
    fn write(&self, place: &mut [u8]) -> Option<(usize, NonZero<u8>)>;
}

macro_rules! payload {
    ($($ty:ident: $longest:expr),*) => {$(
        impl Payload for $ty {
            #[cfg_attr(not(feature = "small"), inline(always))]
            fn write(&self, place: &mut [u8]) -> Option<(usize, NonZero<u8>)> {
                if place.len() < $longest {
                    return None;
                }
                let mut w = Place::new(place);
                let kind = self.put_fields(&mut w);
                Some((w.left(), NonZero::new(kind)?))
            }
        }
    )*};
}
payload!(Input: INPUT_MAX, Decision: DECISION_MAX);

/// Writes a record that is no raw edge, and gives its length and its kind; `None` if `buf` may be too short for one.
#[inline(always)]
pub(crate) fn frame(
    dt: u64,
    buf: &mut [u8],
    record: &(impl Payload + ?Sized),
) -> Option<(usize, NonZero<u8>)> {
    let room = buf.len();
    // Most records have the time of the one before.
    let (head, body) = if dt < 0x80 {
        let ([kind, len, place], body) = buf.split_first_chunk_mut()?;
        *place = (dt & 0x7f) as u8;
        ([kind, len], body)
    } else {
        let ([kind, len], rest) = buf.split_first_chunk_mut()?;
        ([kind, len], varint(rest, dt))
    };
    // The head comes last: one look at the variant gives its payload and its kind.
    let (left, kind) = record.write(body)?;
    let len = room.wrapping_sub(left);
    let [place_of_kind, place_of_len] = head;
    // The mask takes a check away: no record is as long.
    *place_of_kind = kind.get();
    *place_of_len = u8::try_from(len.wrapping_sub(HEAD) & 0xff).ok()?;
    Some((len, kind))
}

/// Writes a raw edge, and gives its length; `None` if `buf` may be too short for one.
#[inline(always)]
pub(crate) fn edge(head: u8, dt: u64, buf: &mut [u8]) -> Option<usize> {
    let buf: &mut [u8; EDGE_MAX] = buf.first_chunk_mut()?;
    let [place, rest @ ..] = buf;
    *place = head;
    Some(EDGE_MAX.wrapping_sub(varint(rest, dt).len()))
}

/// The first byte of a raw edge.
pub const fn edge_head(input: InputId, level: Level) -> u8 {
    EDGE | if level.is_on() { EDGE_ON } else { 0 } | (input.0 & EDGE_INPUT)
}

/// [`class`] of a decision.
pub(crate) const fn decision_class(kind: u8) -> usize {
    (kind as usize).wrapping_sub(49)
}

/// A dense number for each kind, for tables of counters; `None` for kinds that the engine does not write. Raw edges are 0.
pub const fn class(kind: u8) -> Option<usize> {
    match kind {
        0..=14 => Some(kind as usize),
        64..=76 => Some(decision_class(kind)),
        _ => None,
    }
}
