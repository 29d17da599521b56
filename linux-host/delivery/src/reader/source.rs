//! Where a reader's groups come from: the segments in a row, past what cannot be read, and the memory that stands in for
//! a failing disk.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::entry::{Damage, Entry};
use crate::group::{Block, Found, Group, Kind, MAX_GROUP, decode};
use crate::host::{HostFrame, HostRecord};
use crate::index::Index;
use crate::position::{Mark, Position};
use crate::reader::Reader;
use crate::segment::{HEADER_LEN, name, next_anchor};
use crate::storage::{File as _, Storage, read_around, read_what_is_left};

/// After so many failures in a row a segment is read around its bad blocks: they must not stop a sink.
const FAILURES_MAX: u32 = 3;

/// A segment that is being read.
pub(super) struct InFile<F> {
    pub id: u64,
    pub file: F,
    /// The next group.
    pub offset: u32,
    /// Published up to here, when last looked.
    pub end: u32,
    /// Before the next group; `None` behind damage.
    pub chain: Option<Mark>,
    /// The disk has failed here: what it gives of the rest is taken, block by block.
    pub carefully: bool,
    /// Damage that was passed and whose far end is not known yet.
    pub passed: Option<(u32, Position)>,
}

/// A group that is being read.
pub(super) struct Loaded {
    pub kind: Kind,
    /// Before the next record.
    pub mark: Mark,
    pub source: Source,
    /// The rest of the body.
    pub rest: Range<usize>,
    /// Missing records in front of it are accounted for.
    pub explained: bool,
    /// They were damaged, which has a word of its own.
    pub damaged: bool,
    /// The first record has not been looked at.
    pub first: bool,
}

pub(super) enum Source {
    Buffer,
    Memory(Arc<Group>),
}

impl<F> InFile<F> {
    /// Nothing from `damaged` on can be read. What is written behind it goes on from `far`, the end of what there is: it
    /// would be lost as well up to the next anchor if nobody knew where it belongs. Where nobody knows the end, since the
    /// segment has been given up and the next one not begun, that one will tell.
    fn give_up<S: Storage>(&mut self, index: &Index<S>, damaged: u32, before: Position, far: Option<Mark>) {
        // Damage that was passed before goes on here.
        self.passed.get_or_insert((damaged, before));
        (self.offset, self.chain) = (self.end, far);
        if let Some(far) = far {
            self.report_passed(index, self.end, far.at);
        }
    }

    /// What was passed is damage that ends here.
    fn report_passed<S: Storage>(&mut self, index: &Index<S>, end: u32, to: Position) {
        if let Some((offset, from)) = self.passed.take() {
            index.report(Damage { segment: self.id, offset, end, from, to });
        }
    }
}

impl<S: Storage> Reader<S> {
    /// Loads the next group that has something new; false at the end.
    pub(super) fn load(&mut self) -> io::Result<bool> {
        loop {
            if self.file.is_none() && self.locate()? {
                continue;
            }
            if self.file.as_ref().is_some_and(|file| file.offset < file.end) {
                match self.load_from_file() {
                    Ok(true) => return Ok(true),
                    Ok(false) => continue,
                    Err(error) => {
                        // What is read around now, or given up, is no end: there may be more behind it.
                        self.note_failure(error)?;
                        continue;
                    }
                }
            }
            // Where the disk ends and what memory goes on with are one look: what the disk takes meanwhile is in
            // one of both.
            let state = self.index.lock();
            let Some(file) = &mut self.file else {
                if state.segments.is_empty() {
                    let group = state.in_memory(self.after);
                    drop(state);
                    return Ok(self.load_from_memory(group));
                }
                continue;
            };
            let (id, offset) = (file.id, file.offset);
            let at = state.segments.partition_point(|entry| entry.id < id);
            let here = state.segments.get(at).filter(|entry| entry.id == id).copied();
            let next = state.segments.get(at + 1).copied();
            let memory = state.in_memory(self.after);
            drop(state);
            match (here, next) {
                (Some(entry), _) if entry.end > offset => file.end = entry.end,
                (Some(_), Some(next)) => {
                    file.report_passed(&self.index, offset, next.start.at);
                    if !self.enter(next)? {
                        self.file = None;
                    }
                }
                (Some(_), None) => return Ok(self.load_from_memory(memory)),
                // Deleted meanwhile: whatever is the oldest now.
                (None, _) => self.file = None,
            }
        }
    }

    /// Enters the segment in which the next record is, or else the oldest; false if there is none.
    fn locate(&mut self) -> io::Result<bool> {
        loop {
            let state = self.index.lock();
            let at = state.segments.partition_point(|entry| entry.start.at <= self.after);
            let Some(entry) = state.segments.get(at.saturating_sub(1)).copied() else { return Ok(false) };
            drop(state);
            if self.enter(entry)? {
                return Ok(true);
            }
        }
    }

