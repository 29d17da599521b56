//! The writer: the one active segment, and the step from it to the next.

use std::io;
use std::sync::Arc;

use crate::group::{ANCHOR_EVERY, Group, Kind};
use crate::index::{Entry, Index};
use crate::name::NodeName;
use crate::position::Mark;
use crate::segment::{HEADER_LEN, Header, SPARE, name};
use crate::storage::{File as _, Storage};

/// The end of a segment is kept free for the host's own records: the word on a loss must still find room.
const RESERVE: u32 = 512;

/// At most this many bytes go to the kernel in one write.
const WRITE_MAX: usize = 256 * 1024;

/// The segment that is being written.
pub(crate) struct Active<F> {
    pub id: u64,
    pub file: F,
    pub capacity: u32,
    /// The next group goes here.
    pub end: u32,
    /// Up to here it survives a power cut.
    pub synced: u32,
    /// After the last record; `None` if the next group has to say where it stands.
    pub chain: Option<Mark>,
    /// Where the last anchor stands.
    pub anchor_at: u32,
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
    pub writes: u64,
    pub syncs: u64,
}

impl<S: Storage> Writer<S> {
    /// Writes as many of the groups as fit into the active segment, in one write, and says how many. 0 asks for
    /// another segment.
    pub(crate) fn write(&mut self, groups: &[Arc<Group>]) -> io::Result<usize> {
        let Some(active) = &mut self.active else { return Ok(0) };
        let mut bytes = Vec::new();
        let (mut chain, mut anchor_at) = (active.chain, active.anchor_at);
        let mut taken = 0;
        for group in groups {
            let at = active.end + bytes.len() as u32;
            // A checkpoint belongs at the start of a segment if there is no room for the stretch behind it.
            if group.kind == Kind::Checkpoint && at + checkpoint_room(active.capacity) > active.capacity {
                break;
            }
            let anchored = chain != Some(group.start) || at - anchor_at >= ANCHOR_EVERY;
            let before = bytes.len();
            group.encode(active.id, at, anchored, &mut bytes);
            let reserve = if group.kind == Kind::Host { 0 } else { reserve(active.capacity) };
            if active.end + bytes.len() as u32 + 1 + reserve > active.capacity {
                bytes.truncate(before);
                break;
            }
            taken += 1;
            chain = Some(group.end);
            if anchored {
                anchor_at = at;
            }
            if bytes.len() >= WRITE_MAX {
                break;
            }
        }
        if taken == 0 {
            return Ok(0);
        }
        // Behind the last group: the end. The next write begins there.
        bytes.push(0);
        self.writes += 1;
        if let Err(error) = active.file.write_at(u64::from(active.end), &bytes) {
            // A full or read-only disk may take the same bytes at the same place later. After any other error the
            // file is not trusted any more.
            if !is_full(&error) {
                self.abandon();
            }
            return Err(error);
        }
        active.end += bytes.len() as u32 - 1;
        (active.chain, active.anchor_at) = (chain, anchor_at);
        Ok(taken)
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

    /// Gives the active segment up behind its last sync.
    pub(crate) fn abandon(&mut self) {
        let Some(active) = self.active.take() else { return };
        self.previous_end = active.synced;
        if let Some(entry) = self.index.lock().segments.back_mut() {
            entry.end = active.synced;
        }
    }

    /// Begins the next segment. The active one must be synced.
    pub(crate) fn rotate(&mut self, start: Mark, program: u64, unix: i64) -> io::Result<()> {
        if let Some(active) = &self.active {
            self.previous_end = active.end;
        }
        let id = self.next_id;
        let header = Header {
            segment: id,
            previous_end: self.previous_end,
            node: self.node.clone(),
            start,
            program,
            unix,
        };
        if !self.spare {
            self.make_spare()?;
        }
        let file = self.storage.open(SPARE)?;
        let capacity = u32::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut bytes = header.encode().to_vec();
        bytes.push(0);
        // The header is there for good before the name is: a segment never stands without one.
        file.write_at(0, &bytes)?;
        file.sync()?;
        self.storage.rename(SPARE, &name(id))?;
        self.spare = false;
        self.storage.sync_names()?;
        self.index.lock().segments.push_back(Entry { id, start, end: HEADER_LEN, unix, program });
        self.next_id += 1;
        self.active = Some(Active {
            id,
            file,
            capacity,
            end: HEADER_LEN,
            synced: HEADER_LEN,
            chain: None,
            anchor_at: HEADER_LEN,
        });
        Ok(())
    }

    /// Makes the spare segment ready.
    pub(crate) fn make_spare(&mut self) -> io::Result<()> {
        self.storage.create(SPARE, u64::from(self.segment_len))?;
        self.storage.sync_names()?;
        self.spare = true;
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

fn reserve(capacity: u32) -> u32 {
    RESERVE.min(capacity / 16)
}

/// Whether the disk may take the same later, as opposed to being broken.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
}
