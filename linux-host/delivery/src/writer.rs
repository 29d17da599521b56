//! The writer: the one active segment, and the step from it to the next.

use std::io;
use std::sync::Arc;

use crate::entry::Entry;
use crate::group::{ANCHOR_EVERY, Group, Kind, MAX_GROUP};
use crate::index::{Index, State};
use crate::name::NodeName;
use crate::position::Mark;
use crate::segment::{HEADER_LEN, Header, SPARE, name};
use crate::storage::{File as _, Storage};

/// The end of a segment is kept free for the host's own records: the word on a loss must still find room. Without a
/// spare segment there has to be room for the last state, too.
const RESERVE: u32 = 512;

/// At most this many bytes go to the kernel in one write.
const WRITE_MAX: usize = 256 * 1024;

/// The most bytes of a write: it stops behind the group that passes the mark, and ends with a zero.
pub(crate) const PLAN_MAX: usize = WRITE_MAX + MAX_GROUP + 1;

/// The segment that is being written.
pub(crate) struct Active<F> {
    pub id: u64,
    pub file: Arc<F>,
    pub capacity: u32,
    /// The next group goes here.
    pub end: u32,
    /// Up to here it survives a power cut.
    pub synced: u32,
    /// After the last record; `None` if the next group has to say where it stands.
    pub chain: Option<Mark>,
    /// Where the last anchor stands.
    pub anchor_at: u32,
    /// Up to here there may be groups of a write that a full disk cut short: others come in their place.
    pub stale: u32,
}

pub(crate) struct Writer<S: Storage> {
    pub storage: Arc<S>,
    pub index: Arc<Index<S>>,
    pub node: NodeName,
    pub segment_len: u32,
    pub active: Option<Active<S::File>>,
    /// The number of the next segment.
    pub next_id: u64,
    /// Where the last segment ends; what stands behind is given up.
    pub previous_end: u32,
    /// Whether a spare segment is ready.
    pub spare: bool,
    /// Up to here there may be groups in it that would pass in the next segment: somebody tried to begin that before.
    pub stale: usize,
    /// Bytes of the last checkpoint.
    pub checkpoint: u32,
    /// The journal closes, and the disk has refused: all the room that is left is for this.
    pub last: bool,
    /// What an earlier process wrote, and may not have synced.
    pub doubt: Option<Doubt>,
    pub writes: u64,
    pub syncs: u64,
}

/// A segment whose groups can be read, and are not on the disk for sure. Written once more and synced, they are.
/// Its header is: it was synced before the segment had its name.
pub(crate) struct Doubt {
    pub segment: u64,
    pub groups: Vec<u8>,
}

/// What has to stay free in a segment.
#[derive(Clone, Copy)]
struct Room {
    /// For a last checkpoint.
    checkpoint: u32,
    /// Nothing comes behind this write: all is free.
    last: bool,
}

impl Room {
    fn reserve(self, capacity: u32) -> u32 {
        RESERVE.min(capacity / 16) + self.checkpoint.min(capacity / 4)
    }
}

/// What one write brings to a segment.
struct Plan {
    bytes: Vec<u8>,
    taken: usize,
    end: u32,
    chain: Option<Mark>,
    anchor_at: u32,
}

impl<F> Active<F> {
    /// Encodes as many of the groups as fit behind what is there.
    fn plan(&self, groups: &[Arc<Group>], room: Room) -> Plan {
        let mut plan =
            Plan { bytes: Vec::new(), taken: 0, end: self.end, chain: self.chain, anchor_at: self.anchor_at };
        for group in groups {
            // A checkpoint belongs at the start of a segment if there is no room for the stretch behind it.
            let late = plan.end + checkpoint_room(self.capacity) > self.capacity;
            if group.kind == Kind::Checkpoint && late && !room.last {
                break;
            }
            // A word on what is missing must not be lost with what is damaged before it.
            let anchored = plan.chain != Some(group.start)
                || plan.end - plan.anchor_at >= ANCHOR_EVERY
                || group.kind == Kind::Host;
            let before = plan.bytes.len();
            group.encode(self.id, plan.end, anchored, &mut plan.bytes);
            let end = self.end + plan.bytes.len() as u32;
            let reserve = if group.kind == Kind::Host || room.last { 0 } else { room.reserve(self.capacity) };
            if end + 1 + reserve > self.capacity {
                plan.bytes.truncate(before);
                break;
            }
            if anchored {
                plan.anchor_at = plan.end;
            }
            (plan.end, plan.chain) = (end, Some(group.end));
            plan.taken += 1;
            if plan.bytes.len() >= WRITE_MAX {
                break;
            }
        }
        // Behind the last group: the end. The next write begins there.
        plan.bytes.push(0);
        plan
    }

    fn carried_out(&mut self, plan: &Plan) {
        (self.end, self.chain, self.anchor_at) = (plan.end, plan.chain, plan.anchor_at);
        self.stale = 0;
    }
}

