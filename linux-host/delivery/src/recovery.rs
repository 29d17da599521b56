//! What an earlier process left behind: found by looking alone, then put in order.
//!
//! Only the last segment can have been torn, as the one before is synced when the next one begins, and every header
//! says where the segment before it ends. So a start reads all headers and one whole segment. A bad group in the last
//! segment with nothing valid behind it is a torn tail and is cut off. Everything else is damage: the bytes are set
//! aside under another name, and reading goes on at the next group that can be placed. Damage in older segments is
//! found by whoever reads them.

use std::collections::VecDeque;
use std::io;

use crate::error::OpenError;
use crate::group::{Block, Found, Kind, decode};
use crate::host::HostRecord;
use crate::index::{Damage, Entry};
use crate::name::NodeName;
use crate::position::{Mark, Position};
use crate::segment::{
    self, BadHeader, HEADER_LEN, Header, SPARE, VERSION, bad_name, last_group_end, next_anchor,
};
use crate::storage::{File as _, Storage, put, read_range};

/// What is there.
pub(crate) struct Scan<S: Storage> {
    pub node: Option<NodeName>,
    pub segments: VecDeque<Entry>,
    /// The last segment, if it can be written on.
    pub last: Option<Last<S::File>>,
    /// Segments without a usable header.
    pub headless: Vec<u64>,
    /// Parts that cannot be read and have not been set aside before.
    pub damage: Vec<Damage>,
    /// All that has been set aside, this time or before.
    pub known: Vec<(u64, u32)>,
    pub next_id: u64,
    /// The highest counter of starts in any header or group.
    pub newest_counter: u32,
    pub spare_len: Option<u64>,
    /// Files that somebody began to make.
    pub unfinished: Vec<String>,
}

/// The last segment.
pub(crate) struct Last<F> {
    pub file: F,
    pub bytes: Vec<u8>,
    pub walk: Walk,
}

/// Where the groups of a segment lead.
#[derive(Debug)]
pub(crate) struct Walk {
    pub end: u32,
    pub chain: Mark,
    pub anchor_at: u32,
    /// The last record says that the start stopped in order.
    pub clean: bool,
    /// Something was being written at the end.
    pub torn: bool,
    /// Whole groups that cannot be placed reach up to here.
    pub stray_end: u32,
    pub damage: Vec<Damage>,
}

/// Looks at a directory without changing anything.
pub(crate) fn scan<S: Storage>(storage: &S) -> Result<Scan<S>, OpenError> {
    let names = storage.list().map_err(|source| OpenError::Io { file: String::new(), source })?;
    let mut ids: Vec<u64> = names.iter().filter_map(|name| segment::number(name)).collect();
    ids.sort_unstable();
    let mut headers = Vec::new();
    let mut headless = Vec::new();
    for &id in &ids {
        let name = segment::name(id);
        let header = storage.open(&name).and_then(|file| read_range(&file, 0, HEADER_LEN as usize));
        match header.map_or(Err(BadHeader::Damaged), |bytes| Header::decode(&bytes)) {
            Ok(header) if header.segment == id => headers.push(header),
            Ok(_) | Err(BadHeader::Damaged) => headless.push(id),
            Err(BadHeader::Newer(version)) => {
                return Err(OpenError::Newer { file: name, version, known: VERSION });
            }
        }
    }
    let known: Vec<(u64, u32)> = names.iter().filter_map(|name| parse_bad_name(name)).collect();
    let mut scan = Scan {
        node: headers.last().map(|header| header.node.clone()),
        segments: VecDeque::new(),
        last: None,
        headless,
        damage: Vec::new(),
        next_id: ids.last().copied().max(known.iter().map(|bad| bad.0).max()).map_or(1, |id| id + 1),
        known,
        newest_counter: 0,
        spare_len: storage.open(SPARE).and_then(|file| file.len()).ok(),
        unfinished: names.iter().filter(|name| name.ends_with(".new")).cloned().collect(),
    };
    for (at, header) in headers.iter().enumerate() {
        let next = headers.get(at + 1);
        let mut entry = Entry {
            id: header.segment,
            start: header.start,
            end: HEADER_LEN,
            unix: header.unix,
            program: header.program,
        };
        let end_at;
        match next {
            Some(next) if next.segment == header.segment + 1 && next.previous_end >= HEADER_LEN => {
                entry.end = next.previous_end;
                end_at = next.start.at;
            }
            _ => {
                if let Some(last) = read_segment(storage, header) {
                    entry.end = last.walk.end;
                    end_at = last.walk.chain.at;
                    scan.damage.extend(last.walk.damage.iter().copied());
                    if next.is_none() && scan.headless.iter().all(|&id| id < header.segment) {
                        scan.last = Some(last);
                    }
                } else {
                    scan.headless.push(header.segment);
                    continue;
                }
            }
        }
        scan.newest_counter =
            scan.newest_counter.max(header.start.at.boot.counter()).max(end_at.boot.counter());
        scan.segments.push_back(entry);
    }
    scan.note_headless();
    let known = std::mem::take(&mut scan.known);
    scan.damage.retain(|damage| !known.contains(&(damage.segment, damage.offset)));
    scan.known = known;
    Ok(scan)
}

