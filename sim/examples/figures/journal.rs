//! A journal of a hundred megabytes on a real disk, replayed, and only read.

use std::path::PathBuf;
use std::sync::Arc;

use campanile_core::capacity::Host;
use campanile_core::engine::{Engine, Step};
use campanile_core::id::{InputId, Level};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::log::Cursor;
use campanile_core::program::image;
use campanile_core::record::{CORE_REV, MAX_RECORD, Record};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::{Archive, Batch, Body, Directory, Journal, Move, Options, Position, StoredProgram};
use campanile_sim::replay::{Range, Report, replay};
use campanile_sim::world::House;

use crate::house::RING;

/// A directory of its own, gone at the end.
pub(crate) struct Big {
    path: PathBuf,
    archive: Archive<Directory>,
}

/// The engine's log on its way into the journal.
struct Writer {
    engine: Box<Engine<Host>>,
    journal: Journal<Directory>,
    written: Cursor,
    bytes: u64,
}

impl Writer {
    fn feed(&mut self, at: Instant, input: Input) {
        settle(&mut self.engine, at);
        self.engine.handle(at, input).expect("settled");
        settle(&mut self.engine, at);
    }

    fn write(&mut self) {
        let mut bytes = vec![0; 16 * 1024];
        loop {
            let (len, next) = self.engine.log().copy(self.written, &mut bytes).expect("the log is large");
            if len == 0 {
                break;
            }
            let (first_seq, count) = (self.written.seq, next.seq - self.written.seq);
            let batch = Batch { first_seq, base: self.written.at, bytes: &bytes[..len], count };
            self.journal.append(&batch, false, next.at).expect("whole records");
            (self.written, self.bytes) = (next, self.bytes + len as u64);
        }
        self.journal.commit(self.written.at);
        if self.journal.wants_checkpoint() {
            let mut items = Vec::new();
            self.engine.checkpoint(|item| {
                let mut bytes = [0; MAX_RECORD];
                let record = Record::Input(Input::Restore { item });
                let len = record.encode(Duration::ZERO, &mut bytes).expect("a record fits");
                items.extend_from_slice(&bytes[..len]);
            });
            self.journal.checkpoint(&items, self.written.at).expect("a small house");
        }
    }
}

fn settle(engine: &mut Engine<Host>, at: Instant) {
    while !matches!(engine.poll(at), Step::Idle { .. }) {}
}

impl Big {
    /// Writes so many bytes of records.
    pub(crate) fn new(house: &House, bytes: u64) -> Self {
        let path = std::env::temp_dir().join(format!("campanile-figures-{}", std::process::id()));
        let directory = Arc::new(Directory::open(&path).expect("a directory for the journal"));
        let options = Options { size: 4 * bytes, ..Options::default() };
        let node = house.symbols.node.parse().expect("a name");
        let (journal, opened) =
            Journal::open(&directory, &node, options, 7, Instant::ZERO).expect("a new journal");
        let hash = image::hash(&house.image);
        let mut writer =
            Writer { engine: Box::new(Engine::new()), journal, written: Cursor::default(), bytes: 0 };
        let stored = StoredProgram { image: house.image.clone(), symbols: house.symbols.encode() };
        writer.journal.keep_program(hash, &stored).expect("a disk with room");
        writer.written = writer.engine.log().head();
        writer.engine.load(Instant::ZERO, &house.image).expect("a valid program");
        let boot = Input::Boot { boot: opened.boot.0, core_rev: CORE_REV, hash, off: None };
        writer.feed(Instant::ZERO, boot);
        let (input, level) = (InputId(0), Level::Off);
        writer.feed(Instant::ZERO, Input::Level { input, level, why: LevelWhy::Start });
        writer.feed(Instant::ZERO, Input::Clock { unix: 0, offset: 0, trusted: false });
        let (mut at, mut edge) = (0, 0_u64);
        while writer.bytes < bytes {
            for _ in 0..1024 {
                at += RING[(edge % 16) as usize];
                let level = Level::from_bool(edge % 2 == 0);
                writer.feed(Instant::from_micros(at), Input::Edge { input, level });
                edge += 1;
            }
            writer.write();
        }
        writer.journal.close(writer.written.at).expect("a disk with room");
        let archive = Archive::open(&directory).expect("the journal just written");
        Self { path, archive }
    }

    /// Executes all of it again.
    pub(crate) fn replay(&self) -> Report {
        let report = replay(&self.archive.index, &Range::default(), |_, _| ()).expect("the disk reads");
        assert!(report.is_same(), "{:?}", report.pieces);
        report
    }

    /// The same without the engine: every record is read and taken apart.
    pub(crate) fn read(&self) -> u64 {
        let mut reader = self.archive.index.reader(Position::START);
        let mut inputs = 0;
        while reader.advance().expect("the disk reads") == Move::Item {
            if let Some(Body::Engine(frame)) = reader.item().map(|item| item.body) {
                inputs += u64::from(matches!(frame.record(), Some(Record::Input(_))));
            }
        }
        inputs
    }
}

impl Drop for Big {
    fn drop(&mut self) {
        // What stays lies in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
