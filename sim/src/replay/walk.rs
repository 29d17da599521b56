//! From record to record through a journal: which stretch each belongs to, and what becomes of it.

use std::io;
use std::sync::Arc;

use campanile_core::input::Input;
use campanile_core::program::verify::LoadError;
use campanile_core::record::{CORE_REV, Frame, Record};
use campanile_core::time::Instant;
use campanile_delivery::{Body, Boot, HostRecord, Index, Item, Move, Position, Storage};

use crate::replay::pieces::{Pieces, first_behind};
use crate::replay::place::Place;
use crate::replay::range::{Extent, Range};
use crate::replay::read;
use crate::replay::report::{Outcome, Piece, Report, Why};
use crate::replay::stretch::{Divergence, Stretch};

const INSTALL_KIND: u8 = 11;
const BOOT_KIND: u8 = 12;

/// Whoever waits is told after so many records.
const WATCH_EVERY: u64 = 4096;

/// Re-executes a journal, or the part of it that lies in a range, and compares it byte for byte. The journal is only
/// read, and may be written meanwhile: what comes after the call is not seen. `watch` is told now and then how far
/// it has come.
///
/// # Errors
/// The disk fails. A journal that is damaged, or cannot be re-executed, is no error: the report says so.
pub fn replay<S: Storage>(
    index: &Arc<Index<S>>,
    range: &Range,
    mut watch: impl FnMut(&Report, Place),
) -> io::Result<Report> {
    let mut reader = index.reader(Position::START);
    let mut walk = Walk::new(index, *range);
    loop {
        let before = reader.place();
        match read::advance(&mut reader)? {
            Move::End => break,
            Move::Lagged(lagged) => {
                let why = Why::Missing(lagged.dropped);
                match walk.miss(walk.here, lagged.after, lagged.resume, why) {
                    Turn::Enough => break,
                    Turn::Go | Turn::Back(_) => {}
                }
            }
            Move::Item => {
                let Some(item) = reader.item() else { continue };
                match walk.item(&item, before) {
                    Turn::Go => {}
                    Turn::Back(place) => reader.seek(place),
                    Turn::Enough => break,
                }
                if walk.report.records % WATCH_EVERY == 1 {
                    watch(&walk.report, walk.here);
                }
            }
        }
    }
    Ok(walk.end())
}

/// What the reader does next.
enum Turn {
    Go,
    Back(Position),
    Enough,
}

struct Walk<'a, S: Storage> {
    index: &'a Arc<Index<S>>,
    range: Range,
    /// Nothing of the range has come yet.
    ahead: bool,
    /// Meanwhile: the last place to begin at.
    begin: Option<Begin>,
    state: State,
    /// The start that is read, and the revision that wrote it, if it said so.
    boot: Boot,
    rev: Option<u16>,
    here: Place,
    /// The program asked for last.
    program: Option<(u64, Image)>,
    pieces: Pieces,
    /// What is read of the journal.
    extent: Extent,
    report: Report,
}

/// The image of a program, or why there is none.
type Image = Result<Arc<[u8]>, Why>;

/// Where a replay can begin, and what is known there.
#[derive(Clone, Copy)]
struct Begin {
    before: Position,
    boot: Boot,
    rev: Option<u16>,
}

enum State {
    /// Nothing to begin with yet.
    Passing(Why),
    /// A start that has not said yet which program it runs.
    Opening(Vec<Held>),
    Following {
        stretch: Stretch,
        begin: Position,
    },
    /// Behind a difference.
    Lost,
}

/// A record that waits for the name of its program.
struct Held {
    place: Place,
    bytes: Vec<u8>,
}

impl<'a, S: Storage> Walk<'a, S> {
    fn new(index: &'a Arc<Index<S>>, range: Range) -> Self {
        Self {
            index,
            range,
            ahead: range.from.is_some(),
            begin: None,
            state: State::Passing(Why::NoCheckpoint),
            boot: Boot::default(),
            rev: None,
            here: Place::default(),
            program: None,
            pieces: Pieces::default(),
            extent: Extent::default(),
            report: Report::default(),
        }
    }

