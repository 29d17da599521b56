//! From a journal to a recording.
//!
//! Starts follow each other on one axis: by the time that the node was off, if its clock tells; by the engine's clock,
//! if that went on; else a second apart.

use std::io;
use std::sync::Arc;

use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Body, HostRecord, Index, Item, Next, Position, Storage, Wall};

use crate::picture::lanes::Lanes;
use crate::picture::recording::{Clock, Mark, Recording, What};
use crate::replay::{Bound, Place, Range};

/// Between two starts when nobody knows how long the node was off.
const APART: Duration = Duration::from_secs(1);

/// Behind the last record there is this share of the whole, so that it can be seen.
const MARGIN: u64 = 40;

/// The first of 2020: a clock that nobody vouches for and that is before this was never set, and tells no time of day.
const SET: i64 = 1_577_836_800_000_000;

/// Makes a recording of a journal, or of the part of it that lies in a range. What was before is shown as it is known
/// at the beginning, also where nothing happened in it. `None`: nobody knows what was then.
///
/// # Errors
/// The disk fails.
pub fn record<S: Storage>(index: &Arc<Index<S>>, range: &Range) -> io::Result<Option<Recording>> {
    let mut reader = index.reader(Position::START);
    let mut tape = Tape::default();
    loop {
        match reader.next()? {
            Next::End => break,
            Next::Lagged(_) => tape.gap(What::Missing),
            Next::Item(item) => {
                let place = Place { at: item.at, time: item.time, wall: item.wall };
                if range.ends_before(&place) {
                    tape.next = Some(place);
                    break;
                }
                if !tape.in_range && !range.begins_behind(&place) {
                    tape.in_range = true;
                    let lead = range.from.and_then(|from| from.behind(&place)).unwrap_or(0);
                    tape.lead = Duration::from_micros(u64::try_from(-lead).unwrap_or(0));
                }
                tape.item(index, &item);
                tape.note(&item, place);
            }
        }
    }
    Ok(tape.finish(range))
}

/// A recording under way.
#[derive(Default)]
struct Tape {
    lanes: Lanes,
    marks: Vec<Mark>,
    program: u64,
    /// The journal has not kept that one.
    is_lacking: bool,
    /// Those of the range.
    programs: Vec<u64>,
    /// Records of a start that has not said yet which program it runs.
    opening: Option<Vec<(Instant, Record)>>,
    /// The last record: its place on the axis, and the engine's clock then.
    last: (u64, Instant),
    /// The same in the journal, and the first record behind the range.
    place: Option<Place>,
    next: Option<Place>,
    /// The range has begun, and so long before its first record.
    in_range: bool,
    lead: Duration,
    /// Where it has: on the axis, and by the engine's clock.
    begin: Option<(u64, Instant)>,
    /// A time of day in the range, and its place on the axis: a trusted one, if there is any.
    wall: Option<(u64, Clock)>,
    /// This start has not read its clock yet: what it knows of the time is of the start before.
    no_clock: bool,
    /// Nobody knows how long the node was off somewhere in the range: a time behind that says nothing of what was before.
    adrift: bool,
    /// The first and the last record of the range.
    records: Option<(Position, Position)>,
    /// Seconds that local time is ahead.
    offset: i32,
    node: String,
}

impl Tape {
    /// A record of the engine's was read.
    fn note(&mut self, item: &Item<'_>, place: Place) {
        if !matches!(item.body, Body::Engine(_)) {
            return;
        }
        self.place = Some(place);
        if self.in_range {
            self.records = Some((self.records.map_or(item.at, |(first, _)| first), item.at));
        }
    }

    fn item<S: Storage>(&mut self, index: &Index<S>, item: &Item<'_>) {
        match &item.body {
            Body::Host(Some(HostRecord::Started { previous, .. })) => {
                if previous.is_some() {
                    self.lanes.forget(self.last.0);
                }
                self.opening = Some(Vec::new());
            }
            Body::Host(Some(HostRecord::Stopped)) => {
                self.mark(What::Stopped);
                self.lanes.forget(self.last.0);
            }
            Body::Host(Some(HostRecord::JournalGap { count: 1.., .. })) => self.gap(What::Gap),
            Body::Host(_) => {}
            Body::Checkpoint(items) => {
                if self.opening.is_none() {
                    self.learn_names(index, item.program);
                    for item in crate::replay::items(items) {
                        if let Restore::Clock { offset, .. } = item {
                            self.offset = offset;
                        }
                    }
                    let x = self.advance(item.time, item.wall);
                    crate::replay::items(items).for_each(|item| self.lanes.restore(x, &item));
                }
            }
            Body::Engine(frame) => {
                let Some(record) = frame.record() else { return };
                if let Some(opening) = &mut self.opening {
                    opening.push((item.time, record));
                    if let Record::Input(Input::Boot { boot, off, .. }) = record {
                        self.open(index, item, boot, off);
                    }
                } else {
                    self.learn_names(index, item.program);
                    self.record(item.time, item.wall, &record);
                }
            }
        }
    }

