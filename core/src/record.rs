//! Records: the entries of the log, in memory, in the journal and on the link.
//!
//! A raw edge is `[1 L iiiiii][varint dt]`. All others are `[kind][len][varint dt][payload]`, where `len` counts
//! what follows it. `dt` is the time from the record before, in microseconds. The sequence number is implicit.
//! Kinds are append-only; an unknown kind can be stepped over; bytes behind the payload are refused.
//!
//! The host has records of its own, from kind 128 on. Their first byte would read as a raw edge, so they never
//! stand among the engine's: the journal keeps them in groups of their own, which start at [`FIRST_HOST_KIND`].

use crate::decision::Decision;
use crate::id::{InputId, Level, MAX_INPUTS};
use crate::input::Input;
use crate::time::Duration;
use crate::wire::{Reader, Union, Writer};

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

    /// Writes the whole record and gives its length; `None` if `buf` is too short ([`MAX_RECORD`] never is).
    pub fn encode(&self, dt: Duration, buf: &mut [u8]) -> Option<usize> {
        let dt = dt.micros();
        if let Self::Input(Input::Edge { input, level }) = *self {
            return edge(edge_head(input, level), dt, buf);
        }
        let framed = match self {
            Self::Input(input) => frame(dt, buf, input),
            Self::Decision(decision) => frame(dt, buf, decision),
        };
        framed.map(|(_, len)| len)
    }
}

/// Writes a record that is no raw edge. Gives its kind and its length, or `None` if `buf` is too short.
#[inline(always)]
pub(crate) fn frame(dt: u64, buf: &mut [u8], record: &dyn Union) -> Option<(u8, usize)> {
    // The head comes last: one look at the variant gives its payload and its kind.
    let (head, body) = buf.split_first_chunk_mut()?;
    let mut w = Writer::new(body);
    w.varint(dt);
    let kind = record.put_fields(&mut w);
    let len = w.finish()?;
    // The mask takes a check away: no record is as long.
    *head = [kind, u8::try_from(len & 0xff).ok()?];
    Some((kind, len.wrapping_add(HEAD)))
}

/// A short record has at most so many bytes, so that four are left for its time, ...
pub(crate) const SHORT: usize = 16;
/// ... and at most so many of payload.
const SHORT_PAYLOAD: usize = 10;

/// As [`frame`], of a kind that the compiler knows, if the record is a short one.
#[inline(always)]
pub(crate) fn frame_short(dt: u64, buf: &mut [u8; SHORT], record: &impl Union) -> Option<usize> {
    // The payload comes first, into a place of its own: nothing else is written before the record is taken apart, so
    // the compiler sees which one it is, and nothing is left of the match over all kinds.
    let mut payload = [0; SHORT_PAYLOAD];
    let mut w = Writer::new(&mut payload);
    let kind = record.put_fields(&mut w);
    let payload_len = w.finish()?;
    let (head, body) = buf.split_first_chunk_mut()?;
    let mut w = Writer::new(body);
    w.varint(dt);
    let dt_len = w.finish()?;
    *body.get_mut(dt_len..)?.first_chunk_mut()? = payload;
    let len = dt_len.wrapping_add(payload_len);
    *head = [kind, u8::try_from(len).ok()?];
    Some(len.wrapping_add(HEAD))
}

/// Writes a raw edge; as [`frame`] otherwise.
pub(crate) fn edge(head: u8, dt: u64, buf: &mut [u8]) -> Option<usize> {
    let mut w = Writer::new(buf);
    w.u8(head);
    w.varint(dt);
    w.finish()
}

/// The first byte of a raw edge.
pub const fn edge_head(input: InputId, level: Level) -> u8 {
    EDGE | if level.is_on() { EDGE_ON } else { 0 } | (input.0 & EDGE_INPUT)
}

/// A dense number for each kind, for tables of counters; `None` for kinds that the engine does not write. Raw edges are 0.
pub const fn class(kind: u8) -> Option<usize> {
    match kind {
        0..=14 => Some(kind as usize),
        64..=76 => Some((kind as usize).wrapping_sub(49)),
        _ => None,
    }
}