    fn item(&mut self, item: &Item<'_>, before: Position) -> Turn {
        let here = Place { at: item.at, time: item.time, wall: item.wall };
        let last = std::mem::replace(&mut self.here, here);
        self.pieces.come_to(&here);
        if self.ahead {
            let is_behind = self.range.begins_behind(&self.here);
            if is_behind || can_begin(item) {
                self.look_ahead(item, before);
            }
            if is_behind {
                return Turn::Go;
            }
            self.ahead = false;
            self.extent.behind = self.begin.map_or(last.at, |begin| begin.before);
            if let Some(Begin { before, boot, rev }) = self.begin {
                (self.boot, self.rev) = (boot, rev);
                return Turn::Back(before);
            }
        }
        if self.range.ends_before(&self.here) {
            self.extent.before = Some(item.at);
            return Turn::Enough;
        }
        if item.at.boot != self.boot {
            self.leave();
            (self.boot, self.rev) = (item.at.boot, None);
        }
        match &item.body {
            Body::Host(Some(HostRecord::Started { .. })) => {
                self.leave();
                self.state = State::Opening(Vec::new());
            }
            Body::Host(Some(HostRecord::JournalGap { from, to, count, why })) if *count > 0 => {
                let place = |seq| Position { seq, ..item.at };
                self.miss(last, place(from.saturating_sub(1)), place(*to), Why::Gap(*count, *why));
                self.pieces.come_to(&here);
            }
            Body::Host(_) => {}
            Body::Checkpoint(items) => self.checkpoint(items, item.program),
            Body::Engine(frame) => self.record(frame, item.program),
        }
        Turn::Go
    }

    /// Keeps in mind where a replay of what comes can begin.
    fn look_ahead(&mut self, item: &Item<'_>, before: Position) {
        if item.at.boot != self.boot {
            (self.boot, self.rev) = (item.at.boot, None);
        }
        if can_begin(item) {
            self.begin = Some(Begin { before, boot: self.boot, rev: self.rev });
        }
        if let Body::Engine(frame) = &item.body
            && frame.kind() == BOOT_KIND
            && let Some(Record::Input(Input::Boot { core_rev, .. })) = frame.record()
        {
            self.rev = Some(core_rev);
        }
    }

    /// Records are missing behind `after`; `before` was read last. What is missing before the range is nobody's concern.
    fn miss(&mut self, before: Place, after: Position, last: Position, why: Why) -> Turn {
        if self.range.ends_before(&before.near(first_behind(after))) {
            self.extent.before = Some(after);
            return Turn::Enough;
        }
        if !self.ahead {
            self.leave();
            self.pieces.miss(&before, after, last, why);
        }
        Turn::Go
    }

    /// What was followed ends here, maybe in the middle of an instant.
    fn leave(&mut self) {
        match std::mem::replace(&mut self.state, State::Lost) {
            State::Following { mut stretch, begin } => {
                let ended = stretch.finish();
                self.judge(begin, ended);
            }
            State::Opening(held) => self.give_up(held, Why::Unnamed),
            State::Passing(_) | State::Lost => {}
        }
        self.pass(Why::NoCheckpoint);
    }

    /// Nothing can be followed from here on.
    fn pass(&mut self, why: Why) {
        self.pieces.close();
        self.state = State::Passing(why);
    }

    /// Records that wait for a program will not have one.
    fn give_up(&mut self, held: Vec<Held>, why: Why) {
        self.state = State::Passing(why);
        for held in &held {
            self.note(held.place, 0);
        }
    }

    fn checkpoint(&mut self, items: &[u8], program: u64) {
        if let Some(rev) = self.rev.filter(|&rev| rev != CORE_REV) {
            if !matches!(&self.state, State::Passing(Why::CoreRev(_))) {
                self.pass(Why::CoreRev(rev));
            }
            return;
        }
        match std::mem::replace(&mut self.state, State::Lost) {
            State::Following { mut stretch, begin } => {
                let same = stretch.checkpoint(items);
                self.report.checkpoints += u64::from(same.is_ok());
                self.judge(begin, same);
            }
            // Before the start has said what it runs there is no state.
            state @ State::Opening(_) => return self.state = state,
            State::Passing(_) | State::Lost => self.pieces.close(),
        }
        self.begin(program, |image| Stretch::resume(image, items));
    }

    /// A stretch begins here.
    fn begin(&mut self, program: u64, load: impl FnOnce(&[u8]) -> Result<Stretch, LoadError>) {
        let loaded =
            self.image(program).and_then(|image| load(&image).map_err(|why| read::refused(program, why)));
        // A difference at the checkpoint itself is a piece of its own.
        if self.pieces.open().is_some_and(|piece| !matches!(piece.outcome, Outcome::Same)) {
            self.pieces.close();
        }
        match loaded {
            Ok(stretch) => {
                self.report.stretches += 1;
                self.state = State::Following { stretch, begin: self.here.at };
            }
            Err(why) => self.pass(why),
        }
    }

