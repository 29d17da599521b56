//! Retention: which segments go, and what is said before they do.
//!
//! Whole segments, oldest first. By size: when segments and the spare one reach the limit, the oldest becomes the
//! spare one. By age: only while the clock is trusted, and one at the opening and one an hour at most, so that a clock that
//! jumps costs little. A sink that has not delivered what goes is told so in a `dropped` record, on disk before the deletion; one
//! that goes itself before the sink has got it is said again. With `when-full = "keep"` nothing goes that a sink still
//! needs.

use std::collections::BTreeMap;
use std::io;

use campanile_core::time::{Duration, Instant};

use crate::entry::Entry;
use crate::host::HostRecord;
use crate::name::SinkName;
use crate::options::{Options, WhenFull};
use crate::position::Position;
use crate::program;
use crate::segment::{SPARE, name};
use crate::storage::{File as _, Storage};
use crate::survey::survey;
use crate::unheard::Unheard;
use crate::writer::Writer;

/// At most one segment goes by age in this time.
const AGE_EVERY: Duration = Duration::from_secs(3600);

/// How long to wait for sinks, or for room, before asking again.
const RETRY: Duration = Duration::from_secs(1);

/// Which segments go, and when to look again.
pub(crate) struct Retention {
    segments_max: usize,
    age: Option<Duration>,
    when_full: WhenFull,
    clock: Option<(Instant, i64)>,
    /// The next look at what is missing or too much.
    retry: Instant,
    /// The next look at the oldest segment's age, and so the next deletion by age.
    age_next: Instant,
    /// What each sink has lost, as far as it is recorded.
    told: BTreeMap<SinkName, Told>,
}

/// The losses of a sink, and the last word on them.
#[derive(Clone, Copy)]
struct Told {
    /// Behind this place the first was on which the sink has not got the word.
    since: Position,
    to: Position,
    word: Position,
}

/// A segment that may go, once it is said who loses by that.
pub(crate) struct Oldest {
    entry: Entry,
    /// Its last place.
    pub end: Position,
    /// Sinks that have not delivered it, and where they are.
    pub behind: Vec<(SinkName, Position)>,
}