    /// A start says which program it runs.
    fn open<S: Storage>(&mut self, index: &Index<S>, item: &Item<'_>, boot: u64, off: Option<Duration>) {
        let records = self.opening.take().unwrap_or_default();
        let first = records.first().map_or(item.time, |(time, _)| *time);
        let (x, before) = self.last;
        let gap = match off {
            _ if x == 0 && before == Instant::ZERO => Duration::ZERO,
            Some(off) => off,
            None if first >= before => first.since(before),
            None => {
                self.adrift |= self.begin.is_some();
                APART
            }
        };
        self.no_clock = true;
        self.last = (x.saturating_add(gap.micros()), first);
        self.learn_names(index, item.program);
        self.mark(What::Start((boot >> 32) as u32));
        for (time, record) in &records {
            self.record(*time, None, record);
        }
    }

    fn record(&mut self, time: Instant, wall: Option<Wall>, record: &Record) {
        if let Record::Input(Input::Clock { offset, .. }) = record {
            (self.offset, self.no_clock) = (*offset, false);
        }
        let x = self.advance(time, wall);
        match record {
            Record::Input(Input::Install { .. }) => self.mark(What::Installed),
            Record::Input(Input::Stall { .. }) => self.mark(What::Stalled),
            _ => {}
        }
        self.lanes.take(x, record);
    }

    /// The place of a time on the axis.
    fn advance(&mut self, time: Instant, wall: Option<Wall>) -> u64 {
        let x = self.last.0.saturating_add(time.since(self.last.1).micros());
        self.last = (x, time.max(self.last.1));
        if self.in_range {
            if self.begin.is_none() {
                let lead = self.lead.min(Duration::from_micros(x));
                self.begin = Some((x - lead.micros(), time.minus(lead)));
                self.lanes.begin();
                self.mark_lacking();
            }
            if let Some(wall) = wall.filter(|wall| self.is_better(wall)) {
                let clock = Clock { unix: wall.unix_at(time), offset: self.offset, trusted: wall.trusted };
                self.wall = Some((x, clock));
            }
        }
        x
    }

    /// Whether a time of day tells more than what is known.
    fn is_better(&self, wall: &Wall) -> bool {
        !self.no_clock
            && (wall.trusted || wall.unix >= SET)
            && self.wall.is_none_or(|(_, known)| wall.trusted && !known.trusted && !self.adrift)
    }

    fn learn_names<S: Storage>(&mut self, index: &Index<S>, program: u64) {
        if program == self.program {
            return;
        }
        self.program = program;
        let stored = index.program(program).ok().flatten();
        let symbols = stored.and_then(|stored| Symbols::decode(&stored.symbols).ok());
        self.is_lacking = program != 0 && symbols.is_none();
        let symbols = symbols.unwrap_or_else(|| Symbols::new(&*self.node));
        self.node.clone_from(&symbols.node);
        self.lanes.name(self.last.0, symbols);
        if self.begin.is_none() {
            self.programs.clear();
        } else {
            self.mark_lacking();
        }
        if program != 0 && !self.programs.contains(&program) {
            self.programs.push(program);
        }
    }

    /// What the records of a program that was not kept are about, nobody knows.
    fn mark_lacking(&mut self) {
        if self.is_lacking {
            self.mark(What::NoProgram);
        }
    }

    /// Records are missing: nothing is known until it is told again.
    fn gap(&mut self, what: What) {
        self.opening = None;
        // Nobody knows what was behind it.
        self.place = None;
        self.lanes.forget(self.last.0);
        self.mark(what);
    }

    fn mark(&mut self, what: What) {
        if self.in_range {
            self.marks.push(Mark { at: self.last.0, what });
        }
    }

    /// How long behind its last record the range ends, as far as it is known that nothing happened until then.
    fn rest(&self, range: &Range) -> Option<u64> {
        let last = self.place.as_ref()?;
        let most = match (range.until?, &self.next) {
            // A simulation was played to its end.
            (Bound::Engine(_), _) => u64::MAX,
            (_, Some(next)) if next.at.boot == last.at.boot => next.time.since(last.time).micros(),
            _ => return None,
        };
        let rest = range.until?.behind(last)?;
        Some(u64::try_from(rest).unwrap_or(0).min(most))
    }

    /// Nothing happened in the range: it begins behind the last record before it.
    fn begin_behind(&mut self, last: &Place, pause: u64) {
        self.in_range = true;
        self.advance(last.time.plus(Duration::from_micros(pause)), last.wall);
    }

    fn finish(mut self, range: &Range) -> Option<Recording> {
        let (rest, end) = (self.rest(range), self.last.0);
        if self.begin.is_none() {
            let (last, rest) = (self.place?, rest?);
            let pause = u64::try_from(range.from?.behind(&last)?).unwrap_or(0);
            self.begin_behind(&last, pause.min(rest));
        }
        let (begin, engine) = self.begin?;
        let length = match rest {
            Some(rest) => (end + rest).saturating_sub(begin),
            None => (end - begin) + ((end - begin) / MARGIN).max(1_000),
        };
        let on_axis = |mark: Mark| Mark { at: mark.at.saturating_sub(begin), ..mark };
        Some(Recording {
            node: self.node,
            length,
            engine: engine.micros(),
            wall: self
                .wall
                .map(|(x, clock)| Clock { unix: clock.unix.saturating_sub_unsigned(x - begin), ..clock }),
            records: self.records,
            programs: self.programs,
            lanes: self.lanes.finish(begin),
            marks: self.marks.into_iter().map(on_axis).collect(),
        })
    }
}
