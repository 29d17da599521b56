//! What another program would have done with the inputs of a journal.
//!
//! It takes over where the range begins, as a reload would: what it has in common with the program that ran then goes on.
//! From there on it has a life of its own: the journal's edges, readings, commands, clocks and starts reach it, by their
//! names, and what it remembers over a start is what it did itself. Its outputs obey, and its lines read as their last
//! edge says.

use std::io;
use std::sync::Arc;

use campanile_core::calendar::ZoneTable;
use campanile_core::engine::Engine;
use campanile_core::input::{Input, LevelWhy};
use campanile_core::program::verify::LoadError;
use campanile_core::record::{FIRST_DECISION, Frame, Record};
use campanile_core::restore::Restore;
use campanile_core::time::Instant;
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Body, HostRecord, Index, Item, Next, Position, Storage};

use crate::node::{House, Room};
use crate::replay::other::{Other, settle};
use crate::replay::range::Range;
use crate::replay::report::Place;
use crate::replay::stretch::items;
use crate::replay::tally::{Moment, Row, Tally, is_of_start};

/// Whoever waits is told after so many records.
const WATCH_EVERY: u64 = 4096;

/// Both programs side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Where the other program took over; `None` if nothing was compared.
    pub first: Option<Place>,
    /// The last record.
    pub last: Place,
    /// How many inputs both had.
    pub inputs: u64,
    /// How many inputs were of something that the other program has not.
    pub unknown: u64,
    /// How often the comparison had to begin anew, as records are missing.
    pub gaps: u64,
    /// What was counted.
    pub rows: Vec<Row>,
    /// How many moments differ.
    pub differing: u64,
    /// The first of these.
    pub moments: Vec<Moment>,
}

/// Lets another program have the inputs of a journal, or of the part of it that lies in a range. `zone` tells when local
/// time changes; without it, it is as far ahead as the journal's clock said last.
///
/// # Errors
/// The disk fails, or the program is refused, in words.
pub fn what_if<S: Storage>(
    index: &Arc<Index<S>>,
    range: &Range,
    house: &House,
    zone: Option<ZoneTable<'_>>,
    mut watch: impl FnMut(&Comparison, Place),
) -> io::Result<Comparison> {
    let mut reader = index.reader(Position::START);
    let mut course = Course {
        index,
        house,
        zone,
        state: State::Waiting,
        program: 0,
        symbols: Symbols::new(""),
        from: Instant::ZERO,
        here: Place::default(),
        in_range: range.from.is_none(),
        tally: Tally::default(),
        found: Comparison::default(),
    };
    let mut records = 0_u64;
    loop {
        match reader.next()? {
            Next::End => break,
            Next::Lagged(_) => course.leave(),
            Next::Item(item) => {
                let place = Place { at: item.at, time: item.time, wall: item.wall };
                if range.ends_before(&place) {
                    break;
                }
                course.in_range |= !range.begins_behind(&place);
                course.item(&item).map_err(|why| {
                    io::Error::new(
                        io::ErrorKind::InvalidInput,
                        format!("the engine refuses the program: {why:?}"),
                    )
                })?;
                records += 1;
                if records.is_multiple_of(WATCH_EVERY) {
                    watch(&course.found, place);
                }
            }
        }
    }
    course.leave();
    Ok(Comparison {
        rows: course.tally.rows(),
        differing: course.tally.differing,
        moments: course.tally.moments,
        gaps: course.found.gaps.saturating_sub(1),
        ..course.found
    })
}

