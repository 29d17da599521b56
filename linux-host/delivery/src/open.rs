//! The way into a journal: what is there is looked at first; what is wrong is refused before anything is changed.

use std::sync::Arc;

use campanile_core::time::Instant;

use crate::boot::{BootFile, NewBoot};
use crate::cursor::places;
use crate::error::OpenError;
use crate::host::HostRecord;
use crate::index::{Before, Index};
use crate::journal::{Clock, Journal};
use crate::name::NodeName;
use crate::options::Options;
use crate::position::{Boot, Position};
use crate::scan::{Scan, scan};
use crate::segment::HEADER_LEN;
use crate::signs::Signs;
use crate::storage::Storage;
use crate::writer::{Active, Doubt, Writer};

/// What an open journal has to say about the time before.
#[derive(Debug)]
pub struct Opened {
    /// This start.
    pub boot: Boot,
    /// The disk did not take the number of this start; the random half still keeps identities apart.
    pub boot_unsynced: Option<std::io::Error>,
    /// Where the journal ended; `None` if it was empty.
    pub previous: Option<Position>,
    /// Whether the start before stopped in order.
    pub clean: bool,
    /// A write was cut off in the middle: segment and byte.
    pub torn: Option<(u64, u32)>,
    /// Parts that cannot be read: the places before and at their ends. Set aside as `*.bad`.
    pub damaged: Vec<(Position, Position)>,
    /// The disk did not let the journal be put in order; it goes on from memory.
    pub repair: Option<std::io::Error>,
}

/// Which start of its node a journal is opened for.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// A new one, with this low half of its number.
    New(u32),
    /// This one, which may have begun in the journal already.
    Of(Boot),
}

impl<S: Storage> Journal<S> {
    /// Opens the journal of a node, begins a new start and records how the one before ended. `random` is the low half
    /// of the new start's number. A disk that cannot be written is no error: the journal goes on from memory.
    ///
    /// # Errors
    /// The directory cannot be read, belongs to another node, or was written by a later version. It is as it was.
    pub fn open(
        storage: &Arc<S>,
        node: &NodeName,
        options: Options,
        random: u32,
        now: Instant,
    ) -> Result<(Self, Opened), OpenError> {
        Self::open_at(storage, node, options, Start::New(random), Clock::Engines, now)
    }

