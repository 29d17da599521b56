//! The journal: the log of a node on disk, the first sink and the source of all others.
//!
//! Batches of whole records come in, in order; a commit hands them to the kernel in one write, publishes them to the
//! readers and syncs when the window has passed. What is published survives any death of the process; a power cut may
//! take the last window (nothing, where the sync comes before the publishing). A disk that fails never stops the
//! intake: the journal goes on from bounded memory, counts what that costs, and recovers by itself.
//!
//! One thread owns it. It sleeps until [`Journal::due`] or the next batch, and calls [`Journal::tick`].

use std::io;
use std::sync::Arc;

use campanile_core::time::{Duration, Instant};

use crate::batch::{AppendError, Batch};
use crate::context::{program_of, swaps};
use crate::group::{Frames, Group, Kind, Loss, MAX_HEAD};
use crate::health::{Degraded, Health};
use crate::host::{GapWhy, HostRecord};
use crate::index::Index;
use crate::options::Options;
use crate::position::{Boot, Cursor, Mark, Position};
use crate::program::{self, StoredProgram};
use crate::reader::Reader;
use crate::repair::set_aside;
use crate::retention::Retention;
use crate::signs::Signs;
use crate::status::{Counts, Status};
use crate::storage::Storage;
use crate::sync::Durability;
use crate::tail::Builder;
use crate::unwritten::Unwritten;
use crate::writer::{Writer, checkpoint_every};

/// At most this many groups are looked at for one write.
const GROUPS_A_WRITE: usize = 1024;

/// About what a group costs on disk beside its records.
const GROUP_COST: usize = 8;

/// The journal of a node.
pub struct Journal<S: Storage> {
    pub(crate) index: Arc<Index<S>>,
    pub(crate) writer: Writer<S>,
    pub(crate) options: Options,
    pub(crate) health: Health,
    pub(crate) retention: Retention,
    pub(crate) boot: Boot,
    signs: Signs<S>,
    builder: Builder,
    /// Something waits for a commit: since when, and whether it may wait for company.
    pending: Option<Pending>,
    pub(crate) durability: Durability<S::File>,
    /// Bytes since the last checkpoint.
    since_checkpoint: usize,
    /// A stretch begins that has no checkpoint yet.
    wants_checkpoint: bool,
    counts: Counts,
}

#[derive(Clone, Copy)]
struct Pending {
    since: Instant,
    urgent: bool,
}

impl<S: Storage> Journal<S> {
    pub(crate) fn assemble(writer: Writer<S>, signs: Signs<S>, options: Options, boot: Boot) -> Self {
        Self {
            index: Arc::clone(&writer.index),
            writer,
            options,
            health: Health::new(),
            retention: Retention::default(),
            boot,
            signs,
            builder: Builder::new(Mark { at: Position::start_of(boot), time: Instant::ZERO }),
            pending: None,
            durability: Durability::default(),
            since_checkpoint: 0,
            wants_checkpoint: false,
            counts: Counts::default(),
        }
    }

    /// What the readers share.
    pub fn index(&self) -> &Arc<Index<S>> {
        &self.index
    }

    /// A reader of everything behind `after`.
    pub fn reader(&self, after: Cursor) -> Reader<S> {
        self.index.reader(after)
    }

    /// This start.
    pub fn boot(&self) -> Boot {
        self.boot
    }

