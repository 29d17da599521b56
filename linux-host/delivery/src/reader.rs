//! Readers: from a cursor to the live end of the journal, one record at a time, on any thread.
//!
//! A reader sees what is published, in order, each place once, across segments, starts and the memory that stands in
//! for a failing disk. Where something is missing it says so before it goes on ([`Next::Lagged`]). It holds a buffer
//! of one block and a file handle; the rest is shared.

mod source;

use std::io;
use std::ops::Range;
use std::sync::Arc;

use campanile_core::record::Frame;
use campanile_core::time::Instant;

use crate::context::{Wall, program_of, tells, wall_of};
use crate::group::{Frames, Kind};
use crate::host::HostRecord;
use crate::index::Index;
use crate::name::SinkName;
use crate::position::{Boot, Cursor, Position};
use crate::reader::source::{InFile, Loaded, Source};
use crate::storage::Storage;

/// What comes next.
#[derive(Debug)]
pub enum Next<'a> {
    /// A record.
    Item(Item<'a>),
    /// What should come next is gone. The next call goes on behind it.
    Lagged(Lagged),
    /// Nothing more for now.
    End,
}

/// Where [`Reader::advance`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// To a record.
    Item,
    /// To a place where something is missing.
    Lagged(Lagged),
    /// Nowhere: nothing more for now.
    End,
}

/// One record, and what it takes to understand it.
#[derive(Debug)]
pub struct Item<'a> {
    /// Its place; a cursor that is moved here is done with it.
    pub at: Position,
    /// When it was written, in the time of its start.
    pub time: Instant,
    /// The wall-clock time that the engine knew last.
    pub wall: Option<Wall>,
    /// The program then active; 0 if none was.
    pub program: u64,
    /// What it says.
    pub body: Body<'a>,
}

/// What a record says.
#[derive(Debug)]
pub enum Body<'a> {
    /// One of the engine's records.
    Engine(Frame<'a>),
    /// One of the host's; `None` for a kind that a later version knows.
    Host(Option<HostRecord>),
    /// The state here, as `Restore` records in a row.
    Checkpoint(&'a [u8]),
}

/// Records are missing between two places: deleted, damaged, or dropped from memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagged {
    /// The last place read.
    pub after: Position,
    /// The next record comes behind this place.
    pub resume: Position,
    /// How many of the engine's records are missing; `None` across starts.
    pub dropped: Option<u64>,
    /// They went from the memory that stands in for a failing disk. The `journal-gap` for them comes into a place that
    /// this reader is past by then.
    pub from_memory: bool,
}

impl Lagged {
    /// The word that a sink owes itself for records which nothing else that it will read accounts for.
    pub fn word(&self, sink: &SinkName) -> Option<HostRecord> {
        let count = self.dropped.filter(|_| self.from_memory)?;
        Some(HostRecord::Dropped { sink: sink.clone(), from: self.after, to: self.resume, count })
    }
}

/// A place in the journal that moves on with every record read.
pub struct Reader<S: Storage> {
    index: Arc<Index<S>>,
    after: Position,
    file: Option<InFile<S::File>>,
    group: Option<Loaded>,
    current: Option<Step>,
    /// Bytes of the file, from `buf_at` on.
    buf: Vec<u8>,
    buf_at: u32,
    wall: Option<Wall>,
    wall_boot: Boot,
    program: u64,
    failures: u32,
}

/// A record found, as places in the body.
struct Step {
    at: Position,
    time: Instant,
    range: Range<usize>,
    /// It may say what later ones need to be understood.
    tells: bool,
}

impl<S: Storage> Index<S> {
    /// A reader of everything behind `after`.
    pub fn reader(self: &Arc<Self>, after: Cursor) -> Reader<S> {
        Reader::new(Arc::clone(self), after)
    }
}

impl<S: Storage> Reader<S> {
    fn new(index: Arc<Index<S>>, after: Cursor) -> Self {
        Self {
            index,
            after,
            file: None,
            group: None,
            current: None,
            buf: Vec::new(),
            buf_at: 0,
            wall: None,
            wall_boot: after.boot,
            program: 0,
            failures: 0,
        }
    }

    /// The last place read.
    pub fn place(&self) -> Position {
        self.after
    }

    /// Goes on behind another place, earlier or later.
    pub fn seek(&mut self, after: Cursor) {
        self.after = after;
        (self.file, self.group, self.current) = (None, None, None);
    }