struct Course<'a, S: Storage> {
    index: &'a Arc<Index<S>>,
    house: &'a House,
    zone: Option<ZoneTable<'a>>,
    state: State<'a>,
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
    /// For a start or a checkpoint.
    Waiting,
    /// A start has not said yet which program it runs.
    Opening {
        held: Vec<(Instant, Vec<u8>)>,
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
    fn item(&mut self, item: &Item<'_>) -> Result<(), LoadError> {
        let before =
            std::mem::replace(&mut self.here, Place { at: item.at, time: item.time, wall: item.wall });
        match &item.body {
            Body::Host(Some(HostRecord::Started { .. })) => {
                let other = match std::mem::replace(&mut self.state, State::Waiting) {
                    State::Beside(mut other) => {
                        other.advance(before.time);
                        self.tell(&mut other);
                        self.finish(before);
                        Some(other)
                    }
                    State::Opening { other, .. } => other,
                    State::Waiting | State::Before { .. } => None,
                };
                self.state = State::Opening { held: Vec::new(), other };
            }
            Body::Host(Some(HostRecord::JournalGap { count: 1.., .. })) => self.leave(),
            Body::Host(_) => {}
            Body::Checkpoint(bytes) => {
                if matches!(self.state, State::Waiting) {
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
            State::Waiting => {}
            State::Opening { held, .. } => {
                held.push((item.time, frame.bytes.to_vec()));
                if let Record::Input(boot @ Input::Boot { .. }) = record {
                    self.open(item.program, boot)?;
                }
            }
            State::Before { .. } | State::Beside(_) => {
                if let Record::Input(Input::Install { .. }) = record {
                    self.learn_names(item.program);
                }
                self.step(item.time, frame, &record)?;
            }
        }
        Ok(())
    }

    /// A record of the journal's, and what follows from it.
    fn step(&mut self, at: Instant, frame: &Frame<'_>, record: &Record) -> Result<(), LoadError> {
        let counts = matches!(self.state, State::Beside(_)) && at > self.from;
        let of_start = matches!(record, Record::Decision(decision) if is_of_start(decision));
        self.tally.journal.take(at, record, &self.symbols, counts && !of_start);
        let Record::Input(input) = *record else { return Ok(()) };
        debug_assert!(frame.kind() < FIRST_DECISION, "an input");
        match &mut self.state {
            State::Before { engine, started } => {
                settle(engine, at);
                if let Input::Install { hash } = input {
                    let stored = self.index.program(hash).ok().flatten();
                    match stored.map(|stored| engine.install(at, &stored.image)) {
                        Some(Ok(_)) => {}
                        _ => self.state = State::Waiting,
                    }
                } else {
                    // What the journal's engine took then, it takes now; else it is another revision's.
                    let _ = engine.handle(at, input);
                    settle(engine, at);
                    *started |= !is_start(&input);
                }
                if self.in_range && matches!(self.state, State::Before { started: true, .. }) {
                    self.take_over(at)?;
                }
            }
            State::Beside(other) => {
                let known = other.feed(at, input);
                self.found.inputs += u64::from(known);
                self.found.unknown += u64::from(!known);
                self.found.last = self.here;
                let State::Beside(mut other) = std::mem::replace(&mut self.state, State::Waiting) else {
                    return Ok(());
                };
                self.tell(&mut other);
                self.state = State::Beside(other);
                // What both do at this time may still come.
                self.tally.compare_before(at, self.here);
            }
            State::Waiting | State::Opening { .. } => {}
        }
        Ok(())
    }

    /// Notes what the other program did.
    fn tell(&mut self, other: &mut Other<'_>) {
        let from = self.from;
        other.tell(|at, record, symbols| {
            let of_start = matches!(record, Record::Decision(decision) if is_of_start(decision));
            self.tally.other.take(at, record, symbols, at > from && !of_start);
        });
    }

    fn begin_at_checkpoint(&mut self, program: u64, bytes: &[u8]) -> Result<(), LoadError> {
        self.learn_names(program);
        let Some(stored) = self.index.program(program).ok().flatten() else { return Ok(()) };
        let mut engine = Box::new(Engine::<Room>::new());
        engine.load(Instant::ZERO, &stored.image)?;
        let mut starting = false;
        for item in items(bytes) {
            starting |= matches!(item, Restore::Head { starting: true, .. });
            engine.restore(&item);
            self.tally.journal.restore(self.here.time, item, &self.symbols);
        }
        let at = engine.now();
        self.state = State::Before { engine, started: !starting };
        if self.in_range && !starting { self.take_over(at) } else { Ok(()) }
    }

    /// A start says which program it runs.
    fn open(&mut self, program: u64, boot: Input) -> Result<(), LoadError> {
        let State::Opening { held, other } = std::mem::replace(&mut self.state, State::Waiting) else {
            return Ok(());
        };
        self.learn_names(program);
        let at = held.first().map_or(self.here.time, |(at, _)| *at);
        // Its clock may have begun anew.
        self.from = Instant::ZERO;
        self.state = match other {
            Some(mut other) => {
                other.learn_names(&self.symbols);
                other.start(at, &boot)?;
                State::Beside(other)
            }
            None => {
                let Some(stored) = self.index.program(program).ok().flatten() else { return Ok(()) };
                let mut engine = Box::new(Engine::<Room>::new());
                engine.load(at, &stored.image)?;
                State::Before { engine, started: false }
            }
        };
        for (at, bytes) in &held {
            let Some((frame, _)) = Frame::split(bytes) else { continue };
            let Some(record) = frame.record() else { continue };
            self.step(*at, &frame, &record)?;
        }
        Ok(())
    }

    fn take_over(&mut self, at: Instant) -> Result<(), LoadError> {
        let State::Before { engine, .. } = std::mem::replace(&mut self.state, State::Waiting) else {
            return Ok(());
        };
        let other = Other::take_over(engine, at, self.house, &self.symbols, self.zone)?;
        self.found.first.get_or_insert(self.here);
        self.found.gaps += 1;
        self.from = at;
        self.tally.other.begin_as(&self.tally.journal, &self.house.symbols);
        self.state = State::Beside(Box::new(other));
        Ok(())
    }

    /// Records are missing, or there are no more.
    fn leave(&mut self) {
        if let State::Beside(mut other) = std::mem::replace(&mut self.state, State::Waiting) {
            other.advance(self.here.time);
            self.tell(&mut other);
            self.finish(self.here);
        }
    }

    /// Compares all that is left of a start.
    fn finish(&mut self, last: Place) {
        self.tally.compare_before(Instant::NEVER, last);
        self.tally.journal.close(last.time);
        self.tally.other.close(last.time);
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

/// Whether an input leaves a start a start.
const fn is_start(input: &Input) -> bool {
    matches!(
        input,
        Input::Boot { .. }
            | Input::Restore { .. }
            | Input::Level { why: LevelWhy::Start, .. }
            | Input::Link { .. }
    )
}
