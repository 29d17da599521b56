//! The satellite's end, as a port makes it: an engine whose log is small.

use campanile_core::capacity::Tiny;
use campanile_core::decision::Decision;
use campanile_core::engine::{Engine, Step};
use campanile_core::id::{InputId, Level};
use campanile_core::input::{COMMAND_TTL, Input};
use campanile_core::link::bundle::{self, Bundle};
use campanile_core::link::{About, Collector, Health, MAX_FRAME, Request, Runs, Satellite, Staging, Verdict};
use campanile_core::log::Cursor;
use campanile_core::program::{InputDef, Parts, VarDef, image};
use campanile_core::record::{Frame, MAX_RECORD, Record};
use campanile_core::time::Instant;
use proptest::prelude::*;

use crate::tape::Tape;

/// The longest bundle that the satellite takes.
const BUNDLE_MAX: usize = 640;

/// The satellite's only input.
pub(super) const BUTTON: InputId = InputId(0);

/// A bundle of several pieces; each choice is another program.
pub(super) fn a_bundle(choice: u32) -> Vec<u8> {
    let line = "x".repeat(bundle::LINE_MAX);
    let output = bundle::Output { line: &line, active_low: false, safe_on: false, safe_without_link: false };
    let mut bytes = vec![0; BUNDLE_MAX];
    let len = bundle::encode([].into_iter(), [output; 14].into_iter(), &mut bytes).unwrap();
    bytes.truncate(len);
    bytes.extend(a_program(choice));
    bytes
}

fn a_program(choice: u32) -> Vec<u8> {
    let parts = Parts {
        inputs: &[InputDef::default()],
        variables: &[VarDef { name: 1, initial: choice as i32 }],
        ..Parts::default()
    };
    let mut bytes = [0; 256];
    let len = image::encode(&parts, &mut bytes).unwrap();
    bytes[..len].to_vec()
}

/// The programs that took over in these records.
fn installs(log: &[(Instant, Vec<u8>)]) -> impl Iterator<Item = u64> {
    log.iter().filter_map(|(_, bytes)| match Frame::split(bytes)?.0.record() {
        Some(Record::Input(Input::Install { hash })) => Some(hash),
        _ => None,
    })
}

/// One start of a satellite.
pub(super) struct Porch {
    pub(super) engine: Box<Engine<Tiny>>,
    satellite: Satellite,
    collector: Collector,
    staging: Staging<BUNDLE_MAX>,
    /// Up to where its own memory of the log reaches.
    cursor: Cursor,
    /// All that it ever wrote: the time, and the bytes.
    pub(super) log: Vec<(Instant, Vec<u8>)>,
    level: Level,
    began: Instant,
    pub(super) runs: Runs,
    /// It has no time to let another program take over.
    pub(super) is_busy: bool,
    /// The one that waits for that.
    waiting: Option<u64>,
}

impl Porch {
    pub(super) fn start(now: Instant, number: u32) -> Self {
        let mut engine = Box::new(Engine::new());
        let cursor = engine.log().head();
        engine.load(Instant::ZERO, &a_program(0)).unwrap();
        let satellite = Satellite::new(0, 0, number.wrapping_mul(0x1234_5677));
        Self {
            engine,
            satellite,
            collector: Collector::new(),
            staging: Staging::new(),
            cursor,
            log: Vec::new(),
            level: Level::Off,
            began: now,
            runs: Runs { program: image::hash(&a_program(0)), since: 0 },
            is_busy: false,
            waiting: None,
        }
    }

    /// Its own clock begins with it.
    fn clock(&self, now: Instant) -> Instant {
        Instant::ZERO.plus(now.since(self.began))
    }

    fn feed(&mut self, now: Instant, input: Input) {
        let now = self.clock(now);
        self.settle(now);
        let _ = self.engine.handle(now, input);
        self.settle(now);
    }

    fn settle(&mut self, now: Instant) {
        while !matches!(self.engine.poll(now), Step::Idle { .. }) {}
        while let Ok(Some((entry, next))) = self.engine.log().read(self.cursor) {
            let mut bytes = [0; MAX_RECORD];
            let len = entry.record.encode(entry.at.since(self.cursor.at), &mut bytes).unwrap();
            self.log.push((entry.at, bytes[..len].to_vec()));
            if let Record::Decision(Decision::Reply { id, result, .. }) = entry.record {
                self.satellite.reply(id, result);
            }
            self.cursor = next;
        }
    }

