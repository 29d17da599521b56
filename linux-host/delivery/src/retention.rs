//! Retention: which segments go, and what is said before they do.
//!
//! Whole segments, oldest first. By size: when segments and the spare one reach the limit, the oldest becomes the
//! spare one. By age: only while the clock is trusted, and one an hour at most, so that a clock that jumps costs
//! little. A sink that has not delivered what goes is told so in a `dropped` record, on disk before the deletion; with
//! `when-full = "keep"` nothing goes that a sink still needs.

use std::collections::BTreeMap;
use std::io;

use campanile_core::time::{Duration, Instant};

use crate::entry::Entry;
use crate::health::own_limit;
use crate::host::HostRecord;
use crate::journal::Journal;
use crate::name::SinkName;
use crate::options::WhenFull;
use crate::position::Position;
use crate::program;
use crate::reader::{Body, Next};
use crate::segment::{SPARE, name};
use crate::storage::{File as _, Storage};

/// At most one segment goes by age in this time.
const AGE_EVERY: Duration = Duration::from_secs(3600);

/// How long to wait for sinks, or for room, before asking again.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Retention {
    clock: Option<(Instant, i64)>,
    /// The next look at what is missing or too much.
    retry: Instant,
    /// The next look at the oldest segment's age, and so the next deletion by age.
    age_next: Instant,
    /// Up to where each sink's loss is recorded.
    told: BTreeMap<SinkName, Position>,
}

impl Retention {
    pub(crate) fn set_clock(&mut self, now: Instant, unix: Option<i64>) {
        self.clock = unix.map(|unix| (now, unix));
    }

    /// The time of day, if it can be trusted.
    pub(crate) fn unix(&self, now: Instant) -> Option<i64> {
        let (at, unix) = self.clock?;
        Some(unix.saturating_add_unsigned(now.since(at).micros()))
    }
}

impl<S: Storage> Journal<S> {
    /// When there is something to make or to delete.
    pub(crate) fn upkeep_due(&self) -> Option<Instant> {
        if !self.writer.spare || self.is_over() {
            return Some(self.retention.retry);
        }
        self.options.age.and(self.retention.clock).map(|_| self.retention.age_next)
    }

    /// Makes the spare segment, and deletes what is too much or too old.
    pub(crate) fn upkeep(&mut self, now: Instant) -> io::Result<()> {
        if self.upkeep_due().is_none_or(|due| due > now) {
            return Ok(());
        }
        while self.is_over() || (!self.writer.spare && self.is_at_limit()) {
            if !self.delete_oldest(now)? {
                self.retention.retry = now.plus(RETRY);
                break;
            }
        }
        // Without a spare there is still the rest of this segment: a failure here is not yet one of the journal.
        if !self.writer.spare && !self.is_at_limit() && self.writer.make_spare().is_err() {
            self.retention.retry = now.plus(RETRY);
        }
        if self.options.age.is_some() && self.retention.clock.is_some() && self.retention.age_next <= now {
            self.retention.age_next = now.plus(AGE_EVERY);
            if self.is_oldest_too_old(now) {
                self.delete_oldest(now)?;
            }
        }
        Ok(())
    }

    /// Whether another segment may be begun at all.
    pub(crate) fn check_room(&mut self, now: Instant) -> io::Result<()> {
        let full = self.options.when_full == WhenFull::Keep && !self.writer.spare && self.is_at_limit();
        if full && !self.delete_oldest(now)? { Err(own_limit()) } else { Ok(()) }
    }

    fn files(&self) -> usize {
        self.index.lock().segments.len() + usize::from(self.writer.spare)
    }

    fn is_at_limit(&self) -> bool {
        self.files() >= self.options.segments_max()
    }

    fn is_over(&self) -> bool {
        self.files() > self.options.segments_max()
    }

    fn is_oldest_too_old(&self, now: Instant) -> bool {
        let Some((age, unix)) = self.options.age.zip(self.retention.unix(now)) else { return false };
        // A segment ends when a later one begins; those begun before the clock was set say nothing.
        let state = self.index.lock();
        let ended = state.segments.iter().skip(1).map(|entry| entry.unix).find(|&unix| unix != 0);
        ended.is_some_and(|ended| ended.saturating_add_unsigned(age.micros()) < unix)
    }

    /// Deletes the oldest segment, unless it is the only one or must be kept; says whether it did.
    fn delete_oldest(&mut self, now: Instant) -> io::Result<bool> {
        let (oldest, end, places) = {
            let state = self.index.lock();
            let Some((oldest, next)) = state.segments.front().zip(state.segments.get(1)) else {
                return Ok(false);
            };
            (*oldest, next.start.at, state.places.clone())
        };
        let behind: Vec<(SinkName, Position)> =
            places.into_iter().filter(|(_, place)| *place < end).collect();
        if !behind.is_empty() {
            if self.options.when_full == WhenFull::Keep {
                return Ok(false);
            }
            self.record_dropped(&behind, end, now);
            self.durability.require();
            self.write_out(now)?;
        }
        Ok(self.remove(oldest).is_ok())
    }

    fn record_dropped(&mut self, behind: &[(SinkName, Position)], to: Position, now: Instant) {
        for (sink, place) in behind {
            let from = self.retention.told.get(sink).map_or(*place, |told| *place.max(told));
            let count = self.count_records(from, to);
            self.retention.told.insert(sink.clone(), to);
            self.count_dropped(count);
            self.record(&HostRecord::Dropped { sink: sink.clone(), from, to, count }, now);
        }
        self.flush_builder();
    }

    /// How many of the engine's records lie between two places.
    fn count_records(&self, from: Position, to: Position) -> u64 {
        let mut reader = self.index.reader(from);
        let mut count = 0;
        loop {
            match reader.next() {
                Ok(Next::Item(item)) if item.at > to => return count,
                Ok(Next::Item(item)) => count += u64::from(matches!(item.body, Body::Engine(_))),
                Ok(Next::Lagged(_)) => {}
                Ok(Next::End) | Err(_) => return count,
            }
        }
    }

    /// Takes a segment from the readers and then from the disk; puts it back if the disk keeps it.
    fn remove(&mut self, oldest: Entry) -> io::Result<()> {
        self.index.lock().segments.pop_front();
        if let Err(error) = self.remove_file(oldest.id) {
            self.index.lock().segments.push_front(oldest);
            return Err(error);
        }
        let (next, named) = {
            let mut state = self.index.lock();
            let next = state.segments.front().map_or(self.writer.next_id, |entry| entry.id);
            state.damage.forget_before(next);
            (next, state.segments.iter().map(|entry| entry.program).collect::<Vec<u64>>())
        };
        let storage = &*self.writer.storage;
        storage.sync_names()?;
        program::prune(storage, next, &|hash| named.contains(&hash))
    }

    fn remove_file(&mut self, segment: u64) -> io::Result<()> {
        let storage = &*self.writer.storage;
        let file = name(segment);
        if !self.writer.spare && storage.open(&file)?.len()? == u64::from(self.writer.segment_len) {
            // Its blocks are written and its old groups never pass again.
            storage.rename(&file, SPARE)?;
            self.writer.spare = true;
            return Ok(());
        }
        storage.remove(&file)
    }
}
