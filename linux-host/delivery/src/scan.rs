//! What an earlier process left behind, found by looking alone.
//!
//! Only the last segment can have been torn, as the one before is synced when the next one begins, and every header
//! says where the segment before it ends. So a start reads all headers and one whole segment. A bad group in the last
//! segment with nothing valid behind it is a torn tail. Everything else is damage, and reading goes on at the next
//! group that can be placed. A segment whose header is spoiled is placed by its first such group; only one without any
//! is lost as a whole. Damage in older segments is found by whoever reads them.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use crate::entry::{Damage, Entry, Known};
use crate::error::OpenError;
use crate::foreign::is_unfinished;
use crate::group::Anchor;
use crate::name::NodeName;
use crate::position::{Mark, Position};
use crate::segment::{self, BadHeader, HEADER_LEN, Header, SPARE, VERSION, last_group_end, next_anchor};
use crate::storage::{File as _, Storage, is_damage, read_range, read_what_is_left};
use crate::walk::{Walk, walk};
use crate::writer::PLAN_MAX;

/// What is there.
pub(crate) struct Scan<S: Storage> {
    pub node: Option<NodeName>,
    pub segments: VecDeque<Entry>,
    /// The last segment, if it can be written on.
    pub last: Option<Last<S::File>>,
    /// Segments in which nothing can be placed.
    pub lost: Vec<u64>,
    /// Those of them that are of a later version of the format, and which.
    pub newer: BTreeMap<u64, u16>,
    /// Segments whose header has to be written again.
    pub headless: Vec<Headless>,
    /// Parts that cannot be read and are not known yet, or have grown since.
    pub damage: Vec<Damage>,
    /// What has been set aside before.
    pub known: Known,
    pub next_id: u64,
    /// The highest counter of starts in any header or group.
    pub newest_counter: u32,
    pub spare_len: Option<u64>,
    /// See [`Writer::stale`](crate::writer::Writer::stale).
    pub spare_stale: usize,
    /// Files of ours that somebody began to make.
    pub unfinished: Vec<String>,
    /// Where the groups of each segment end.
    ends: BTreeMap<u64, Position>,
}

/// The last segment.
pub(crate) struct Last<F> {
    pub file: F,
    pub bytes: Vec<u8>,
    pub walk: Walk,
}

/// What a spoiled header said, as far as the groups tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Headless {
    pub entry: Entry,
    pub previous_end: u32,
}

/// A segment as it presents itself.
struct Found {
    /// It ends, for now, where its first group begins.
    entry: Entry,
    /// What the header says, unless that is spoiled.
    header: Option<(NodeName, u32)>,
}

/// What a look at a segment shows.
enum Look {
    Found(Found),
    /// Nothing in it can be placed.
    Lost,
    /// It is of this later version.
    Newer(u16),
    /// The disk gives nothing of it.
    Mute(io::Error),
    /// Whoever writes the journal has deleted it meanwhile.
    Gone,
}

/// Looks at a directory without changing anything.
pub(crate) fn scan<S: Storage>(storage: &S) -> Result<Scan<S>, OpenError> {
    let names = storage.list().map_err(|source| OpenError::Io { file: String::new(), source })?;
    let mut ids: Vec<u64> = names.iter().filter_map(|name| segment::number(name)).collect();
    ids.sort_unstable();
    let known: Known = names.iter().filter_map(|name| kept_part(storage, name)).collect();
    let newest = ids.last().copied().max(known.keys().map(|bad| bad.0).max());
    let (mut found, mut lost, mut newer, mut mute) = (Vec::new(), Vec::new(), BTreeMap::new(), None);
    for id in ids {
        match look(storage, id)? {
            Look::Found(segment) => found.push(segment),
            Look::Lost => lost.push(id),
            Look::Newer(version) => {
                lost.push(id);
                newer.insert(id, version);
            }
            Look::Mute(source) => {
                lost.push(id);
                mute = Some(OpenError::Io { file: segment::name(id), source });
            }
            Look::Gone => {}
        }
    }
    // Where nothing at all can be read that is the disk and no segment's: it may be there tomorrow.
    if let Some(error) = mute.filter(|_| found.is_empty()) {
        return Err(error);
    }
    let mut scan = Scan {
        node: found.iter().rev().find_map(|found| found.header.as_ref()).map(|(node, _)| node.clone()),
        segments: VecDeque::new(),
        last: None,
        lost,
        newer,
        headless: Vec::new(),
        damage: Vec::new(),
        known,
        next_id: newest.map_or(1, |id| id + 1),
        newest_counter: 0,
        spare_len: storage.open(SPARE).and_then(|file| file.len()).ok(),
        spare_stale: 0,
        unfinished: names.into_iter().filter(|name| is_unfinished(name)).collect(),
        ends: BTreeMap::new(),
    };
    if scan.spare_len.is_some() {
        match stale(storage, scan.next_id) {
            Ok(stale) => scan.spare_stale = stale,
            Err(_) => scan.spare_len = None,
        }
    }
    let mut before = None;
    for (at, segment) in found.iter().enumerate() {
        before = scan.take(storage, segment, before, found.get(at + 1));
    }
    scan.note_lost();
    let news = scan.damage.iter().filter(|damage| scan.is_cut(damage) || !damage.is_in(&scan.known));
    scan.damage = news.copied().collect();
    Ok(scan)
}

