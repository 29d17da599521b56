//! What the tests of several modules share: an engine that is only a source of records, and a journal on a bad disk.

use std::sync::Arc;

use campanile_core::id::{InputId, Level, VarId};
use campanile_core::record::{MAX_RECORD, Record};
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};
use campanile_core::{decision::Decision, input::Input};

use crate::batch::Batch;
use crate::disk::Disk;
use crate::journal::Journal;
use crate::name::NodeName;
use crate::open::Opened;
use crate::options::Options;
use crate::position::{Cursor, Position};
use crate::reader::{Body, Lagged, Next, Reader};
use crate::{HostRecord, OpenError};

pub(crate) fn node() -> NodeName {
    "front-door".parse().unwrap()
}

pub(crate) fn ms(ms: u64) -> Instant {
    Instant::from_micros(ms * 1000)
}

/// Small segments: 4 KiB, ten of them.
pub(crate) fn small() -> Options {
    Options { size: 40 * 1024, ..Options::default() }
}

pub(crate) fn open(disk: &Arc<Disk>, options: Options) -> Result<(Journal<Disk>, Opened), OpenError> {
    Journal::open(disk, &node(), options, 0x9f3c_21aa, Instant::ZERO)
}

/// The log of one start, as the engine would write it.
#[derive(Default)]
pub(crate) struct Engine {
    pub seq: u64,
    pub time: Instant,
}

impl Engine {
    /// Encodes records and hands them over, with 100 us between them.
    pub(crate) fn log(&mut self, journal: &mut Journal<Disk>, records: &[Record], durable: bool) {
        let base = self.time;
        let mut bytes = Vec::new();
        for record in records {
            let mut buf = [0; MAX_RECORD];
            let len = record.encode(Duration::from_micros(100), &mut buf).unwrap();
            bytes.extend_from_slice(&buf[..len]);
            self.time = self.time.plus(Duration::from_micros(100));
        }
        let count = records.len() as u64;
        let batch = Batch { first_seq: self.seq + 1, base, bytes: &bytes, count };
        journal.append(&batch, durable, self.time).unwrap();
        self.seq += count;
    }

    /// So many raw edges.
    pub(crate) fn edges(&mut self, journal: &mut Journal<Disk>, count: u64) {
        let edges: Vec<Record> =
            (0..count).map(|n| edge(Level::from_bool((self.seq + n).is_multiple_of(2)))).collect();
        self.log(journal, &edges, false);
    }

    /// So many commits of three edges.
    pub(crate) fn fill(&mut self, journal: &mut Journal<Disk>, commits: usize) {
        for _ in 0..commits {
            self.edges(journal, 3);
            journal.commit(self.time);
        }
    }
}

pub(crate) fn edge(level: Level) -> Record {
    Record::Input(Input::Edge { input: InputId(3), level })
}

pub(crate) fn letting(value: i32) -> Record {
    Record::Decision(Decision::Let { var: VarId(1), value })
}

/// A checkpoint of one variable.
pub(crate) fn checkpoint(value: i32) -> Vec<u8> {
    bytes_of(&[Record::Input(Input::Restore { item: Restore::Var { var: VarId(1), value } })])
}

/// Records without any time between them.
pub(crate) fn bytes_of(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        let mut buf = [0; MAX_RECORD];
        let len = record.encode(Duration::ZERO, &mut buf).unwrap();
        bytes.extend_from_slice(&buf[..len]);
    }
    bytes
}

/// Everything there is to read, in short.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    /// Places and bytes of the engine's records.
    pub engine: Vec<(Position, Instant, Vec<u8>)>,
    pub host: Vec<(Position, HostRecord)>,
    pub checkpoints: Vec<Position>,
    pub lagged: Vec<Lagged>,
}

impl Read {
    pub(crate) fn seqs(&self) -> Vec<u64> {
        self.engine.iter().map(|(at, ..)| at.seq).collect()
    }

    pub(crate) fn hosts(&self) -> Vec<HostRecord> {
        self.host.iter().map(|(_, record)| record.clone()).collect()
    }
}

pub(crate) fn read_all(reader: &mut Reader<Disk>) -> Read {
    let mut read = Read::default();
    let mut last = Position::START;
    loop {
        match reader.next().unwrap() {
            Next::End => return read,
            Next::Lagged(lagged) => read.lagged.push(lagged),
            Next::Item(item) => {
                assert!(item.at > last, "{} comes behind {last}", item.at);
                last = item.at;
                match item.body {
                    Body::Engine(frame) => read.engine.push((item.at, item.time, frame.bytes.to_vec())),
                    Body::Host(record) => read.host.push((item.at, record.unwrap())),
                    Body::Checkpoint(_) => read.checkpoints.push(item.at),
                }
            }
        }
    }
}

pub(crate) fn read_from(journal: &Journal<Disk>, after: Cursor) -> Read {
    read_all(&mut journal.reader(after))
}
