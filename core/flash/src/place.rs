//! Places in the log, and what is found there.

use campanile_core::record::Frame;
use campanile_core::time::Instant;
use campanile_core::wire::{Reader, Wire as _, Writer};

use crate::entry::{self, Entry};

/// A place in the log: between two records. Later ones are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Turns of pages up to its own, which begin with 1.
    pub(crate) turn: u32,
    /// Of the entry that it is at, in the page.
    pub(crate) offset: usize,
    /// Bytes of records of that entry that are behind it.
    pub(crate) inside: usize,
    /// The start that it belongs to; 0 for none.
    pub boot: u64,
    /// The number of the next record.
    pub seq: u64,
    /// The time of the record before it.
    pub at: Instant,
}

/// A start of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its number: a counter, and 32 random bits below it.
    pub boot: u64,
    /// What runs.
    pub of: Of,
}

/// A start that a house knows by another number than its own. That of none is 0, which no start has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its own number.
    pub boot: u64,
    /// What the house calls it.
    pub number: u64,
}

/// What a log is a function of, besides its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Of {
    /// The hash of the program's image.
    pub program: u64,
    /// The revision of the engine.
    pub core_rev: u16,
}

/// A piece of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State<'a> {
    /// `Restore` items in a row.
    pub items: &'a [u8],
    /// Which of a checkpoint's pieces it is, from 0 on: none is missing in one that counts.
    pub index: u16,
    /// It begins a checkpoint, and of what; only the piece with index 0 does.
    pub first: Option<Of>,
    /// It ends one.
    pub last: bool,
    /// Not all of the state, but what outlived the start before, as the next one shall have it.
    pub outlived: bool,
}

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A start; its records follow.
    Start(Start),
    /// Whole records in a row.
    Records(&'a [u8]),
    /// A piece of a checkpoint.
    State(State<'a>),
    /// So many records were made that the flash did not take.
    Lost {
        /// How many.
        count: u64,
    },
    /// A house has given a start another number.
    Named(Named),
}

const FIRST: u8 = 1;
const LAST: u8 = 2;
const OUTLIVED: u8 = 4;

/// The form of a page's first entry.
const VERSION: u8 = 1;

/// The bytes in front of a piece of a checkpoint, at most.
pub(crate) const STATE_HEAD: usize = 14;

impl Place {
    /// Takes the entry at this place: what it says, and the place behind it. `None` if it is none that is known, and what
    /// follows it on its page is lost with it.
    pub(crate) fn take<'a>(self, entry: &Entry<'a>) -> Option<(Item<'a>, Self)> {
        let mut r = Reader::new(entry.payload);
        let behind = Self { offset: self.offset + entry.size, inside: 0, ..self };
        match entry.kind {
            entry::START => {
                let start = Start { boot: r.varint()?, of: Of::get(&mut r)? };
                Some((Item::Start(start), Self { boot: start.boot, seq: 1, at: Instant::ZERO, ..behind }))
            }
            entry::RECORDS => {
                let bytes = entry.payload.get(self.inside..)?;
                let (seq, at) = count(bytes, self.seq, self.at);
                Some((Item::Records(bytes), Self { seq, at, ..behind }))
            }
            entry::STATE => {
                let flags = r.u8()?;
                let (index, first) = match flags & FIRST {
                    0 => (u16::get(&mut r)?, None),
                    _ => (0, Some(Of::get(&mut r)?)),
                };
                let (last, outlived) = (flags & LAST != 0, flags & OUTLIVED != 0);
                Some((Item::State(State { items: r.rest(), index, first, last, outlived }), behind))
            }
            entry::LOST => {
                let (seq, at) = (r.varint()?, Instant::get(&mut r)?);
                Some((Item::Lost { count: seq.saturating_sub(self.seq) }, Self { seq, at, ..behind }))
            }
            entry::NAMED => Some((Item::Named(Named::get(&mut r)?), behind)),
            _ => None,
        }
    }

    /// The page that turn begins with, if it is whole and in its place; the place is behind its head. And the start that had
    /// been named last by then.
    pub(crate) fn of_page(page: &[u8], unit: usize) -> Option<(Self, Named)> {
        let turn = u32::from_le_bytes(*page.get(7..)?.first_chunk()?);
        let head = entry::read(page, 0, turn, unit).filter(|entry| entry.kind == entry::PAGE)?;
        let mut r = Reader::new(head.payload);
        if r.u8()? != VERSION {
            return None;
        }
        r.bytes(4)?;
        let (boot, seq, at) = (r.varint()?, r.varint()?, Instant::get(&mut r)?);
        let named = if r.is_empty() { Named::default() } else { Named::get(&mut r)? };
        if !r.is_empty() {
            return None;
        }
        Some((Self { turn, offset: head.size, inside: 0, boot, seq, at }, named))
    }

    /// The payload of the page's first entry.
    pub(crate) fn put_page(&self, named: Named, w: &mut Writer<'_>) {
        w.u8(VERSION);
        w.bytes(&self.turn.to_le_bytes());
        w.varint(self.boot);
        w.varint(self.seq);
        self.at.put(w);
        if named != Named::default() {
            named.put(w);
        }
    }

    /// Steps over records of the entry that it is at, up to the one with this number.
    pub(crate) fn step_to(mut self, bytes: &[u8], seq: u64) -> Self {
        let mut rest = bytes;
        while self.seq < seq
            && let Some((frame, behind)) = Frame::split(rest)
        {
            self.inside += frame.bytes.len();
            (self.seq, self.at, rest) = (self.seq + 1, self.at.plus(frame.dt), behind);
        }
        self
    }
}