/// How far into the spare segment somebody got who tried to begin this one with it.
fn stale<S: Storage>(storage: &S, next_id: u64) -> io::Result<usize> {
    let bytes = read_range(&storage.open(SPARE)?, 0, HEADER_LEN as usize + PLAN_MAX)?;
    Ok(last_group_end(&bytes, next_id, HEADER_LEN).map_or(0, |end| end as usize))
}

/// Where the damage was that this file keeps, and where it ended.
fn kept_part<S: Storage>(storage: &S, name: &str) -> Option<((u64, u32), u32)> {
    let place = segment::bad_number(name)?;
    let len = storage.open(name).and_then(|file| file.len()).unwrap_or(0);
    Some((place, place.1.saturating_add(u32::try_from(len).unwrap_or(u32::MAX))))
}

/// What a segment says of itself, or else its first group that can be placed.
fn look<S: Storage>(storage: &S, id: u64) -> Result<Look, OpenError> {
    let name = segment::name(id);
    let file = match storage.open(&name) {
        Ok(file) => file,
        Err(source) if is_damage(&source) => return Ok(Look::Mute(source)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Look::Gone),
        // Nothing is wrong with a file that belongs to somebody else, or with one for which the system has no
        // descriptor left: it is not set aside.
        Err(source) => return Err(OpenError::Io { file: name, source }),
    };
    let bytes = read_range(&file, 0, HEADER_LEN as usize);
    match bytes.map_or(Err(BadHeader::Damaged), |bytes| Header::decode(&bytes)) {
        Ok(header) if header.segment == id => {
            let Header { start, unix, program, node, previous_end, .. } = header;
            let entry = Entry { id, start, end: HEADER_LEN, unix, program };
            Ok(Look::Found(Found { entry, header: Some((node, previous_end)) }))
        }
        Err(BadHeader::Newer(version)) => Ok(Look::Newer(version)),
        Ok(_) | Err(BadHeader::Damaged) => {
            let bytes = match read_what_is_left(&file) {
                Ok(bytes) => bytes,
                Err(source) => return Ok(Look::Mute(source)),
            };
            let first = next_anchor(&bytes, id, HEADER_LEN);
            // Nobody knows when it was begun, and so its age.
            let entry = |(end, Anchor { start, program })| Entry { id, start, end, unix: 0, program };
            Ok(first.map_or(Look::Lost, |first| Look::Found(Found { entry: entry(first), header: None })))
        }
    }
}

impl<S: Storage> Scan<S> {
    /// The end of the journal, as far as it can be read.
    pub(crate) fn end(&self) -> Option<Mark> {
        self.last
            .as_ref()
            .map(|last| last.walk.chain)
            .or_else(|| self.segments.back().map(|entry| entry.start))
    }

    /// The end of the last segment whose end is known.
    pub(crate) fn last_end(&self) -> Option<Position> {
        self.ends.last_key_value().map(|(_, end)| *end)
    }