impl Retention {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            segments_max: options.segments_max(),
            age: options.age,
            when_full: options.when_full,
            clock: None,
            retry: Instant::ZERO,
            // At once: a machine that never runs for an hour has to forget, too.
            age_next: Instant::ZERO,
            told: BTreeMap::new(),
        }
    }

    pub(crate) fn set_clock(&mut self, now: Instant, unix: Option<i64>) {
        self.clock = unix.map(|unix| (now, unix));
    }

    /// The time of day, if it can be trusted.
    pub(crate) fn unix(&self, now: Instant) -> Option<i64> {
        let (at, unix) = self.clock?;
        Some(unix.saturating_add_unsigned(now.since(at).micros()))
    }

    /// When there is something to make or to delete.
    pub(crate) fn due<S: Storage>(&self, writer: &Writer<S>) -> Option<Instant> {
        if !writer.spare || files(writer) > self.segments_max {
            return Some(self.retry);
        }
        self.age.and(self.clock).map(|_| self.age_next)
    }

    /// Whether the oldest segment has to go for room.
    pub(crate) fn wants_room<S: Storage>(&self, writer: &Writer<S>) -> bool {
        files(writer) > self.segments_max || (!writer.spare && self.is_at_limit(writer))
    }

    /// Whether no other segment may be begun before one goes.
    pub(crate) fn is_closed<S: Storage>(&self, writer: &Writer<S>) -> bool {
        self.when_full == WhenFull::Keep && !writer.spare && self.is_at_limit(writer)
    }

    fn is_at_limit<S: Storage>(&self, writer: &Writer<S>) -> bool {
        files(writer) >= self.segments_max
    }

    /// Nothing can be done now.
    pub(crate) fn wait(&mut self, now: Instant) {
        self.retry = now.plus(RETRY);
    }

    /// Makes the spare segment if there is room for it.
    pub(crate) fn make_spare<S: Storage>(&mut self, writer: &mut Writer<S>, now: Instant) {
        // Without a spare there is still the rest of this segment: a failure here is not yet one of the journal.
        if !writer.spare && !self.is_at_limit(writer) && writer.make_spare().is_err() {
            self.wait(now);
        }
    }

    /// Whether the oldest segment has to go for its age; asked once the clock is trusted, and then once an hour.
    pub(crate) fn is_outdated<S: Storage>(&mut self, writer: &Writer<S>, now: Instant) -> bool {
        let Some((age, unix)) = self.age.zip(self.unix(now)).filter(|_| self.age_next <= now) else {
            return false;
        };
        self.age_next = now.plus(AGE_EVERY);
        // A segment ends when a later one begins; those begun before the clock was set, or while it was ahead, say nothing.
        let state = writer.index.lock();
        let mut begun = state.segments.iter().skip(1).map(|entry| entry.unix);
        let ended = begun.find(|&begun| begun != 0 && begun <= unix);
        ended.is_some_and(|ended| ended.saturating_add_unsigned(age.micros()) < unix)
    }

    /// The oldest segment, unless it is the only one or must be kept.
    pub(crate) fn oldest<S: Storage>(&self, writer: &Writer<S>) -> Option<Oldest> {
        let state = writer.index.lock();
        let (entry, next) = state.segments.front().zip(state.segments.get(1))?;
        let (entry, end) = (*entry, next.start.at);
        let behind = state.places.iter().filter(|(_, place)| **place < end);
        let behind: Vec<_> = behind.map(|(sink, place)| (sink.clone(), *place)).collect();
        (behind.is_empty() || self.when_full == WhenFull::DropOldest).then_some(Oldest { entry, end, behind })
    }

    /// The word on what a sink loses with a segment, and how many records that is; each loss is counted once. Words on
    /// earlier losses that go with it, which the sink has not got either, go to `unheard`, and if the disk does not give them,
    /// what they were about.
    pub(crate) fn loss<S: Storage>(
        &self,
        writer: &Writer<S>,
        (sink, place): (SinkName, Position),
        to: Position,
        unheard: &mut Unheard,
    ) -> Option<(HostRecord, u64)> {
        let told = self.open_loss(&sink, place);
        let from = told.map_or(place, |told| place.max(told.to));
        if from >= to {
            return None;
        }
        let (count, is_read) = survey(&mut writer.index.reader(from), &sink, to, unheard);
        if let Some(told) = told.filter(|_| !is_read) {
            unheard.lose(&sink, told.since, told.to, 0);
        }
        Some((HostRecord::Dropped { sink, from, to, count }, count))
    }

    /// A word on a loss has this place: a sink that is behind that has still to get it.
    pub(crate) fn told(&mut self, sink: SinkName, place: Position, to: Position, word: Position) {
        let since = self.open_loss(&sink, place).map_or(place, |told| told.since);
        self.told.insert(sink, Told { since, to, word });
    }

    /// The losses of a sink that is here, if it has not got the last word on them.
    fn open_loss(&self, sink: &SinkName, place: Position) -> Option<Told> {
        self.told.get(sink).copied().filter(|told| place < told.word)
    }
}

/// Takes a segment from the readers and then from the disk; puts it back if the disk keeps it.
pub(crate) fn remove<S: Storage>(writer: &mut Writer<S>, oldest: &Oldest) -> io::Result<()> {
    writer.index.lock().segments.pop_front();
    if let Err(error) = remove_file(writer, oldest.entry.id) {
        writer.index.lock().segments.push_front(oldest.entry);
        return Err(error);
    }
    let (next, named) = {
        let mut state = writer.index.lock();
        let next = state.segments.front().map_or(writer.next_id, |entry| entry.id);
        state.damage.forget_before(next);
        (next, state.segments.iter().map(|entry| entry.program).collect::<Vec<u64>>())
    };
    writer.storage.sync_names()?;
    program::prune(&*writer.storage, next, &|hash| named.contains(&hash))
}

fn remove_file<S: Storage>(writer: &mut Writer<S>, segment: u64) -> io::Result<()> {
    let storage = &*writer.storage;
    let file = name(segment);
    if !writer.spare && storage.open(&file)?.len()? == u64::from(writer.segment_len) {
        // Its blocks are written and its old groups never pass again.
        storage.rename(&file, SPARE)?;
        writer.spare = true;
        return Ok(());
    }
    storage.remove(&file)
}

/// Segments, the spare one included.
fn files<S: Storage>(writer: &Writer<S>) -> usize {
    writer.index.lock().segments.len() + usize::from(writer.spare)
}