    /// Takes a batch of the engine's records. With `durable` the next commit syncs before it publishes. Numbers that
    /// are missing in front of it are recorded as a gap.
    ///
    /// # Errors
    /// The batch is refused whole.
    pub fn append(&mut self, batch: &Batch<'_>, durable: bool, now: Instant) -> Result<(), AppendError> {
        let last = self.builder.end.at.seq;
        if batch.first_seq <= last {
            return Err(AppendError::Repeated(last));
        }
        let (mut bytes, mut count, mut urgent, mut at) = (0, 0, durable, batch.base);
        let (mut program, mut swapped) = (None, false);
        for frame in Frames(batch.bytes) {
            bytes += frame.bytes.len();
            count += 1;
            at = at.plus(frame.dt);
            urgent |= frame.kind() != 0;
            self.signs.take(&frame, at);
            program = program_of(&frame).or(program);
            swapped |= swaps(&frame);
        }
        if bytes != batch.bytes.len() || count != batch.count {
            return Err(AppendError::Malformed);
        }
        if count == 0 {
            return Ok(());
        }
        if batch.first_seq > last + 1 {
            self.record_overrun(last + 1, batch.first_seq - 1, now);
        }
        self.append_split(batch);
        if let Some(program) = program {
            self.builder.program = program;
        }
        // Other ids from here on: a stretch of its own.
        self.wants_checkpoint |= swapped;
        self.counts.records += count;
        if durable {
            self.durability.require();
        }
        self.note_pending(now, urgent);
        Ok(())
    }

    /// Adds a batch in parts that fit into a group.
    fn append_split(&mut self, batch: &Batch<'_>) {
        let max = self.options.body_max();
        let (mut from, mut len, mut count) = (0, 0, 0);
        let (mut base, mut span) = (batch.base, Duration::ZERO);
        for frame in Frames(batch.bytes) {
            if len + frame.bytes.len() > max {
                let full = self.builder.engine(base, &batch.bytes[from..from + len], count, span);
                self.push(full);
                (from, len, count) = (from + len, 0, 0);
                (base, span) = (base.plus(span), Duration::ZERO);
            }
            len += frame.bytes.len();
            count += 1;
            span = span.plus(frame.dt);
        }
        let full = self.builder.engine(base, &batch.bytes[from..from + len], count, span);
        self.push(full);
    }

    /// The core's ring was overwritten: a new stretch begins.
    fn record_overrun(&mut self, from: u64, to: u64, now: Instant) {
        let count = to - from + 1;
        let before = self.builder.skip_to(to);
        self.push(before);
        let gap = HostRecord::JournalGap { from, to, count, why: GapWhy::Overrun };
        let before = self.builder.host(&gap, now);
        self.push(before);
        self.builder.explain(Loss { from, count });
        self.counts.lost += count;
        self.wants_checkpoint = true;
    }

    /// Takes a checkpoint: the engine's state behind the last batch, as `Restore` records in a row.
    ///
    /// # Errors
    /// It is refused; the journal goes on without.
    pub fn checkpoint(&mut self, items: &[u8], now: Instant) -> Result<(), AppendError> {
        if items.len() > self.options.body_max() {
            return Err(AppendError::TooLarge);
        }
        if Frames(items).map(|frame| frame.bytes.len()).sum::<usize>() != items.len() {
            return Err(AppendError::Malformed);
        }
        let before = self.builder.checkpoint(items);
        self.push(before);
        self.writer.checkpoint = items.len() as u32 + MAX_HEAD;
        (self.since_checkpoint, self.wants_checkpoint) = (0, false);
        self.note_pending(now, true);
        Ok(())
    }

    /// Whether a checkpoint is due: at the start of every stretch and segment, and every 64 KiB. Ask after each
    /// commit; the sooner it comes, the less a replay needs.
    pub fn wants_checkpoint(&self) -> bool {
        let capacity = self.writer.active.as_ref().map_or(self.writer.segment_len, |active| active.capacity);
        self.wants_checkpoint || self.since_checkpoint >= checkpoint_every(capacity) as usize
    }

    /// Takes one of the host's own records.
    pub fn record(&mut self, record: &HostRecord, now: Instant) {
        let before = self.builder.host(record, now);
        self.push(before);
        self.note_pending(now, true);
    }

    /// Keeps a program that becomes active: its image and its names, as long as a segment names its hash.
    ///
    /// # Errors
    /// The disk refuses; the program runs all the same, but a replay would have to get the image elsewhere. Call
    /// again when the journal is no longer degraded.
    pub fn keep_program(&mut self, hash: u64, program: &StoredProgram) -> io::Result<()> {
        // What follows may go into the active segment or into the next one.
        program::save(&*self.writer.storage, hash, self.writer.next_id, program)
    }