    /// Of a journal of a later version nothing is changed, nor is anything left out of it in silence.
    pub(crate) fn refuse_newer(&self) -> Result<(), OpenError> {
        match self.newer.first_key_value() {
            Some((&id, &version)) => {
                Err(OpenError::Newer { file: segment::name(id), version, known: VERSION })
            }
            None => Ok(()),
        }
    }

    /// The program active at the end; 0 if none was.
    pub(crate) fn program(&self) -> u64 {
        let last = self.last.as_ref().map(|last| last.walk.program);
        last.or_else(|| self.segments.back().map(|entry| entry.program)).unwrap_or(0)
    }

    /// Whether this stands behind the end, where writing goes on.
    pub(crate) fn is_cut(&self, damage: &Damage) -> bool {
        let last = self.segments.back().map(|entry| entry.id).zip(self.last.as_ref());
        last.is_some_and(|(id, last)| damage.segment == id && damage.offset >= last.walk.end)
    }

    /// Takes a segment behind `before`, whose groups were followed if nothing else tells where they end; gives the same
    /// of this one.
    fn take(
        &mut self,
        storage: &S,
        found: &Found,
        before: Option<(u64, Walk)>,
        next: Option<&Found>,
    ) -> Option<(u64, Walk)> {
        let mut entry = found.entry;
        let id = entry.id;
        if found.header.is_none() {
            let before = before.filter(|(before, _)| before + 1 == id).map(|(_, walk)| walk);
            self.note_headless(&entry);
            let previous_end = before.map_or(0, |walk| walk.end);
            self.headless.push(Headless { entry: Entry { end: HEADER_LEN, ..entry }, previous_end });
        }
        let told = next.filter(|next| next.entry.id == id + 1).and_then(|next| next.header.as_ref());
        if let Some((next, &(_, end))) = next.zip(told).filter(|(_, (_, end))| *end >= HEADER_LEN) {
            entry.end = end;
            self.push(entry, next.entry.start.at);
            return None;
        }
        let Some(last) = read_segment(storage, &entry, next.map(|next| next.entry.start.at)) else {
            self.lost.push(id);
            return None;
        };
        entry.end = last.walk.end;
        // Damage at its end is said with it, and not once more with a header that is missing behind.
        let end =
            last.walk.damage.last().map_or(last.walk.chain.at, |damage| damage.to.max(last.walk.chain.at));
        self.push(entry, end);
        self.damage.extend(last.walk.damage.iter().copied());
        if next.is_some() {
            return Some((id, last.walk));
        }
        if self.lost.iter().all(|&lost| lost < id) {
            self.last = Some(last);
        }
        None
    }

    fn push(&mut self, entry: Entry, end: Position) {
        let newest = entry.start.at.boot.counter().max(end.boot.counter());
        self.newest_counter = self.newest_counter.max(newest);
        self.ends.insert(entry.id, end);
        self.segments.push_back(entry);
    }

    /// A segment lacks its header, which is no record, and maybe its first groups, which were some.
    fn note_headless(&mut self, entry: &Entry) {
        let (segment, first, to) = (entry.id, entry.end, entry.start.at);
        let from = if first == HEADER_LEN { to } else { self.end_before(segment).min(to) };
        self.damage.push(Damage { segment, offset: 0, end: HEADER_LEN, from, to: from });
        if first > HEADER_LEN {
            self.damage.push(Damage { segment, offset: HEADER_LEN, end: first, from, to });
        }
    }

    /// Segments in which nothing can be placed lie between others.
    fn note_lost(&mut self) {
        for &segment in &self.lost {
            let from = self.end_before(segment);
            let next = self.segments.iter().find(|entry| entry.id > segment);
            let to = next.map_or(from, |entry| entry.start.at);
            self.damage.push(Damage { segment, offset: 0, end: u32::MAX, from, to });
        }
    }

    /// The end of the last segment before this one.
    fn end_before(&self, segment: u64) -> Position {
        self.ends.range(..segment).next_back().map_or(Position::START, |(_, end)| *end)
    }
}

fn read_segment<S: Storage>(storage: &S, entry: &Entry, until: Option<Position>) -> Option<Last<S::File>> {
    let file = storage.open(&segment::name(entry.id)).ok()?;
    let bytes = read_what_is_left(&file).ok()?;
    let walk = walk(&bytes, entry, until);
    Some(Last { file, bytes, walk })
}
