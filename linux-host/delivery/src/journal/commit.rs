//! A commit: what was taken goes to the disk, is published, and synced when that is due; and what becomes of it while
//! the disk refuses.

use std::io;
use std::sync::Arc;

use campanile_core::time::Instant;

use super::Journal;
use crate::group::{Group, Kind};
use crate::health::own_limit;
use crate::storage::Storage;
use crate::unheard::Unheard;
use crate::writer::Writer;

/// At most this many groups are looked at for one write.
const GROUPS_A_WRITE: usize = 1024;

impl<S: Storage> Journal<S> {
    /// Writes and publishes everything taken so far, and syncs if the window has passed.
    pub fn commit(&mut self, now: Instant) {
        self.note_damage(now);
        self.flush_builder();
        self.pending = None;
        if let Err(error) = self.durability.look_after(&mut self.writer, now) {
            self.note_failure(&error, now);
        }
        let Writer { storage, segment_len, .. } = &self.writer;
        self.health.look(now, u64::from(*segment_len), || storage.free());
        if self.health.may_try(now) {
            self.signs.begin(now);
            // What is written is published before any tidying, which may take as long as a new segment.
            let done = self.write_out(now).and_then(|()| {
                self.publish();
                self.set_damage_aside();
                self.upkeep(now)?;
                if self.sign_due().is_some_and(|due| due <= now) { self.signs.leave(now) } else { Ok(()) }
            });
            match done {
                Ok(()) => self.health.succeeded(),
                Err(error) => self.note_failure(&error, now),
            }
        }
        self.bound(now);
        self.publish();
    }

    pub(super) fn note_failure(&mut self, error: &io::Error, now: Instant) {
        let Writer { storage, segment_len, .. } = &self.writer;
        self.health.failed(now, error, u64::from(*segment_len), || storage.free());
        self.counts.failures += 1;
        if self.writer.active.is_none() {
            // What was dropped lies behind what comes back now.
            self.explain_loss(now);
            // The segment is given up: all that it may have lost goes into the next one.
            self.index.lock().tail.take_back();
            self.durability.forget();
        }
    }

    /// Puts the word on what was dropped from memory in its place.
    fn explain_loss(&mut self, now: Instant) {
        let mut state = self.index.lock();
        if state.tail.has_loss() {
            state.tail.explain_loss(self.health.why(), self.clock.stamp(now));
            self.wants_checkpoint = true;
        }
    }

    /// Writes what the disk has not taken, and syncs if that is due.
    pub(super) fn write_out(&mut self, now: Instant) -> io::Result<()> {
        self.explain_loss(now);
        loop {
            let groups: Vec<Arc<Group>> =
                self.index.lock().tail.unwritten().take(GROUPS_A_WRITE).map(Arc::clone).collect();
            if groups.is_empty() {
                break;
            }
            match self.writer.write(&groups) {
                Ok(0) => self.next_segment(&groups, now)?,
                Ok(taken) => {
                    self.index.lock().tail.mark_written(taken);
                    self.durability.note_written(now);
                    self.signs.note_written(now);
                }
                Err(error) => {
                    // What the disk took before need not wait for what it does not take now.
                    if self.writer.active.is_some() {
                        self.durability.sync_if_due(&mut self.writer, now)?;
                    }
                    return Err(error);
                }
            }
        }
        self.durability.sync_if_due(&mut self.writer, now)?;
        self.durability.satisfied();
        Ok(())
    }

    fn next_segment(&mut self, groups: &[Arc<Group>], now: Instant) -> io::Result<()> {
        if self.retention.is_closed(&self.writer) && !self.delete_oldest(now)? {
            // This is asked every second for as long as a sink is away: the disk does only what is due anyway.
            self.durability.sync_if_due(&mut self.writer, now)?;
            return Err(own_limit());
        }
        self.durability.sync_now(&mut self.writer)?;
        let taken = self.writer.rotate(groups, self.retention.unix(now).unwrap_or(0))?;
        self.signs.note_written(now);
        self.wants_checkpoint |= groups.first().is_some_and(|first| first.kind != Kind::Checkpoint);
        let mut state = self.index.lock();
        state.tail.mark_written(taken);
        state.tail.mark_synced();
        Ok(())
    }

    /// Keeps the memory bounded, whatever the disk does. Words on losses come again at the end of what is kept.
    fn bound(&mut self, now: Instant) {
        let mut unheard = Unheard::default();
        self.counts.lost += self.index.lock().tail.bound(self.options.memory, &mut unheard);
        for word in unheard.words() {
            let before = self.builder.host(&word, self.clock.stamp(now));
            self.push(before);
        }
        self.flush_builder();
    }

    pub(super) fn publish(&mut self) {
        let head = self.builder.end.at;
        let mut state = self.index.lock();
        self.writer.show(&mut state);
        let behind = state.tail.unwritten().len();
        state.from_memory = behind > 0;
        let moved = state.head != head;
        state.head = head;
        drop(state);
        if moved {
            self.index.wake();
        }
    }
}