    /// Tells the time of day, where it can be trusted, in microseconds since 1970: retention by age needs it.
    pub fn set_clock(&mut self, now: Instant, unix: Option<i64>) {
        self.retention.set_clock(now, unix);
    }

    /// When [`tick`](Self::tick) has something to do.
    pub fn due(&self) -> Option<Instant> {
        let write = self.pending.map(|pending| {
            pending.since.plus(if pending.urgent { Duration::ZERO } else { self.options.linger })
        });
        match self.health.degraded() {
            // What is pending goes to the readers from memory meanwhile.
            Some(degraded) => [write, Some(degraded.retry)].into_iter().flatten().min(),
            None => [write, self.sync_due(), self.upkeep_due(), self.sign_due()].into_iter().flatten().min(),
        }
    }

    /// A sign of life must not outlive the records before it: it waits for their sync.
    fn sign_due(&self) -> Option<Instant> {
        self.signs.due().filter(|_| self.durability.is_synced())
    }

    /// Does what is due, and nothing else.
    pub fn tick(&mut self, now: Instant) {
        if self.due().is_some_and(|due| due <= now) {
            self.commit(now);
        }
    }

    /// Writes and publishes everything taken so far, and syncs if the window has passed.
    pub fn commit(&mut self, now: Instant) {
        self.note_damage(now);
        self.flush_builder();
        self.pending = None;
        if let Err(error) = self.look_after_sync(now) {
            self.note_failure(&error, now);
        }
        if self.health.may_try(now) {
            self.signs.begin(now);
            // What is written is published before any tidying, which may take as long as a new segment.
            let done = self.write_out(now).and_then(|()| {
                self.publish();
                self.upkeep(now)?;
                if self.sign_due().is_some_and(|due| due <= now) { self.signs.leave(now) } else { Ok(()) }
            });
            match done {
                Ok(()) => self.health.succeeded(),
                Err(error) => self.note_failure(&error, now),
            }
        }
        self.bound();
        self.publish();
    }

    /// Stops in order: everything is written and synced, with a word that says so. A checkpoint just before keeps the
    /// state even if the disk takes no more than the last words.
    ///
    /// # Errors
    /// The disk refuses: what it did not take, and whether it says so itself. That is lost.
    pub fn close(mut self, now: Instant) -> Result<(), Unwritten> {
        self.record(&HostRecord::Stopped, now);
        self.durability.require();
        self.flush_builder();
        let written = self.write_out(now);
        let unwritten = written.err().map(|error| self.last_words(error, now));
        if unwritten.as_ref().is_none_or(|unwritten| unwritten.said) {
            self.signs.end(now);
        }
        self.publish();
        unwritten.map_or(Ok(()), Err)
    }

    /// The disk refuses the end of the journal: gives up as much as it must, for the sake of what tells most.
    fn last_words(&mut self, error: io::Error, now: Instant) -> Unwritten {
        self.note_failure(&error, now);
        let why = self.health.why();
        self.writer.last = true;
        // The state, and what came behind it, are worth more than all before.
        let checkpoint = self.index.lock().tail.last_checkpoint();
        if let Some(before) = checkpoint
            && let Some(missing) = self.give_up(before, now)
        {
            return Unwritten { missing, why, error, said: true, state: true };
        }
        // And the word on the loss is worth more than them.
        let (state, waiting) = {
            let state = self.index.lock();
            (checkpoint.is_some() && state.tail.last_checkpoint().is_none(), state.tail.unwritten().len())
        };
        let missing = self.give_up(waiting.saturating_sub(1), now);
        let said = missing.is_some();
        let missing = missing.unwrap_or_else(|| self.index.lock().tail.missing());
        Unwritten { missing, why, error, said, state }
    }

