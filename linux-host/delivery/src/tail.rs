//! The end of the journal in memory: what is not known to survive a power cut.
//!
//! In order: groups that are written but not synced, kept in case the sync fails; then groups that the disk has not
//! taken yet. The second part is bounded: past the bound the oldest are dropped and counted, and a `journal-gap`
//! stands in their place once the disk takes something again.

use std::collections::VecDeque;
use std::sync::Arc;

use campanile_core::time::{Duration, Instant};

use crate::group::{Group, Kind, Loss};
use crate::host::{GapWhy, HostRecord};
use crate::position::{Mark, Position};
use crate::unheard::Unheard;

/// What a group costs in memory beside its records.
const OVERHEAD: usize = size_of::<Group>() + 32;

#[derive(Default)]
pub(crate) struct Tail {
    groups: VecDeque<Arc<Group>>,
    /// How many at the front are written.
    written: usize,
    /// Memory held by all of them.
    bytes: usize,
    /// Memory held by those at the front.
    written_bytes: usize,
    lost: Option<Loss>,
}

impl Tail {
    pub(crate) fn push(&mut self, group: Group) {
        self.bytes += cost(&group);
        self.groups.push_back(Arc::new(group));
    }

    /// What the disk has not taken.
    pub(crate) fn unwritten(&self) -> impl ExactSizeIterator<Item = &Arc<Group>> + DoubleEndedIterator {
        self.groups.range(self.written..)
    }

    /// The first group that has something behind `after`: also one that the disk has taken, of which readers have not
    /// been told yet.
    pub(crate) fn behind(&self, after: Position) -> Option<&Arc<Group>> {
        let at = self.groups.partition_point(|group| group.end.at <= after);
        self.groups.get(at)
    }

    /// Memory held for the case that a sync fails.
    pub(crate) fn unsynced_bytes(&self) -> usize {
        self.written_bytes
    }

    /// Memory held because the disk does not take it.
    pub(crate) fn unwritten_bytes(&self) -> usize {
        self.bytes - self.written_bytes
    }

    pub(crate) fn mark_written(&mut self, count: usize) {
        self.written_bytes += self.unwritten().take(count).map(|group| cost(group)).sum::<usize>();
        self.written += count;
    }

    /// How many groups the disk has taken, and may lose.
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// The disk holds for good what it has taken.
    pub(crate) fn mark_synced(&mut self) {
        self.mark_first_synced(self.written);
    }

    /// The disk holds for good the first so many groups.
    pub(crate) fn mark_first_synced(&mut self, groups: usize) {
        for group in self.groups.drain(..groups.min(self.written)) {
            self.bytes -= cost(&group);
            self.written_bytes -= cost(&group);
            self.written -= 1;
        }
    }

    /// The disk may have lost what it has taken since the last sync.
    pub(crate) fn take_back(&mut self) {
        debug_assert!(
            self.lost.is_none(),
            "what was dropped lies behind what comes back, and is explained by then"
        );
        (self.written, self.written_bytes) = (0, 0);
    }

    /// Drops the oldest groups that the disk has not taken until `max` bytes are left; the newest always stays. Gives
    /// how many of the engine's records that cost, and the words on losses that go with them.
    pub(crate) fn bound(&mut self, max: usize, unheard: &mut Unheard) -> u64 {
        let mut dropped = 0;
        while self.unwritten_bytes() > max
            && let Some((at, count)) = self.next_to_drop()
        {
            dropped += (0..count).map(|_| self.drop_group(at, unheard)).sum::<u64>();
        }
        dropped
    }

    /// Where the groups are that may go next, and how many go together. A word on what was dropped goes only with records
    /// behind it, for a reader may have it, and its place must not have other words: while there are none, other words go.
    fn next_to_drop(&self) -> Option<(usize, usize)> {
        let (oldest, newest) = (self.oldest(), self.groups.len().saturating_sub(1));
        let explains = self.groups.get(oldest).is_some_and(|group| group.explains.is_some());
        let records = || (oldest..newest).find(|&at| self.groups[at].kind == Kind::Engine);
        let (at, count) = match explains.then(records) {
            None => (oldest, 1),
            Some(Some(at)) => (oldest, at + 1 - oldest),
            Some(None) => (oldest + 1, 1),
        };
        (at < newest).then_some((at, count))
    }

    /// Where the last checkpoint is that the disk has not taken.
    pub(crate) fn last_checkpoint(&self) -> Option<usize> {
        self.unwritten().rposition(|group| group.kind == Kind::Checkpoint)
    }

    /// Drops the first so many groups that the disk has not taken, but for the start's own; gives the cost likewise.
    pub(crate) fn give_up(&mut self, groups: usize) -> u64 {
        let end = self.written + groups;
        // Nobody will be there to say it again.
        let mut unheard = Unheard::default();
        let oldest = self.oldest();
        (oldest..end).map(|_| self.drop_group(oldest, &mut unheard)).sum()
    }

    /// The oldest group that may be dropped. The first of a start stays in any case: it says where the start before
    /// ended, which nothing else does.
    fn oldest(&self) -> usize {
        let begins = |group: &Arc<Group>| group.start.at == Position::start_of(group.start.at.boot);
        self.written + usize::from(self.groups.get(self.written).is_some_and(begins))
    }