impl<S: Storage> Scan<S> {
    /// The end of the journal, as far as it can be read.
    pub(crate) fn end(&self) -> Option<Mark> {
        self.last
            .as_ref()
            .map(|last| last.walk.chain)
            .or_else(|| self.segments.back().map(|entry| entry.start))
    }

    /// Segments without a header lie between those that have one.
    fn note_headless(&mut self) {
        for &id in &self.headless {
            let from = self
                .segments
                .iter()
                .rev()
                .find(|entry| entry.id < id)
                .map_or(Position::START, |e| e.start.at);
            let to = self.segments.iter().find(|entry| entry.id > id).map_or(from, |entry| entry.start.at);
            self.damage.push(Damage { segment: id, offset: 0, end: 0, from, to });
        }
    }

    /// Sets damaged parts aside and cuts a torn tail off.
    pub(crate) fn repair(&self, storage: &S) -> io::Result<()> {
        for name in &self.unfinished {
            storage.remove(name)?;
        }
        for &id in &self.headless {
            storage.rename(&segment::name(id), &bad_name(id, 0))?;
            storage.sync_names()?;
        }
        let Some((last, entry)) = self.last.as_ref().zip(self.segments.back()) else { return Ok(()) };
        for damage in self.damage.iter().filter(|damage| damage.segment == entry.id) {
            set_aside(storage, damage, &last.bytes)?;
        }
        let walk = &last.walk;
        let cut = walk.torn || walk.stray_end > walk.end;
        if cut && (walk.end as usize) < last.bytes.len() {
            let zeros = vec![0; (walk.stray_end.max(walk.end + 1) - walk.end) as usize];
            last.file.write_at(u64::from(walk.end), &zeros)?;
            last.file.sync()?;
        }
        // What a killed process left to the kernel is synced with the first record of this start.
        Ok(())
    }
}

/// Keeps the bytes of a damaged part under another name. `bytes` are the segment's from 0.
pub(crate) fn set_aside<S: Storage>(storage: &S, damage: &Damage, bytes: &[u8]) -> io::Result<()> {
    let part = bytes.get(damage.offset as usize..damage.end as usize).unwrap_or_default();
    put(storage, &bad_name(damage.segment, damage.offset), part)
}

fn read_segment<S: Storage>(storage: &S, header: &Header) -> Option<Last<S::File>> {
    let file = storage.open(&segment::name(header.segment)).ok()?;
    let len = usize::try_from(file.len().ok()?).ok()?;
    let bytes = read_range(&file, 0, len).ok()?;
    let walk = walk(&bytes, header.segment, header.start);
    Some(Last { file, bytes, walk })
}

/// Follows the groups of a segment to their end. `bytes` are the segment's from 0.
pub(crate) fn walk(bytes: &[u8], segment: u64, start: Mark) -> Walk {
    let mut walk = Walk {
        end: HEADER_LEN,
        chain: start,
        anchor_at: HEADER_LEN,
        clean: false,
        torn: false,
        stray_end: 0,
        damage: Vec::new(),
    };
    loop {
        let rest = bytes.get(walk.end as usize..).unwrap_or_default();
        // A file that ends without a zero has been cut by somebody.
        let found = decode(rest, segment, walk.end);
        match found {
            Found::Group(block) => {
                let start = block.start(Some(walk.chain)).unwrap_or(walk.chain);
                if block.anchor.is_some() {
                    walk.anchor_at = walk.end;
                }
                walk.chain = block.end(start);
                walk.clean = ends_in_order(&block);
                walk.end += block.size;
            }
            Found::End if walk.clean => return walk,
            Found::End | Found::Bad => {
                walk.clean = false;
                let Some(last_end) = last_group_end(bytes, segment, walk.end) else {
                    walk.torn = matches!(found, Found::Bad);
                    return walk;
                };
                let from = walk.chain.at;
                let resume = next_anchor(bytes, segment, walk.end);
                let end = resume.unwrap_or(last_end);
                let to = resume
                    .and_then(|at| match decode(bytes.get(at as usize..)?, segment, at) {
                        Found::Group(block) => block.anchor,
                        _ => None,
                    })
                    .map_or(from, |anchor| anchor.at);
                walk.damage.push(Damage { segment, offset: walk.end, end, from, to });
                match resume {
                    Some(at) => walk.end = at,
                    None => {
                        walk.stray_end = last_end;
                        return walk;
                    }
                }
            }
        }
    }
}

fn ends_in_order(block: &Block<'_>) -> bool {
    if block.kind != Kind::Host {
        return false;
    }
    let mut rest = block.body;
    let mut last = None;
    while let Some(frame) = HostRecord::split(rest) {
        (last, rest) = (frame.record, frame.rest);
    }
    last == Some(HostRecord::Stopped)
}

fn parse_bad_name(name: &str) -> Option<(u64, u32)> {
    let (segment, offset) = name.strip_suffix(".bad")?.split_once('-')?;
    Some((u64::from_str_radix(segment, 16).ok()?, u32::from_str_radix(offset, 16).ok()?))
}
