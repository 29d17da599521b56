//! Groups: what one commit writes. Whole records under one checksum, which also covers the segment and the offset, so
//! that neither a stale block of a recycled segment nor a misplaced one ever passes.
//!
//! ```text
//! group  = len:varint head:u8 count:varint [anchor] records crc:u32le      len counts head to records
//! head   = kind (bits 0, 1: 0 engine, 1 host, 2 checkpoint) | anchored (bit 2) | check (bits 3 to 7)
//! anchor = counter:varint random:u32le seq:varint host:varint time:varint program:u64le
//! ```
//! A group without an anchor goes on where the one before it ended. An anchor says which place, time and program are
//! before the first record; it stands at the start of a segment, after every break and once a KiB, so that what follows
//! damage can be placed and understood again. A `len` of 0 is the end.

use campanile_core::time::{Duration, Instant};
use campanile_core::wire::Reader;

use crate::checksum::CRC32C;
use crate::host::{get_position, put_position, put_varint};
use crate::position::{Mark, Position};

/// The most bytes of records in a group.
pub(crate) const MAX_BODY: usize = 32 * 1024;

/// The most bytes of a group beside its records.
pub(crate) const MAX_HEAD: u32 = 64;

/// The most bytes of a whole group.
pub(crate) const MAX_GROUP: usize = MAX_BODY + MAX_HEAD as usize;

/// An anchor comes again once this many bytes have followed the last one.
pub(crate) const ANCHOR_EVERY: u32 = 1024;

const ANCHORED: u8 = 0b100;

/// What a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Records of the engine's log.
    Engine = 0,
    /// Records of the host's own.
    Host = 1,
    /// A checkpoint: the state as `Restore` records. It counts as one record of the host's.
    Checkpoint = 2,
}

/// A group in memory.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub kind: Kind,
    /// Before the first record.
    pub start: Mark,
    /// After the last record.
    pub end: Mark,
    pub count: u64,
    pub body: Vec<u8>,
    /// The group says which records before it are missing, so nobody needs to wonder.
    pub explains: Option<Loss>,
    /// The program active before the first record.
    pub program: u64,
}

/// Records that are missing in front of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    /// The first number missing.
    pub from: u64,
    /// The place of the last one.
    pub to: Position,
    /// How many of the engine's records.
    pub count: u64,
}

impl Loss {
    /// This loss and one behind it.
    pub(crate) fn and(self, behind: Self) -> Self {
        Self { from: self.from, to: behind.to, count: self.count + behind.count }
    }
}

impl Group {
    /// Appends the group as it stands at `offset` of a segment.
    pub(crate) fn encode(&self, segment: u64, offset: u32, anchored: bool, out: &mut Vec<u8>) {
        let mut head = Vec::with_capacity(40);
        put_varint(&mut head, self.count);
        if anchored {
            put_position(&mut head, self.start.at);
            put_varint(&mut head, self.start.time.micros());
            head.extend_from_slice(&self.program.to_le_bytes());
        }
        let from = out.len();
        let len = 1 + head.len() + self.body.len();
        put_varint(out, len as u64);
        out.push(self.kind as u8 | if anchored { ANCHORED } else { 0 } | check(segment, offset, len));
        out.extend_from_slice(&head);
        out.extend_from_slice(&self.body);
        let crc = checksum(segment, offset, &out[from..]);
        out.extend_from_slice(&crc.to_le_bytes());
    }
}

/// What a group says of itself, so that it can be read without those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// Before the first record.
    pub start: Mark,
    /// The program active there; 0 if none.
    pub program: u64,
}

/// A group on disk, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    pub kind: Kind,
    /// What is before the first record, if the group says so itself.
    pub anchor: Option<Anchor>,
    pub count: u64,
    pub body: &'a [u8],
    /// Bytes on disk.
    pub size: u32,
}

impl Block<'_> {
    /// Where the group begins, if the one before it ended at `chain`; `None` if nobody can say.
    pub(crate) fn start(&self, chain: Option<Mark>) -> Option<Mark> {
        self.anchor.map(|anchor| anchor.start).or(chain)
    }

    /// Where the group ends.
    pub(crate) fn end(&self, start: Mark) -> Mark {
        match self.kind {
            Kind::Engine => {
                let at = Position { seq: start.at.seq.saturating_add(self.count), ..start.at };
                let spent = Frames(self.body).fold(Duration::ZERO, |sum, frame| sum.plus(frame.dt));
                Mark { at, time: start.time.plus(spent) }
            }
            Kind::Host | Kind::Checkpoint => {
                let at = Position { host: start.at.host.saturating_add(self.count), ..start.at };
                Mark { at, ..start }
            }
        }
    }
}

/// What the bytes at an offset are.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Group(Block<'a>),
    /// A zero byte: nothing was written here.
    End,
    /// No group, or one that was not written here.
    Bad,
}

/// Reads what is at `offset` of a segment; `bytes` begin there and reach as far as the group or the segment does.
pub(crate) fn decode(bytes: &[u8], segment: u64, offset: u32) -> Found<'_> {
    if bytes.first() == Some(&0) {
        return Found::End;
    }
    parse(bytes, segment, offset).map_or(Found::Bad, Found::Group)
}

fn parse(bytes: &[u8], segment: u64, offset: u32) -> Option<Block<'_>> {
    let mut r = Reader::new(bytes);
    let len = usize::try_from(r.varint()?).ok().filter(|&n| n <= MAX_GROUP)?;
    let head = *r.rest().first()?;
    // Checked before the checksum, so that a search through arbitrary bytes computes few of them.
    if head & 0xf8 != check(segment, offset, len) {
        return None;
    }
    let mut inner = Reader::new(r.bytes(len)?);
    let covered = bytes.len() - r.rest().len();
    let crc = u32::from_le_bytes(r.bytes(4)?.try_into().ok()?);
    if crc != checksum(segment, offset, &bytes[..covered]) {
        return None;
    }
    inner.u8()?;
    let kind = match head & 0b11 {
        0 => Kind::Engine,
        1 => Kind::Host,
        2 => Kind::Checkpoint,
        _ => return None,
    };
    let count = inner.varint()?;
    let anchor = if head & ANCHORED != 0 {
        let at = get_position(&mut inner)?;
        let start = Mark { at, time: Instant::from_micros(inner.varint()?) };
        Some(Anchor { start, program: u64::from_le_bytes(inner.bytes(8)?.try_into().ok()?) })
    } else {
        None
    };
    Some(Block { kind, anchor, count, body: inner.rest(), size: covered as u32 + 4 })
}

/// Five bits in place, from all that a group's head depends on.
fn check(segment: u64, offset: u32, len: usize) -> u8 {
    let mixed = (segment as u32 ^ offset.rotate_left(16) ^ len as u32).wrapping_mul(0x9e37_79b1);
    (mixed >> 24) as u8 & 0xf8
}

fn checksum(segment: u64, offset: u32, bytes: &[u8]) -> u32 {
    let mut digest = CRC32C.digest();
    digest.update(&segment.to_le_bytes());
    digest.update(&offset.to_le_bytes());
    digest.update(bytes);
    digest.finalize()
}

/// The frames of a body; ends where they end.
pub(crate) struct Frames<'a>(pub &'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = campanile_core::record::Frame<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (frame, rest) = campanile_core::record::Frame::split(self.0)?;
        self.0 = rest;
        Some(frame)
    }
}

#[cfg(test)]
mod tests;