    /// The next record.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    #[expect(
        clippy::should_implement_trait,
        reason = "a record borrows the reader, which an iterator's item cannot"
    )]
    pub fn next(&mut self) -> io::Result<Next<'_>> {
        Ok(match self.advance()? {
            Move::Item => self.item().map_or(Next::End, Next::Item),
            Move::Lagged(lagged) => Next::Lagged(lagged),
            Move::End => Next::End,
        })
    }

    /// Moves to the next record, which [`item`](Self::item) then gives.
    ///
    /// # Errors
    /// The disk fails. Try again later; what stays unreadable is skipped and reported after a few tries.
    pub fn advance(&mut self) -> io::Result<Move> {
        self.current = None;
        loop {
            if self.group.is_none() && !self.load()? {
                return Ok(Move::End);
            }
            if let Some(lagged) = self.missing_before_group() {
                return Ok(Move::Lagged(lagged));
            }
            let Some(step) = self.step() else {
                self.group = None;
                continue;
            };
            self.learn(&step);
            if step.at > self.after {
                self.after = step.at;
                self.current = Some(step);
                return Ok(Move::Item);
            }
        }
    }

    /// The record that the last [`advance`](Self::advance) moved to.
    pub fn item(&self) -> Option<Item<'_>> {
        let (group, step) = self.group.as_ref().zip(self.current.as_ref())?;
        let bytes = &self.body_of(group)[step.range.clone()];
        let body = match group.kind {
            Kind::Engine => Body::Engine(Frame::split(bytes)?.0),
            Kind::Host => Body::Host(HostRecord::split(bytes)?.record),
            Kind::Checkpoint => Body::Checkpoint(bytes),
        };
        Some(Item { at: step.at, time: step.time, wall: self.wall, program: self.program, body })
    }

    /// Whether the group loaded does not begin where reading stands, and nobody has said so yet.
    fn missing_before_group(&mut self) -> Option<Lagged> {
        if self.group.as_ref().is_none_or(|group| !group.first) {
            return None;
        }
        let mut group = self.group.take()?;
        let mut resume = group.mark.at;
        group.first = false;
        // The first record of a start begins at zero, and says itself where the start before ended.
        if resume == Position::start_of(resume.boot) {
            let first = HostRecord::split(&self.body_of(&group)[group.rest.clone()]);
            resume = match first.and_then(|frame| frame.record) {
                Some(HostRecord::Started { previous: Some(previous), .. }) => previous,
                _ => self.after,
            };
        }
        if resume > self.after && self.after != Position::START && !group.explained {
            let after = self.after;
            let dropped = after.records_to(resume);
            let from_memory = matches!(group.source, Source::Memory(_)) && !group.damaged;
            self.after = resume;
            self.group = Some(group);
            // Only host records are missing: they are not what a reader lives for.
            return (dropped != Some(0)).then_some(Lagged { after, resume, dropped, from_memory });
        }
        self.group = Some(group);
        None
    }

    /// Takes the next record off the group.
    fn step(&mut self) -> Option<Step> {
        let group = self.group.as_mut()?;
        let body = match &group.source {
            Source::Buffer => self.buf.as_slice(),
            Source::Memory(group) => &group.body,
        };
        let rest = &body[group.rest.clone()];
        let from = group.rest.start;
        let (len, time, at, tells) = match group.kind {
            _ if rest.is_empty() => return None,
            Kind::Engine => {
                let (frame, _) = Frame::split(rest)?;
                let at = Position { seq: group.mark.at.seq + 1, ..group.mark.at };
                let time = group.mark.time.plus(frame.dt);
                (frame.bytes.len(), time, at, tells(&frame))
            }
            Kind::Host => {
                let frame = HostRecord::split(rest)?;
                let at = Position { host: group.mark.at.host + 1, ..group.mark.at };
                (rest.len() - frame.rest.len(), group.mark.time.plus(frame.dt), at, false)
            }
            Kind::Checkpoint => {
                let at = Position { host: group.mark.at.host + 1, ..group.mark.at };
                (rest.len(), group.mark.time, at, true)
            }
        };
        // Host records count their time from the engine's last record, and not from each other.
        if group.kind == Kind::Engine {
            group.mark.time = time;
        }
        group.mark.at = at;
        group.rest.start += len;
        Some(Step { at, time, range: from..from + len, tells })
    }

    /// Takes from a record what later ones need to be understood, also from those that are only passed.
    fn learn(&mut self, step: &Step) {
        if step.at.boot != self.wall_boot {
            (self.wall_boot, self.wall) = (step.at.boot, None);
        }
        if !step.tells {
            return;
        }
        let Some(group) = self.group.take() else { return };
        let bytes = &self.body_of(&group)[step.range.clone()];
        let (mut program, mut wall) = (self.program, self.wall);
        for frame in Frames(bytes) {
            program = program_of(&frame).unwrap_or(program);
            wall = wall_of(&frame, step.time).or(wall);
        }
        (self.program, self.wall) = (program, wall);
        self.group = Some(group);
    }

    fn body_of<'a>(&'a self, group: &'a Loaded) -> &'a [u8] {
        match &group.source {
            Source::Buffer => &self.buf,
            Source::Memory(group) => &group.body,
        }
    }
}