    /// Gives up the first so many groups that wait, and writes the rest; what is missing then, if the disk takes it.
    fn give_up(&mut self, groups: usize, now: Instant) -> Option<Option<Loss>> {
        let (lost, missing) = {
            let tail = &mut self.index.lock().tail;
            (tail.give_up(groups), tail.lost())
        };
        self.counts.lost += lost;
        self.durability.require();
        match self.write_out(now) {
            Ok(()) => Some(missing),
            Err(error) => {
                self.note_failure(&error, now);
                None
            }
        }
    }

    /// Why the journal goes on from memory, if it does.
    pub fn degraded(&self) -> Option<&Degraded> {
        self.health.degraded()
    }

    /// The journal at a glance.
    pub fn status(&self) -> Status {
        let state = self.index.lock();
        let files = state.segments.len() + usize::from(self.writer.spare);
        Status {
            boot: self.boot,
            head: state.head,
            segments: state.segments.len(),
            bytes: files as u64 * u64::from(self.writer.segment_len),
            bytes_max: self.options.size,
            spare: self.writer.spare,
            degraded: self.health.degraded().cloned(),
            memory: state.tail.unwritten_bytes(),
            writes: self.writer.writes,
            syncs: self.writer.syncs,
            counts: self.counts,
        }
    }

    pub(crate) fn push(&mut self, group: Option<Group>) {
        if let Some(group) = group {
            self.since_checkpoint += group.body.len() + GROUP_COST;
            self.index.lock().tail.push(group);
        }
    }

    /// What was taken so far is a group of its own.
    pub(crate) fn flush_builder(&mut self) {
        let last = self.builder.close();
        self.push(last);
    }

    pub(crate) fn count_dropped(&mut self, count: u64) {
        self.counts.dropped += count;
    }

    fn note_pending(&mut self, now: Instant, urgent: bool) {
        let pending = self.pending.get_or_insert(Pending { since: now, urgent });
        pending.urgent |= urgent;
    }

    /// Damage that was found, and set aside, when the journal was opened.
    pub(crate) fn count_damage(&mut self, damaged: &[(Position, Position)], now: Instant) {
        for &(from, to) in damaged {
            self.counts.damaged += 1;
            self.record(&HostRecord::Damaged { from, to }, now);
        }
    }

    fn note_failure(&mut self, error: &io::Error, now: Instant) {
        self.health.failed(now, error);
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
            state.tail.explain_loss(self.health.why(), now);
            self.wants_checkpoint = true;
        }
    }

    /// Writes what the disk has not taken, and syncs if that is due.
    pub(crate) fn write_out(&mut self, now: Instant) -> io::Result<()> {
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
                        self.sync_if_due(now)?;
                    }
                    return Err(error);
                }
            }
        }
        self.sync_if_due(now)?;
        self.durability.satisfied();
        Ok(())
    }

    fn next_segment(&mut self, groups: &[Arc<Group>], now: Instant) -> io::Result<()> {
        self.sync_now()?;
        self.check_room(now)?;
        let taken = self.writer.rotate(groups, self.retention.unix(now).unwrap_or(0))?;
        self.wants_checkpoint |= groups.first().is_some_and(|first| first.kind != Kind::Checkpoint);
        let mut state = self.index.lock();
        state.tail.mark_written(taken);
        state.tail.mark_synced();
        Ok(())
    }

    /// Damage that readers came upon is set aside and recorded.
    fn note_damage(&mut self, now: Instant) {
        let reports = self.index.lock().damage.take();
        for damage in reports {
            self.counts.damaged += 1;
            // A disk that cannot even keep the copy has said enough with the damage itself.
            let _ = set_aside(&*self.writer.storage, &damage);
            self.record(&HostRecord::Damaged { from: damage.from, to: damage.to }, now);
        }
    }

    /// Keeps the memory bounded, whatever the disk does.
    fn bound(&mut self) {
        let lost = self.index.lock().tail.bound(self.options.memory);
        self.counts.lost += lost;
    }

    fn publish(&mut self) {
        let head = self.builder.end.at;
        let mut state = self.index.lock();
        if let Some((entry, active)) = state.segments.back_mut().zip(self.writer.active.as_ref()) {
            entry.end = active.end;
        }
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

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
