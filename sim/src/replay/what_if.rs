//! What another program would have done with the inputs of a journal.
//!
//! It takes over where the range begins, as a reload would: what it has in common with the program that ran then goes on.
//! From there on it has a life of its own: the journal's edges, readings, commands, clocks and starts reach it, by their
//! names, and what it remembers over a start is what it did itself. Its outputs obey, and its lines read as their last
//! edge says.

mod abreast;
mod begin;

use std::io;
use std::sync::Arc;

use campanile_core::calendar::ZoneTable;
use campanile_core::engine::Engine;
use campanile_core::input::Input;
use campanile_core::program::verify::LoadError;
use campanile_core::record::{Frame, Record};
use campanile_core::time::Instant;
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Body, Boot, HostRecord, Index, Item, Lagged, Move, Position, Storage};

use crate::house::House;
use crate::node::Room;
use crate::replay::comparison::Comparison;
use crate::replay::other::Other;
use crate::replay::pieces::{Pieces, first_behind};
use crate::replay::place::Place;
use crate::replay::range::Range;
use crate::replay::read;
use crate::replay::report::{Outcome, Why};
use crate::replay::tally::Tally;

/// Whoever waits is told after so many records.
const WATCH_EVERY: u64 = 4096;

/// Lets another program have the inputs of a journal, or of the part of it that lies in a range. `zone` tells when local
/// time changes; without it, it is as far ahead as the journal's clock said last. Of the moments that differ the first
/// `moments` are kept, and all are counted.
///
/// # Errors
/// The disk fails, or the program is refused, in words.
pub fn what_if<S: Storage>(
    index: &Arc<Index<S>>,
    range: &Range,
    house: &House,
    zone: Option<ZoneTable<'_>>,
    moments: usize,
    mut watch: impl FnMut(&Comparison, Place),
) -> io::Result<Comparison> {
    let mut reader = index.reader(Position::START);
    let mut course = Course {
        index,
        house,
        zone,
        range: *range,
        state: State::Waiting(Why::NoCheckpoint),
        boot: Boot::default(),
        rev: None,
        pieces: Pieces::default(),
        missing: None,
        program: 0,
        symbols: Symbols::new(""),
        from: Instant::ZERO,
        here: Place::default(),
        in_range: range.from.is_none(),
        tally: Tally { most: moments, ..Tally::default() },
        found: Comparison::default(),
    };
    let mut records = 0_u64;
    loop {
        match read::advance(&mut reader)? {
            Move::End => break,
            Move::Lagged(lagged) => {
                course.leave(course.here);
                course.missing = Some(lagged);
            }
            Move::Item => {
                let Some(item) = reader.item() else { continue };
                let place = Place { at: item.at, time: item.time, wall: item.wall };
                course.come_to(&place);
                course.tell_missing();
                if range.ends_before(&place) {
                    course.found.extent.before.get_or_insert(place.at);
                    break;
                }
                course.item(&item).map_err(|why| {
                    io::Error::new(
                        io::ErrorKind::InvalidInput,
                        format!("the engine refuses the program: {why}"),
                    )
                })?;
                records += 1;
                if records.is_multiple_of(WATCH_EVERY) {
                    watch(&course.found, place);
                }
            }
        }
    }
    course.leave(course.here);
    Ok(Comparison {
        rows: course.tally.rows(),
        differing: course.tally.differing,
        moments: course.tally.moments,
        passed: course.pieces.finish(),
        ..course.found
    })
}

struct Course<'a, S: Storage> {
    index: &'a Arc<Index<S>>,
    house: &'a House,
    zone: Option<ZoneTable<'a>>,
    range: Range,
    state: State<'a>,
    /// The start that is read, and the revision that wrote it, if it said so.
    boot: Boot,
    rev: Option<u16>,
    /// What is not compared.
    pieces: Pieces,
    /// Records are missing before the next one.
    missing: Option<Lagged>,
    program: u64,
    /// The names of the journal's program.
    symbols: Symbols,
    /// Behind this time both programs are compared.
    from: Instant,
    here: Place,
    in_range: bool,
    tally: Tally,
    found: Comparison,
}

enum State<'a> {
    /// For a start or a checkpoint that can be used.
    Waiting(Why),
    /// A start has not said yet which program it runs.
    Opening {
        held: Vec<(Place, Vec<u8>)>,
        other: Option<Box<Other<'a>>>,
    },
    /// The journal's own program, until the range begins and the start is over.
    Before {
        engine: Box<Engine<Room>>,
        started: bool,
    },
    Beside(Box<Other<'a>>),
}

impl<'a, S: Storage> Course<'a, S> {
    /// The range may begin at a place.
    fn come_to(&mut self, place: &Place) {
        if self.in_range {
            return;
        }
        if !matches!(self.state, State::Waiting(_)) {
            self.found.extent.behind = self.here.at;
        }
        self.in_range = !self.range.begins_behind(place);
    }