    /// Opens a segment; false if it is gone.
    fn enter(&mut self, entry: Entry) -> io::Result<bool> {
        let file = match self.index.storage.open(&name(entry.id)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let state = self.index.lock();
                if !state.segments.iter().any(|other| other.id == entry.id) {
                    return Ok(false);
                }
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        self.buf.clear();
        self.program = entry.program;
        self.file = Some(InFile {
            id: entry.id,
            file,
            offset: HEADER_LEN,
            end: entry.end,
            chain: Some(entry.start),
            carefully: false,
            passed: None,
        });
        Ok(true)
    }

    /// Loads the group at the file's offset; false if there was none and the offset has moved.
    fn load_from_file(&mut self) -> io::Result<bool> {
        let Some(file) = &mut self.file else { return Ok(false) };
        let offset = file.offset;
        let buffered = (offset - self.buf_at.min(offset)) as usize;
        let known = self.buf_at <= offset && buffered < self.buf.len();
        let mut from = if known { buffered } else { 0 };
        if !known || !is_whole(&self.buf[buffered..]) {
            // A block of the file, from this group on, as far as it is published.
            let len = ((file.end - offset) as usize).min(MAX_GROUP);
            if file.carefully {
                self.buf = read_around(&file.file, u64::from(offset), len)?;
            } else {
                self.buf.resize(len, 0);
                let got = file.file.read_at(u64::from(offset), &mut self.buf)?;
                self.buf.truncate(got);
            }
            (self.buf_at, from) = (offset, 0);
        }
        self.failures = 0;
        let Found::Group(block) = decode(&self.buf[from..], file.id, offset) else {
            return self.pass_damage().map(|()| false);
        };
        file.offset += block.size;
        if let Some(anchor) = block.anchor {
            // Damage may have taken the record that told it.
            self.program = anchor.program;
        }
        let Some(start) = block.start(file.chain) else {
            // Whole, but nobody can say where it belongs.
            return Ok(false);
        };
        let end = block.end(start);
        file.chain = Some(end);
        file.report_passed(&self.index, offset, start.at);
        let body_at = from + body_offset(&block);
        let rest = body_at..body_at + block.body.len();
        let explained = block.kind == Kind::Host && explains(block.body);
        self.group = Some(Loaded {
            kind: block.kind,
            mark: start,
            source: Source::Buffer,
            rest,
            explained,
            damaged: false,
            first: true,
        });
        Ok(true)
    }

    /// Goes to the next group behind what cannot be read.
    fn pass_damage(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let state = self.index.lock();
        let Some(entry) = state.segments.iter().find(|entry| entry.id == file.id) else {
            // Not damaged, but deleted and its file used again.
            drop(state);
            self.file = None;
            return Ok(());
        };
        file.end = entry.end;
        let far = state.end_of(file.id);
        drop(state);
        if file.offset >= file.end {
            // Not damaged, but given up by the writer since it was published.
            return Ok(());
        }
        let mut bytes = read_what_is_left(&file.file)?;
        bytes.truncate(file.end as usize);
        let before = file.chain.map_or(self.after, |chain| chain.at);
        let damaged = file.passed.map_or(file.offset, |(at, _)| at);
        match next_anchor(&bytes, file.id, file.offset + 1) {
            Some((at, _)) => {
                (file.offset, file.chain) = (at, None);
                file.passed = Some((damaged, before));
            }
            None => file.give_up(&self.index, damaged, before, far),
        }
        self.buf.clear();
        Ok(())
    }

    /// The disk fails here: an error for the caller, until it has been one too often.
    fn note_failure(&mut self, error: io::Error) -> io::Result<()> {
        self.failures += 1;
        if self.failures <= FAILURES_MAX {
            return Err(error);
        }
        self.failures = 0;
        if let Some(file) = &mut self.file {
            if !std::mem::replace(&mut file.carefully, true) {
                return Ok(());
            }
            let before = file.chain.map_or(self.after, |chain| chain.at);
            let state = self.index.lock();
            let entry = state.segments.iter().find(|entry| entry.id == file.id);
            file.end = entry.map_or(file.end, |entry| entry.end);
            let far = state.end_of(file.id);
            drop(state);
            file.give_up(&self.index, file.offset, before, far);
        }
        Ok(())
    }

    /// Loads what the disk has not taken; false if there is nothing new.
    fn load_from_memory(&mut self, group: Option<Arc<Group>>) -> bool {
        let Some(group) = group else { return false };
        self.program = group.program;
        // The segment that is to follow the damage will begin here: the word on it must not wait for that segment, since
        // whoever reads on from here saves a place behind the damage.
        let damaged = self.file.as_mut().is_some_and(|file| {
            let is_passed = file.passed.is_some_and(|(_, from)| from < group.start.at);
            if is_passed {
                file.report_passed(&self.index, file.end, group.start.at);
            }
            is_passed
        });
        self.group = Some(Loaded {
            kind: group.kind,
            mark: group.start,
            rest: 0..group.body.len(),
            explained: group.explains.is_some(),
            damaged,
            source: Source::Memory(group),
            first: true,
        });
        true
    }
}

/// Whether a whole group stands at the start of the bytes, as far as its length says.
fn is_whole(bytes: &[u8]) -> bool {
    let mut r = campanile_core::wire::Reader::new(bytes);
    r.varint().is_some_and(|len| usize::try_from(len).is_ok_and(|len| r.rest().len() >= len + 4))
}

/// Where the records of a block begin: they are all but its head, and its checksum.
fn body_offset(block: &Block<'_>) -> usize {
    block.size as usize - 4 - block.body.len()
}

/// Whether a group of host records begins with the word on what is missing before it.
fn explains(body: &[u8]) -> bool {
    matches!(HostRecord::split(body), Some(HostFrame { record: Some(HostRecord::JournalGap { .. }), .. }))
}