    fn drop_group(&mut self, at: usize, unheard: &mut Unheard) -> u64 {
        let Some(group) = self.groups.remove(at) else { return 0 };
        if group.kind == Kind::Host {
            HostRecord::all(&group.body).flatten().for_each(|word| unheard.take(word));
        }
        self.bytes -= cost(&group);
        let here = records(&group);
        // A dropped group may itself be the word on an earlier loss.
        self.lost = [self.lost, group.explains, here].into_iter().flatten().reduce(Loss::and);
        here.map_or(0, |loss| loss.count)
    }

    /// The engine's records that will be missing when all else is written.
    pub(crate) fn lost(&self) -> Option<Loss> {
        let told = self.unwritten().filter_map(|group| group.explains);
        self.lost.into_iter().chain(told).reduce(Loss::and)
    }

    /// The engine's records that are missing if nothing more is written.
    pub(crate) fn missing(&self) -> Option<Loss> {
        let waiting = self.unwritten().flat_map(|group| [group.explains, records(group)]);
        self.lost.into_iter().chain(waiting.flatten()).reduce(Loss::and)
    }

    /// Whether records were dropped that no group accounts for yet.
    pub(crate) fn has_loss(&self) -> bool {
        self.lost.is_some()
    }

    /// Puts the word on what was dropped in its place, before the first group that is left behind it.
    pub(crate) fn explain_loss(&mut self, why: GapWhy, now: Instant) {
        let place = self.oldest();
        let Some((next, program)) = self.groups.get(place).map(|group| (group.start, group.program)) else {
            return;
        };
        let Some(loss) = self.lost.take() else { return };
        let record = HostRecord::JournalGap { from: loss.from, to: loss.to.seq, count: loss.count, why };
        let mut body = Vec::new();
        record.encode(now.since(next.time), &mut body);
        // It takes the place of the last of the engine's records that are missing, which no other word will ever have:
        // those behind it have higher numbers. Every start has written one before, so the count is at least one.
        let at = Position { host: loss.to.host.saturating_sub(1), ..loss.to };
        let gap = Group {
            kind: Kind::Host,
            start: Mark { at, ..next },
            end: Mark { at: loss.to, ..next },
            count: 1,
            body,
            explains: Some(loss),
            program,
        };
        self.bytes += cost(&gap);
        self.groups.insert(place, Arc::new(gap));
    }
}

/// The engine's records in a group.
fn records(group: &Group) -> Option<Loss> {
    let loss = Loss { from: group.start.at.seq + 1, to: group.end.at, count: group.count };
    (group.kind == Kind::Engine).then_some(loss)
}

fn cost(group: &Group) -> usize {
    OVERHEAD + group.body.len()
}

/// A group that is being filled, and the end of the journal behind it.
pub(crate) struct Builder {
    /// After the last record.
    pub end: Mark,
    /// The program active there.
    pub program: u64,
    open: Option<Group>,
    /// The most bytes of records in a group.
    max: usize,
}

impl Builder {
    pub(crate) fn new(end: Mark, max: usize) -> Self {
        Self { end, program: 0, open: None, max }
    }

    /// Adds whole records behind the end: `count` of them, which take `span` from `base` on. Gives the group before
    /// if it cannot take them.
    pub(crate) fn engine(
        &mut self,
        base: Instant,
        bytes: &[u8],
        count: u64,
        span: Duration,
    ) -> Option<Group> {
        let start = Mark { at: self.end.at, time: base };
        let at = Position { seq: start.at.seq + count, ..start.at };
        self.end = Mark { at, time: base.plus(span) };
        self.extend(Kind::Engine, start, bytes, count)
    }

    /// Adds one of the host's own records.
    pub(crate) fn host(&mut self, record: &HostRecord, now: Instant) -> Option<Group> {
        let mut bytes = Vec::with_capacity(32);
        record.encode(now.since(self.end.time), &mut bytes);
        self.one(Kind::Host, &bytes)
    }

    /// Adds a checkpoint.
    pub(crate) fn checkpoint(&mut self, items: &[u8]) -> Option<Group> {
        let before = self.close();
        let none = self.one(Kind::Checkpoint, items);
        debug_assert!(none.is_none(), "nothing was open");
        before
    }

    fn one(&mut self, kind: Kind, bytes: &[u8]) -> Option<Group> {
        let start = self.end;
        self.end.at.host += 1;
        self.extend(kind, start, bytes, 1)
    }

    fn extend(&mut self, kind: Kind, start: Mark, bytes: &[u8], count: u64) -> Option<Group> {
        match &mut self.open {
            Some(group)
                if group.kind == kind
                    && kind != Kind::Checkpoint
                    && group.end == start
                    && group.body.len() + bytes.len() <= self.max =>
            {
                group.body.extend_from_slice(bytes);
                group.count += count;
                group.end = self.end;
                None
            }
            other => {
                let (end, program) = (self.end, self.program);
                let group = Group { kind, start, end, count, body: bytes.to_vec(), explains: None, program };
                other.replace(group)
            }
        }
    }

    /// Skips numbers that the journal never got.
    pub(crate) fn skip_to(&mut self, seq: u64) -> Option<Group> {
        let before = self.close();
        self.end.at.seq = seq;
        before
    }

    /// The group that is being filled, done with.
    pub(crate) fn close(&mut self) -> Option<Group> {
        self.open.take()
    }

    /// The loss that the group being filled accounts for.
    pub(crate) fn explain(&mut self, loss: Loss) {
        if let Some(group) = &mut self.open {
            group.explains = Some(loss);
        }
    }
}