/// The number behind records, and the time of the last.
fn count(mut bytes: &[u8], mut seq: u64, mut at: Instant) -> (u64, Instant) {
    while let Some((frame, rest)) = Frame::split(bytes) {
        (seq, at, bytes) = (seq + 1, at.plus(frame.dt), rest);
    }
    (seq, at)
}

impl Start {
    pub(crate) fn put(&self, w: &mut Writer<'_>) {
        w.varint(self.boot);
        self.of.put(w);
    }
}

impl Named {
    pub(crate) fn put(&self, w: &mut Writer<'_>) {
        w.varint(self.boot);
        w.varint(self.number);
    }

    fn get(r: &mut Reader<'_>) -> Option<Self> {
        Some(Self { boot: r.varint()?, number: r.varint()? })
    }
}

impl Of {
    fn put(&self, w: &mut Writer<'_>) {
        self.program.put(w);
        self.core_rev.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Option<Self> {
        Some(Self { program: u64::get(r)?, core_rev: u16::get(r)? })
    }
}

impl State<'_> {
    pub(crate) fn put_head(&self, w: &mut Writer<'_>) {
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        w.u8(flag(self.first.is_some(), FIRST) | flag(self.last, LAST) | flag(self.outlived, OUTLIVED));
        match self.first {
            Some(of) => of.put(w),
            None => self.index.put(w),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::ENTRY_MAX;

    #[test]
    fn a_page_with_bytes_behind_what_is_known_is_none() {
        let place = Place { turn: 3, boot: 1 << 32, seq: 9, ..Place::default() };
        let named = Named { boot: 1 << 32, number: 7 << 32 };
        let mut payload = [0; 64];
        let mut w = Writer::new(&mut payload);
        place.put_page(named, &mut w);
        let len = w.finish().unwrap_or_default();
        let read = |len: usize| {
            let mut page = [u8::MAX; ENTRY_MAX];
            entry::write(&mut page, (place.turn, 0), entry::PAGE, payload.get(..len).unwrap_or_default(), 4);
            Place::of_page(&page, 4).map(|(found, named)| (found.boot, found.seq, named))
        };
        assert_eq!(read(len), Some((place.boot, place.seq, named)));
        assert_eq!(read(len + 1), None);
    }
}