    /// Opens the journal of a node that lives elsewhere, for a start of it. If the journal ends in that start it goes on
    /// there; else that start begins behind all others, which its number has to be. Its clock is not the one that `now` and
    /// all later times are of: the host's own records have the time of the engine's record before them.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_for(
        storage: &Arc<S>,
        node: &NodeName,
        options: Options,
        start: Start,
        now: Instant,
    ) -> Result<(Self, Opened), OpenError> {
        Self::open_at(storage, node, options, start, Clock::Elsewhere, now)
    }

    fn open_at(
        storage: &Arc<S>,
        node: &NodeName,
        options: Options,
        start: Start,
        clock: Clock,
        now: Instant,
    ) -> Result<(Self, Opened), OpenError> {
        let mut scan = scan(&**storage)?;
        scan.refuse_newer()?;
        if let Some(found) = scan.node.take_if(|found| found != node) {
            return Err(OpenError::OtherNode { found, asked: node.clone() });
        }
        // A cursor can outlive the journal that it was made for.
        let places = places(storage)?;
        let newest = places.iter().map(|(_, place)| place.boot.counter()).max().unwrap_or(0);
        let seen = scan.newest_counter.max(newest);
        let (mut boot_file, sign) = BootFile::open(storage)?;
        let boot = match start {
            Start::New(random) => boot_file.begin(seen, random, now)?,
            Start::Of(boot) => {
                boot_file.resume(boot);
                NewBoot { boot, unsynced: None }
            }
        };
        let repair = scan.repair(&**storage, node).err();
        let machine = storage.machine();
        let before = sign.map(|sign| Before { sign, machine, now });
        let certain = before.is_some_and(|before| before.is_on_disk(scan.newest_counter));

        let (end, program) = (scan.end(), scan.program());
        let previous = end.map(|end| end.at);
        let head = previous.unwrap_or(Position::START);
        let segments = std::mem::take(&mut scan.segments);
        let index = Arc::new(Index::new(Arc::clone(storage), segments, head, before));
        // Before anything may go: a sink says where it is only once it runs.
        places.iter().for_each(|(sink, place)| index.set_place(sink, *place));
        let mut opened = Opened {
            boot: boot.boot,
            boot_unsynced: boot.unsynced,
            previous,
            clean: scan.last.as_ref().is_some_and(|last| last.walk.clean),
            torn: None,
            damaged: scan.damage.iter().map(|damage| (damage.from, damage.to)).collect(),
            repair,
        };
        let (segment_len, last_id) =
            (options.segment_len(), index.lock().segments.back().map(|entry| entry.id));
        if let Some(id) = last_id.filter(|_| scan.last.as_ref().is_some_and(|last| last.walk.torn)) {
            opened.torn = scan.last.as_ref().map(|last| (id, last.walk.end));
        }
        let mut writer = writer(storage, &index, node, segment_len, scan);
        if certain {
            writer.doubt = None;
        }
        // A segment that could not be put in order is left behind: what stands behind its end is given up.
        opened.repair = opened.repair.or_else(|| writer.settle().err());
        if opened.repair.is_some() {
            writer.active = None;
        }
        let signs = Signs::new(boot_file, now);
        let mut journal = Self::assemble(writer, signs, options, boot.boot, clock);
        let mut words = match end.filter(|end| end.at.boot == boot.boot) {
            Some(end) => {
                journal.go_on(end, program);
                Vec::new()
            }
            None => vec![HostRecord::Started { previous, clean: opened.clean }],
        };
        words.extend(opened.torn.map(|(segment, offset)| HostRecord::Torn { segment, offset }));
        words.extend(opened.damaged.iter().map(|&(from, to)| HostRecord::Damaged { from, to }));
        journal.first_words(&words, now);
        Ok((journal, opened))
    }
}

fn writer<S: Storage>(
    storage: &Arc<S>,
    index: &Arc<Index<S>>,
    node: &NodeName,
    segment_len: u32,
    scan: Scan<S>,
) -> Writer<S> {
    let last_id = index.lock().segments.back().map(|entry| entry.id);
    let mut state = index.lock();
    state.damage.know_all(&scan.known);
    scan.damage.iter().filter(|damage| !scan.is_cut(damage)).for_each(|damage| state.damage.know(damage));
    drop(state);
    let mut writer = Writer {
        storage: Arc::clone(storage),
        index: Arc::clone(index),
        node: node.clone(),
        segment_len,
        active: None,
        next_id: scan.next_id,
        previous_end: 0,
        spare: scan.spare_len == Some(u64::from(segment_len)),
        stale: scan.spare_stale,
        checkpoint: 0,
        last: false,
        doubt: None,
        writes: 0,
        syncs: 0,
    };
    let Some((last, id)) = scan.last.zip(last_id).filter(|(_, id)| id + 1 == scan.next_id) else {
        return writer;
    };
    writer.previous_end = last.walk.end;
    let groups = last.bytes.get(HEADER_LEN as usize..last.walk.end as usize).unwrap_or_default();
    writer.doubt = Some(Doubt { segment: id, groups: groups.to_vec() });
    if let Ok(capacity) = u32::try_from(last.bytes.len()) {
        writer.active = Some(Active {
            id,
            file: Arc::new(last.file),
            capacity,
            end: last.walk.end,
            synced: last.walk.end,
            chain: Some(last.walk.chain),
            anchor_at: last.walk.anchor_at,
            stale: 0,
        });
    }
    writer
}