impl<S: Storage> Writer<S> {
    /// Writes as many of the groups as fit into the active segment, in one write, and says how many. 0 asks for
    /// another segment.
    pub(crate) fn write(&mut self, groups: &[Arc<Group>]) -> io::Result<usize> {
        let room = self.room();
        let Some(active) = &mut self.active else { return Ok(0) };
        let mut plan = active.plan(groups, room);
        if plan.taken == 0 {
            return Ok(0);
        }
        self.writes += 1;
        plan.bytes.resize(plan.bytes.len().max(active.stale.saturating_sub(active.end) as usize), 0);
        active.stale = active.end + plan.bytes.len() as u32;
        if let Err(error) = active.file.write_at(u64::from(active.end), &plan.bytes) {
            // A full or read-only disk may take the same bytes at the same place later. After any other error the
            // file is not trusted any more.
            if !is_full(&error) {
                self.abandon();
            }
            return Err(error);
        }
        active.carried_out(&plan);
        Ok(plan.taken)
    }

    fn room(&self) -> Room {
        Room { checkpoint: if self.spare { 0 } else { self.checkpoint }, last: self.last }
    }

    /// Syncs the active segment. After an error it is given up: what was not synced has to go into another one.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        let Some(active) = &mut self.active else { return Ok(()) };
        self.syncs += 1;
        if let Err(error) = active.file.sync() {
            self.abandon();
            return Err(error);
        }
        active.synced = active.end;
        Ok(())
    }

    /// Brings to the disk what is in doubt. Bytes that stand there already are written over by themselves, so that this
    /// may stop anywhere.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        let Some(doubt) = self.doubt.take() else { return Ok(()) };
        (self.writes, self.syncs) = (self.writes + 1, self.syncs + 1);
        // Its name, too: a segment may have been begun just then.
        let settled =
            self.storage.sync_names().and_then(|()| self.storage.open(&name(doubt.segment))).and_then(
                |file| file.write_at(u64::from(HEADER_LEN), &doubt.groups).and_then(|()| file.sync()),
            );
        // A disk that is broken here would keep all others waiting.
        self.doubt = Some(doubt).filter(|_| settled.as_ref().is_err_and(is_full));
        settled
    }

    /// Gives the active segment up behind its last sync.
    pub(crate) fn abandon(&mut self) {
        let Some(active) = self.active.take() else { return };
        self.previous_end = active.synced;
        let mut state = self.index.lock();
        if let Some(entry) = state.segments.back_mut() {
            entry.end = active.synced;
        }
        state.tip = None;
    }

    /// Begins the next segment with as many of the groups as fit, and says how many. They are synced with it: its
    /// header gives up what the segment before has lost, so it must not stand without what replaces that. The active
    /// segment must be synced, and is left as it is on an error.
    pub(crate) fn rotate(&mut self, groups: &[Arc<Group>], unix: i64) -> io::Result<usize> {
        let Some(first) = groups.first() else { return Ok(0) };
        self.settle()?;
        let previous_end = self.active.as_ref().map_or(self.previous_end, |active| active.end);
        let (id, start, program) = (self.next_id, first.start, first.program);
        let header = Header { segment: id, previous_end, node: self.node.clone(), start, program, unix };
        if !self.spare {
            self.make_spare()?;
        }
        let file = self.storage.open(SPARE)?;
        let capacity = u32::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut active = Active {
            id,
            file: Arc::new(file),
            capacity,
            end: HEADER_LEN,
            synced: HEADER_LEN,
            chain: None,
            anchor_at: HEADER_LEN,
            stale: 0,
        };
        let plan = active.plan(groups, self.room());
        if plan.taken == 0 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a group is larger than a segment"));
        }
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(&plan.bytes);
        bytes.resize(bytes.len().max(self.stale), 0);
        self.stale = bytes.len();
        // The content is there for good before the name is.
        (self.writes, self.syncs) = (self.writes + 1, self.syncs + 1);
        if let Err(error) = active.file.write_at(0, &bytes).and_then(|()| active.file.sync()) {
            // As in `write`: what failed otherwise than by being full is not used again.
            self.spare &= is_full(&error);
            return Err(error);
        }
        self.storage.rename(SPARE, &name(id))?;
        (self.spare, self.stale) = (false, 0);
        self.storage.sync_names()?;
        active.carried_out(&plan);
        active.synced = active.end;
        self.enlist(Entry { id, start, end: active.end, unix, program });
        self.next_id += 1;
        self.active = Some(active);
        Ok(plan.taken)
    }

    /// Shows readers the segment that goes on from here. What the same commit has put into the one before is all that
    /// there will ever be in it.
    fn enlist(&self, entry: Entry) {
        let mut state = self.index.lock();
        if let Some((last, active)) = state.segments.back_mut().zip(self.active.as_ref()) {
            last.end = active.end;
        }
        state.segments.push_back(entry);
    }

    /// Shows readers all that the active segment has.
    pub(crate) fn show(&self, state: &mut State) {
        if let Some((entry, active)) = state.segments.back_mut().zip(self.active.as_ref()) {
            entry.end = active.end;
            state.tip = active.chain;
        }
    }

    /// Makes the spare segment ready.
    pub(crate) fn make_spare(&mut self) -> io::Result<()> {
        self.storage.create(SPARE, u64::from(self.segment_len))?;
        self.storage.sync_names()?;
        (self.spare, self.stale) = (true, 0);
        Ok(())
    }
}

/// A checkpoint does not begin in the last part of a segment, as long as the longest distance between two.
fn checkpoint_room(capacity: u32) -> u32 {
    checkpoint_every(capacity) * 3 / 2
}

/// A checkpoint is due after this many bytes of records: 64 KiB, less in small segments.
pub(crate) fn checkpoint_every(capacity: u32) -> u32 {
    (capacity / 4).min(64 * 1024)
}

/// Whether the disk may take the same later, as opposed to being broken.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
}
