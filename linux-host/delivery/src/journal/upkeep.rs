//! What keeps the directory in order: room for what comes, and damage that readers came upon.

use std::io;

use campanile_core::record::Frame;
use campanile_core::time::Instant;

use super::{Clock, Journal};
use crate::context::clock_of;
use crate::host::HostRecord;
use crate::repair::set_aside;
use crate::retention;
use crate::segment::bad_name;
use crate::storage::Storage;
use crate::unheard::Unheard;

impl<S: Storage> Journal<S> {
    /// The record of a clock tells the time of day, if it is on the same clock as the journal.
    pub(super) fn hear_time(&mut self, frame: &Frame<'_>, at: Instant) {
        if let Some(unix) = clock_of(frame).filter(|_| self.clock == Clock::Engines) {
            self.retention.set_clock(at, unix);
        }
    }

    /// Makes the spare segment, and deletes what is too much or too old.
    pub(super) fn upkeep(&mut self, now: Instant) -> io::Result<()> {
        if self.retention.due(&self.writer).is_none_or(|due| due > now) {
            return Ok(());
        }
        while self.retention.wants_room(&self.writer) {
            if !self.delete_oldest(now)? {
                self.retention.wait(now);
                break;
            }
        }
        self.retention.make_spare(&mut self.writer, now);
        if self.retention.is_outdated(&self.writer, now) {
            self.delete_oldest(now)?;
        }
        Ok(())
    }

    /// Deletes the oldest segment, unless it is the only one or must be kept; says whether it did. Whoever has not
    /// delivered it is told so on disk before.
    pub(super) fn delete_oldest(&mut self, now: Instant) -> io::Result<bool> {
        let Some(mut oldest) = self.retention.oldest(&self.writer) else { return Ok(false) };
        let behind = std::mem::take(&mut oldest.behind);
        if !behind.is_empty() {
            let (mut unheard, mut words) = (Unheard::default(), Vec::new());
            for (sink, place) in behind {
                let loss = self.retention.loss(&self.writer, (sink.clone(), place), oldest.end, &mut unheard);
                words.extend(loss.map(|(word, count)| (sink, place, word, count)));
            }
            for word in unheard.words() {
                self.record(&word, now);
            }
            for (sink, place, word, count) in words {
                self.counts.dropped += count;
                self.record(&word, now);
                self.retention.told(sink, place, oldest.end, self.builder.end.at);
            }
            self.flush_builder();
            self.durability.require();
            self.write_out(now)?;
        }
        Ok(retention::remove(&mut self.writer, &oldest).is_ok())
    }

    /// Damage that readers came upon is recorded, and then set aside: what has been set aside counts as recorded.
    pub(super) fn note_damage(&mut self, now: Instant) {
        for mut damage in self.index.take_damage() {
            self.counts.damaged += 1;
            let active = self.writer.active.as_mut().filter(|active| active.id == damage.segment);
            if let Some(active) = active.filter(|active| active.anchor_at <= damage.offset) {
                // Whoever comes from before it finds nothing until the next anchor: that comes now, and what is written up
                // to here counts as lost for all, though some may have it.
                let end = active.chain.take().map_or(damage.to, |end| end.at);
                damage.to = damage.to.max(end);
                damage.end = damage.end.max(active.end);
                self.index.lock().damage.know(&damage);
            }
            self.record(&HostRecord::Damaged { from: damage.from, to: damage.to }, now);
            self.damage.push(damage);
        }
    }

    /// Keeps what the journal has recorded as damaged.
    pub(super) fn set_damage_aside(&mut self) {
        for damage in self.damage.drain(..) {
            // A disk that cannot even keep the copy has said enough with the damage itself.
            let name = bad_name(damage.segment, damage.offset);
            let _ = set_aside(&*self.writer.storage, &damage, &name);
        }
    }
}