    fn item(&mut self, item: &Item<'_>) -> Result<(), LoadError> {
        let here = Place { at: item.at, time: item.time, wall: item.wall };
        let before = std::mem::replace(&mut self.here, here);
        self.pieces.come_to(&here);
        let is_start = matches!(&item.body, Body::Host(Some(HostRecord::Started { .. })));
        if item.at.boot != self.boot {
            (self.boot, self.rev) = (item.at.boot, None);
            if !is_start {
                self.leave(before);
            }
        }
        match &item.body {
            Body::Host(Some(HostRecord::Started { .. })) => {
                self.pieces.forget_early();
                let other = match self.wait(Why::NoCheckpoint) {
                    State::Beside(mut other) => {
                        self.end(&mut other, before);
                        Some(other)
                    }
                    State::Opening { other, .. } => other,
                    State::Waiting(_) | State::Before { .. } => None,
                };
                self.state = State::Opening { held: Vec::new(), other };
            }
            Body::Host(Some(HostRecord::JournalGap { from, to, count, why })) if *count > 0 => {
                self.leave(before);
                let place = |seq| Position { seq, ..item.at };
                let why = Why::Gap(*count, *why);
                self.miss(&before, place(from.saturating_sub(1)), place(*to), why);
                self.pieces.come_to(&here);
            }
            Body::Host(_) => {}
            Body::Checkpoint(bytes) => {
                if matches!(self.state, State::Waiting(_)) {
                    self.begin_at_checkpoint(item.program, bytes)?;
                }
            }
            Body::Engine(frame) => self.record(frame, item)?,
        }
        Ok(())
    }

    fn record(&mut self, frame: &Frame<'_>, item: &Item<'_>) -> Result<(), LoadError> {
        let Some(record) = frame.record() else { return Ok(()) };
        match &mut self.state {
            State::Waiting(_) => self.note(self.here, item.program),
            State::Opening { held, .. } => {
                held.push((self.here, frame.bytes.to_vec()));
                if let Record::Input(boot @ Input::Boot { .. }) = record {
                    self.open(boot)?;
                }
            }
            State::Before { .. } | State::Beside(_) => {
                if let Record::Input(Input::Install { hash }) = record {
                    self.learn_names(item.program);
                    if let Err(why) = read::program(self.index, hash) {
                        self.leave(self.here);
                        self.wait(why);
                        self.note(self.here, hash);
                        return Ok(());
                    }
                }
                self.step(item.time, frame, &record)?;
            }
        }
        if let Record::Input(Input::Boot { core_rev, .. }) = record {
            self.rev = Some(core_rev);
        }
        Ok(())
    }

    /// Waits for a place to begin at, for this reason.
    fn wait(&mut self, why: Why) -> State<'a> {
        if !matches!(&self.state, State::Waiting(already) if *already == why) {
            self.pieces.close();
        }
        std::mem::replace(&mut self.state, State::Waiting(why))
    }

    /// This record is not compared.
    fn note(&mut self, place: Place, program: u64) {
        if let State::Waiting(why) = &self.state
            && self.in_range
        {
            self.pieces.note(place, program, || Outcome::Passed(why.clone()));
        }
    }

    /// Records that wait for a program will not have one.
    fn give_up(&mut self, held: &[(Place, Vec<u8>)], program: u64, why: Why) {
        self.wait(why);
        held.iter().for_each(|(place, _)| self.note(*place, program));
    }

    /// Behind `last` records are missing, or there are no more.
    fn leave(&mut self, last: Place) {
        match self.wait(Why::NoCheckpoint) {
            State::Beside(mut other) => self.end(&mut other, last),
            State::Opening { held, .. } => {
                self.give_up(&held, 0, Why::Unnamed);
                self.wait(Why::NoCheckpoint);
            }
            State::Waiting(_) | State::Before { .. } => {}
        }
    }

    /// What is missing before the record that is read now.
    fn tell_missing(&mut self) {
        let Some(Lagged { after, resume, dropped, .. }) = self.missing.take() else { return };
        let here = self.here;
        if self.range.ends_before(&here.near(first_behind(after))) {
            self.found.extent.before = Some(after);
        } else {
            self.miss(&here, after, resume, Why::Missing(dropped));
        }
    }

    /// Records are missing. Before the range it is nobody's concern, but that the comparison may begin later by that.
    fn miss(&mut self, before: &Place, after: Position, last: Position, why: Why) {
        if self.in_range {
            self.pieces.miss(before, after, last, why);
        } else {
            self.pieces.miss_early(before, after, last, why);
        }
    }

    fn learn_names(&mut self, program: u64) {
        if program == self.program {
            return;
        }
        self.program = program;
        let stored = self.index.program(program).ok().flatten();
        let symbols = stored.and_then(|stored| Symbols::decode(&stored.symbols).ok());
        self.symbols = symbols.unwrap_or_else(|| Symbols::new(""));
        if let State::Beside(other) = &mut self.state {
            other.learn_names(&self.symbols);
        }
    }
}