    /// Its button moves now and then, sometimes in bursts that its small log does not hold.
    pub(super) fn live(&mut self, now: Instant, faults: &mut Tape<'_>) {
        let moves = match faults.below(64) {
            63 => 150,
            50..63 => faults.below(4),
            _ => usize::from(now.micros().is_multiple_of(100_000)),
        };
        for _ in 0..moves {
            self.level = self.level.opposite();
            self.feed(now, Input::Edge { input: BUTTON, level: self.level });
        }
    }

    pub(super) fn hear(
        &mut self,
        now: Instant,
        bytes: Vec<u8>,
        faults: &mut Tape<'_>,
    ) -> Result<(), TestCaseError> {
        for byte in bytes {
            let clock = self.clock(now);
            let Some(message) = self.collector.push(byte) else { continue };
            match self.satellite.receive(clock, message, &self.engine.log()) {
                Some(Request::Command { id, .. }) if faults.chance(3) => self.satellite.put_off(id),
                Some(Request::Command { origin, id, op, issued }) => {
                    prop_assert!(clock.since(issued) < COMMAND_TTL);
                    self.feed(now, Input::Command { origin, id, op });
                }
                Some(Request::Clock { unix, offset, trusted }) => {
                    self.feed(now, Input::Clock { unix, offset, trusted });
                }
                Some(Request::Image { hash, len, offset, bytes }) => {
                    let have = self.staging.take(hash, len, offset, bytes);
                    self.satellite.stored(hash, have);
                }
                Some(Request::Commit { hash }) => self.install(now, hash)?,
                Some(Request::Assigned { boot } | Request::Taken { boot, .. }) => prop_assert!(boot != 0),
                None => {}
            }
        }
        Ok(())
    }

    fn install(&mut self, now: Instant, hash: u64) -> Result<(), TestCaseError> {
        let clock = self.clock(now);
        if self.is_busy {
            self.waiting = Some(hash);
            return Ok(());
        }
        self.settle(now);
        let Some(bytes) = self.staging.whole(hash) else {
            self.satellite.committed(hash, Verdict::Incomplete);
            return Ok(());
        };
        let bundle = Bundle::open(bytes).expect("it came as it was sent");
        self.runs = Runs { program: image::hash(bundle.image), since: self.cursor.seq };
        prop_assert!(self.engine.install(clock, bundle.image).is_ok());
        self.satellite.committed(hash, Verdict::Runs);
        self.settle(now);
        Ok(())
    }

    /// It has time.
    pub(super) fn takes_over(&mut self, now: Instant) -> Result<(), TestCaseError> {
        self.is_busy = false;
        self.waiting.take().map_or(Ok(()), |hash| self.install(now, hash))
    }

    /// How its button is reported.
    pub(super) fn reported(&self) -> Option<Level> {
        self.engine.input(BUTTON).and_then(|button| button.reported)
    }

    /// The bundle that runs.
    pub(super) fn bundle(&self) -> u64 {
        self.satellite.bundle()
    }

    /// The programs that took over, one after the other.
    pub(super) fn installs(&self) -> Vec<u64> {
        installs(&self.log).collect()
    }

    /// The program that wrote a record.
    pub(super) fn wrote(&self, seq: u64) -> u64 {
        installs(&self.log[..seq as usize]).last().unwrap_or_else(|| image::hash(&a_program(0)))
    }

    pub(super) fn say(&mut self, now: Instant) -> Option<Vec<u8>> {
        let (room, health, bundle_max) = (self.engine.room(), Health::NO_STORAGE, BUNDLE_MAX as u16);
        let about = About { node: "porch", board: "test", room, bundle_max, runs: self.runs, health };
        let mut out = [0; MAX_FRAME];
        let clock = self.clock(now);
        self.settle(clock);
        if self.satellite.wants_checkpoint() {
            self.engine.checkpoint(|item| self.satellite.checkpoint(&item));
            self.satellite.checkpoint_done();
        }
        let len = self.satellite.transmit(clock, &about, &self.engine.log(), &mut out)?;
        Some(out[..len].to_vec())
    }

    pub(super) fn boot(&self) -> u64 {
        self.satellite.boot()
    }

    /// The number of the record that it will write next.
    pub(super) fn next(&self) -> u64 {
        self.log.len() as u64 + 1
    }

    /// How often a command took effect.
    pub(super) fn effects(&self, id: u32) -> usize {
        let is_effect = |bytes: &&[u8]| {
            let record = Frame::split(bytes).and_then(|(frame, _)| frame.record());
            matches!(record, Some(Record::Decision(Decision::Let { value, .. })) if value == id as i32)
        };
        self.log.iter().map(|(_, bytes)| bytes.as_slice()).filter(is_effect).count()
    }
}
