//! The journal: the log of a node on disk, the first sink and the source of all others.
//!
//! Batches of whole records come in, in order; a commit hands them to the kernel in one write, publishes them to the
//! readers and syncs when the window has passed. What is published survives any death of the process; a power cut may
//! take the last window (nothing, where the sync comes before the publishing). A disk that fails never stops the
//! intake: the journal goes on from bounded memory, counts what that costs, and recovers by itself.
//!
//! One thread owns it. It sleeps until [`Journal::due`] or the next batch, and calls [`Journal::tick`].

mod clock;
mod commit;
mod ends;
mod upkeep;

use std::io;
use std::sync::Arc;

use campanile_core::time::{Duration, Instant};

use crate::batch::{AppendError, Batch};
use crate::context::{program_of, swaps};
use crate::entry::Damage;
use crate::group::{Frames, Group, Loss, MAX_HEAD};
use crate::health::{Degraded, Health};
use crate::host::{GapWhy, HostRecord};
use crate::index::Index;
use crate::options::Options;
use crate::position::{Boot, Cursor, Mark, Position};
use crate::program::{self, StoredProgram};
use crate::reader::Reader;
use crate::retention::Retention;
use crate::signs::Signs;
use crate::status::{Counts, Status};
use crate::storage::Storage;
use crate::sync::Durability;
use crate::tail::Builder;
use crate::writer::{Writer, checkpoint_every};

pub(crate) use clock::Clock;

/// About what a group costs on disk beside its records.
const GROUP_COST: usize = 8;

/// The journal of a node.
pub struct Journal<S: Storage> {
    index: Arc<Index<S>>,
    writer: Writer<S>,
    options: Options,
    health: Health,
    retention: Retention,
    pub(crate) boot: Boot,
    /// Of the host's own records.
    clock: Clock,
    signs: Signs<S>,
    builder: Builder,
    /// Something waits for a commit: since when, and whether it may wait for company.
    pending: Option<Pending>,
    durability: Durability<S::File>,
    /// Damage that is recorded, but not set aside yet.
    damage: Vec<Damage>,
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
    pub(crate) fn assemble(
        writer: Writer<S>,
        signs: Signs<S>,
        options: Options,
        boot: Boot,
        clock: Clock,
    ) -> Self {
        let start = Mark { at: Position::start_of(boot), time: Instant::ZERO };
        let builder = Builder::new(start, options.body_max());
        Self {
            index: Arc::clone(&writer.index),
            writer,
            health: Health::new(),
            retention: Retention::new(&options),
            boot,
            clock,
            signs,
            builder,
            pending: None,
            durability: Durability::new(&options),
            options,
            damage: Vec::new(),
            since_checkpoint: 0,
            wants_checkpoint: false,
            counts: Counts::default(),
        }
    }

    /// The start that it is opened for has begun before: to this place, where this program was active.
    pub(crate) const fn go_on(&mut self, end: Mark, program: u64) {
        (self.builder.end, self.builder.program) = (end, program);
    }

    /// The number of the engine's last record; 0 before the first of this start.
    pub const fn last_seq(&self) -> u64 {
        self.builder.end.at.seq
    }