    fn record(&mut self, frame: &Frame<'_>, program: u64) {
        match &mut self.state {
            State::Opening(held) => {
                held.push(Held { place: self.here, bytes: frame.bytes.to_vec() });
                if frame.kind() == BOOT_KIND {
                    self.open(frame);
                }
            }
            State::Following { .. } => self.follow(frame, self.here, program),
            // An `Install` is no place to begin, though its program may be known: that takes over variables and sensors
            // by name, levels by line, and runs by scenario, and which those were only the program before could tell,
            // whose ids alone stand in the records. The next checkpoint or start is one.
            State::Passing(_) | State::Lost => self.note(self.here, program),
        }
    }

    /// The start says which program it runs: what it has done so far can be followed now.
    fn open(&mut self, frame: &Frame<'_>) {
        let State::Opening(held) = std::mem::replace(&mut self.state, State::Lost) else { return };
        let Some(Record::Input(Input::Boot { core_rev, hash, .. })) = frame.record() else {
            return self.give_up(held, Why::Unnamed);
        };
        self.rev = Some(core_rev);
        if core_rev != CORE_REV {
            return self.give_up(held, Why::CoreRev(core_rev));
        }
        let at = held.first().map_or(Instant::ZERO, |first| first.place.time);
        self.begin(hash, |image| Stretch::load(at, image));
        for Held { place, bytes } in &held {
            match Frame::split(bytes) {
                Some((frame, _)) if matches!(self.state, State::Following { .. }) => {
                    self.follow(&frame, *place, hash);
                }
                _ => self.note(*place, hash),
            }
        }
    }

    fn follow(&mut self, frame: &Frame<'_>, place: Place, program: u64) {
        let image = if frame.kind() == INSTALL_KIND {
            // The reader names the program that the record makes active.
            match self.image(program) {
                Ok(image) => Some(image),
                Err(why) => {
                    self.leave();
                    self.pass(why);
                    return self.note(place, program);
                }
            }
        } else {
            None
        };
        let State::Following { stretch, begin } = &mut self.state else { return };
        let begin = *begin;
        let same = match image {
            Some(image) => stretch.install(frame, place.time, &image),
            None => stretch.record(frame, place.time),
        };
        self.report.records += 1;
        self.report.bytes += frame.bytes.len() as u64;
        self.report.inputs += u64::from(frame.kind() < campanile_core::record::FIRST_DECISION);
        self.note(place, program);
        if same.is_err() {
            self.state = State::Lost;
            self.judge(begin, same);
        }
    }

    /// What the piece that is being followed has come to.
    fn judge(&mut self, stretch: Position, same: Result<(), Box<Divergence>>) {
        let Err(divergence) = same else { return };
        // What is read now may be of the next start already.
        let last = self.pieces.open().map_or(self.here, |piece| piece.last);
        let at = Place { at: Position { seq: divergence.seq, ..last.at }, time: divergence.time, ..last };
        let outcome = Outcome::Diverged { stretch, at, divergence };
        match self.pieces.open() {
            Some(piece) => piece.outcome = outcome,
            None => self.pieces.add(Piece { first: at, last: at, program: 0, records: 0, outcome }),
        }
    }

    /// Adds a record to the piece under way.
    fn note(&mut self, place: Place, program: u64) {
        self.pieces.note(place, program, || match &self.state {
            State::Passing(why) => Outcome::Passed(why.clone()),
            State::Opening(_) | State::Following { .. } | State::Lost => Outcome::Same,
        });
    }

    /// The image of a program; the last one is at hand.
    fn image(&mut self, hash: u64) -> Image {
        if let Some((_, found)) = self.program.as_ref().filter(|(known, _)| *known == hash) {
            return found.clone();
        }
        let found = read::program(self.index, hash).map(|stored| stored.image.into());
        self.program = Some((hash, found.clone()));
        found
    }

    fn end(mut self) -> Report {
        self.leave();
        if self.ahead {
            // Whatever the range holds is behind all of this.
            self.extent.behind = self.here.at;
        }
        Report { pieces: self.pieces.finish(), extent: self.extent, nearest: self.here, ..self.report }
    }
}

/// Whether a stretch begins with a record.
const fn can_begin(item: &Item<'_>) -> bool {
    matches!(&item.body, Body::Host(Some(HostRecord::Started { .. })) | Body::Checkpoint(_))
}