    /// The program that was active at the engine's last record; `None` if none of this start has told.
    pub(crate) fn program(&self) -> Option<u64> {
        Some(self.builder.program).filter(|program| *program != 0)
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
        let mut swapped = false;
        for frame in Frames(batch.bytes) {
            bytes += frame.bytes.len();
            count += 1;
            at = at.plus(frame.dt);
            urgent |= frame.kind() != 0;
            self.signs.take(&frame, at);
            self.hear_time(&frame, at);
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
        // What fills a group has company enough: memory has no more than that for which the disk is not asked at once.
        urgent |= self.append_split(batch);
        // Other ids from here on: a stretch of its own.
        self.wants_checkpoint |= swapped;
        self.counts.records += count;
        if durable {
            self.durability.require();
        }
        self.note_pending(now, urgent);
        Ok(())
    }

    /// Adds a batch in parts that fit into a group. True if a group is full.
    fn append_split(&mut self, batch: &Batch<'_>) -> bool {
        let (max, mut filled) = (self.options.body_max(), false);
        let (mut from, mut len, mut count) = (0, 0, 0);
        let (mut base, mut span) = (batch.base, Duration::ZERO);
        let mut program = self.builder.program;
        for frame in Frames(batch.bytes) {
            if len + frame.bytes.len() > max {
                let full = self.builder.engine(base, &batch.bytes[from..from + len], count, span);
                filled |= full.is_some();
                self.push(full);
                (from, len, count) = (from + len, 0, 0);
                (base, span) = (base.plus(span), Duration::ZERO);
                self.builder.program = program;
            }
            len += frame.bytes.len();
            count += 1;
            span = span.plus(frame.dt);
            program = program_of(&frame).unwrap_or(program);
        }
        let full = self.builder.engine(base, &batch.bytes[from..from + len], count, span);
        filled |= full.is_some();
        self.push(full);
        self.builder.program = program;
        filled
    }

    /// The core's ring was overwritten: a new stretch begins.
    fn record_overrun(&mut self, from: u64, to: u64, now: Instant) {
        let count = to - from + 1;
        let before = self.builder.skip_to(to);
        self.push(before);
        let gap = HostRecord::JournalGap { from, to, count, why: GapWhy::Overrun };
        let before = self.builder.host(&gap, self.clock.stamp(now));
        self.push(before);
        self.builder.explain(Loss { from, to: self.builder.end.at, count });
        self.counts.lost += count;
        self.wants_checkpoint = true;
    }

    /// Records before this one never come, and it was written by this program, 0 if nobody knows.
    pub(crate) fn miss_before(&mut self, seq: u64, program: u64, now: Instant) {
        let last = self.builder.end.at.seq;
        if seq > last + 1 {
            self.record_overrun(last + 1, seq - 1, now);
            self.builder.program = program;
        }
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

    /// Syncs of the window run on a thread of their own from now on. Without it they run within
    /// [`commit`](Self::commit), which is what a simulator wants.
    ///
    /// # Errors
    /// There is no thread to be had; the journal goes on as before.
    pub fn sync_in_background(&mut self) -> io::Result<()> {
        self.durability.use_helper()
    }

    /// Whether a checkpoint is due: at the start of every stretch and segment, and every 64 KiB. Ask after each
    /// commit; the sooner it comes, the less a replay needs.
    pub fn wants_checkpoint(&self) -> bool {
        let capacity = self.writer.active.as_ref().map_or(self.writer.segment_len, |active| active.capacity);
        self.wants_checkpoint || self.since_checkpoint >= checkpoint_every(capacity) as usize
    }

    /// Takes one of the host's own records.
    pub fn record(&mut self, record: &HostRecord, now: Instant) {
        // After a power cut nothing else would tell of these: the record is gone, or the cursor past it.
        if matches!(
            record,
            HostRecord::DeadLetter { .. } | HostRecord::Damaged { .. } | HostRecord::Dropped { .. }
        ) {
            self.durability.require();
        }
        let before = self.builder.host(record, self.clock.stamp(now));
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

    /// Tells the time of day, where it can be trusted, in microseconds since 1970: retention by age needs it. Of a
    /// node that lives elsewhere; the journal of a node itself has it from the records.
    pub fn set_clock(&mut self, now: Instant, unix: Option<i64>) {
        self.retention.set_clock(now, unix);
    }

    /// When [`tick`](Self::tick) has something to do.
    pub fn due(&self) -> Option<Instant> {
        if self.index.has_damage() {
            return Some(Instant::ZERO);
        }
        let write = self.pending.map(|pending| {
            pending.since.plus(if pending.urgent { Duration::ZERO } else { self.options.linger })
        });
        match self.health.due() {
            // What is pending goes to the readers from memory meanwhile.
            Some(due) => [write, Some(due)].into_iter().flatten().min(),
            None => [write, self.durability.due(), self.retention.due(&self.writer), self.sign_due()]
                .into_iter()
                .flatten()
                .min(),
        }
    }

    /// A sign of life must not outlive the records before it: it waits for their sync. Of a node that lives elsewhere
    /// nobody here knows whether it lives.
    fn sign_due(&self) -> Option<Instant> {
        self.signs.due().filter(|_| self.clock == Clock::Engines && self.durability.is_synced())
    }

    /// Does what is due, and nothing else.
    pub fn tick(&mut self, now: Instant) {
        if self.due().is_some_and(|due| due <= now) {
            self.commit(now);
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

    fn note_pending(&mut self, now: Instant, urgent: bool) {
        let pending = self.pending.get_or_insert(Pending { since: now, urgent });
        pending.urgent |= urgent;
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
