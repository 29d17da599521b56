//! The two ends, as ports make them: a satellite with an engine whose log is small, and a host with a journal that
//! outlives it.

use std::collections::BTreeMap;

use campanile_core::capacity::Tiny;
use campanile_core::decision::{Decision, ReplyResult, Source};
use campanile_core::engine::{Engine, Step};
use campanile_core::id::{InputId, Level, VarId};
use campanile_core::input::{COMMAND_TTL, Input, Op, Origin};
use campanile_core::link::bundle::{self, Bundle};
use campanile_core::link::{
    About, Collector, Health, Heard, Host, Lines, MAX_FRAME, Request, Runs, Satellite, Staging, Verdict, Wall,
};
use campanile_core::log::Cursor;
use campanile_core::program::{InputDef, Parts, VarDef, image};
use campanile_core::record::{Frame, MAX_RECORD, Record};
use campanile_core::time::Instant;
use proptest::prelude::*;

use crate::tape::Tape;

/// The longest bundle that the satellite takes.
const BUNDLE_MAX: usize = 640;

/// The satellite's only input.
const BUTTON: InputId = InputId(0);

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
    engine: Box<Engine<Tiny>>,
    satellite: Satellite,
    collector: Collector,
    staging: Staging<BUNDLE_MAX>,
    /// Up to where its own memory of the log reaches.
    cursor: Cursor,
    /// All that it ever wrote: the time, and the bytes.
    pub(super) log: Vec<(Instant, Vec<u8>)>,
    level: Level,
    began: Instant,
    runs: Runs,
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
    fn wrote(&self, seq: u64) -> u64 {
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

/// What the host keeps over its restarts.
#[derive(Default)]
pub(super) struct Journal {
    boots: BTreeMap<u64, Book>,
}

/// One start of the satellite.
struct Book {
    next: u64,
    records: BTreeMap<u64, (Instant, Vec<u8>)>,
}

impl Journal {
    fn begin(&mut self) -> u64 {
        let boot = self.boots.len() as u64 + 1;
        self.boots.insert(boot, Book { next: 1, records: BTreeMap::new() });
        boot
    }

    /// The number of the record that comes next.
    pub(super) fn next(&self, boot: u64) -> u64 {
        self.boots.get(&boot).map_or(1, |book| book.next)
    }

    /// How many starts it has begun.
    pub(super) fn starts(&self) -> usize {
        self.boots.len()
    }

    pub(super) fn len(&self) -> usize {
        self.boots.values().map(|book| book.records.len()).sum()
    }

    /// What is there is what the satellite wrote.
    pub(super) fn compare(&self, porch: &Porch) -> Result<(), TestCaseError> {
        let Some(book) = self.boots.get(&porch.boot()) else { return Ok(()) };
        for (seq, record) in &book.records {
            prop_assert_eq!(Some(record), porch.log.get(*seq as usize - 1), "record {}", seq);
        }
        Ok(())
    }
}

/// One start of the host.
pub(super) struct Pi {
    host: Host,
    collector: Collector,
    boot: u64,
    /// Whether a command was carried out.
    answers: BTreeMap<u32, bool>,
    /// What the satellite is to run, by its file.
    bundle: Vec<u8>,
    /// How the button is reported, as far as it has heard.
    button: Option<Level>,
    /// How the lines are as of a record that has not come yet.
    lines: Option<Lines>,
}

impl Pi {
    pub(super) fn start(number: u32, choice: u32) -> Self {
        let host = Host::new(number.wrapping_mul(0x0765_4321));
        let bundle = a_bundle(choice);
        let answers = BTreeMap::new();
        Self { host, collector: Collector::new(), boot: 0, answers, bundle, button: None, lines: None }
    }

    /// Its file has another program for the satellite now.
    pub(super) fn want(&mut self, now: Instant, choice: u32) {
        self.bundle = a_bundle(choice);
        self.install(now);
    }

    fn install(&mut self, now: Instant) {
        self.host.install(now, bundle::hash(&self.bundle), self.bundle.len() as u16);
    }

    /// Whether the satellite's word on its program is awaited.
    pub(super) fn is_installing(&self) -> bool {
        self.host.progress().is_some()
    }

    /// The wire was cut, and is there again.
    pub(super) fn cut(&mut self, now: Instant) {
        self.host.restart(now);
    }

    /// What the satellite is to run.
    pub(super) fn wanted(&self) -> u64 {
        bundle::hash(&self.bundle)
    }

    /// Its journal has lost all from this record on.
    pub(super) fn go_back(&mut self, now: Instant, seq: u64, journal: &mut Journal) {
        let book = journal.boots.get_mut(&self.boot).unwrap();
        book.records.split_off(&seq);
        book.next = seq;
        self.host.pull(now, seq);
    }

    pub(super) fn is_up(&self) -> bool {
        self.host.is_up()
    }

    /// How the button is reported, as far as it has heard.
    pub(super) const fn button(&self) -> Option<Level> {
        self.button
    }

    pub(super) fn is_free(&self) -> bool {
        self.host.awaits().is_none()
    }

    pub(super) fn ask(&mut self, now: Instant, id: u32) {
        let op = Op::Let { var: VarId(0), value: id as i32 };
        assert!(self.host.command(now, Origin::Link, id, op, COMMAND_TTL));
    }

    pub(super) fn answer(&self, id: u32) -> Option<bool> {
        self.answers.get(&id).copied()
    }

    pub(super) fn hear(
        &mut self,
        now: Instant,
        bytes: Vec<u8>,
        journal: &mut Journal,
        porch: &Porch,
    ) -> Result<(), TestCaseError> {
        for byte in bytes {
            let Some(message) = self.collector.push(byte) else { continue };
            match self.host.receive(now, message) {
                Some(Heard::Hello(hello)) if hello.boot == 0 => {
                    let boot = journal.begin();
                    self.host.assign(now, boot);
                }
                Some(Heard::Hello(hello)) => {
                    prop_assert!(
                        hello.head >= journal.next(hello.boot),
                        "a number of a start was used twice"
                    );
                    self.boot = hello.boot;
                    self.host.pull(now, journal.next(hello.boot));
                    self.lines = None;
                    self.host.look(now);
                    if hello.bundle != self.wanted() {
                        self.install(now);
                    }
                }
                Some(Heard::Records(delivery)) => {
                    let book = journal.boots.get_mut(&self.boot).unwrap();
                    prop_assert!(delivery.first >= book.next, "records came twice");
                    if delivery.first > book.next && self.boot == porch.boot() {
                        let left = porch.engine.log().tail().seq;
                        prop_assert!(left >= delivery.first, "{} to {} are lost", book.next, delivery.first);
                        self.lines.take_if(|lines| lines.seq < delivery.first);
                        self.host.look(now);
                        let is_told = delivery.program.is_some() || porch.runs.since > delivery.first;
                        prop_assert!(is_told, "nobody says which program wrote {}", delivery.first);
                    }
                    if let Some(program) = delivery.program.filter(|_| self.boot == porch.boot()) {
                        prop_assert_eq!(program, porch.wrote(delivery.first));
                    }
                    let (mut at, mut rest, mut seq) = (delivery.base, delivery.bytes, delivery.first);
                    while let Some((frame, behind)) = Frame::split(rest) {
                        at = at.plus(frame.dt);
                        learn(&mut self.button, &mut self.lines, seq);
                        if let Some(Record::Decision(Decision::Event { source, value: Some(value), .. })) =
                            frame.record()
                            && source == (Source::Input { input: BUTTON })
                        {
                            self.button = Some(Level::from_bool(value != 0));
                        }
                        book.records.insert(seq, (at, frame.bytes.to_vec()));
                        (seq, rest) = (seq + 1, behind);
                    }
                    prop_assert!(rest.is_empty());
                    prop_assert_eq!(seq, delivery.first + delivery.count);
                    book.next = seq;
                    self.host.taken(now, seq);
                    learn(&mut self.button, &mut self.lines, seq);
                }
                Some(Heard::Lines(lines)) => {
                    let next = journal.next(self.boot);
                    prop_assert!(lines.seq >= next, "{} is behind {}", lines.seq, next);
                    self.lines = Some(lines);
                    learn(&mut self.button, &mut self.lines, next);
                }
                Some(Heard::Reply { id, result }) => {
                    let done = matches!(result, ReplyResult::Done | ReplyResult::Duplicate);
                    self.answers.insert(id, done);
                }
                Some(Heard::Committed { verdict, .. }) => prop_assert_eq!(verdict, Verdict::Runs),
                Some(Heard::Pong { .. } | Heard::Health(_) | Heard::Trace { .. }) | None => {}
                Some(heard) => prop_assert!(false, "nobody expects {:?}", heard),
            }
        }
        Ok(())
    }

    pub(super) fn say(&mut self, now: Instant) -> Option<Vec<u8>> {
        let wall = Wall { unix: now.micros() as i64, offset: 0, trusted: true };
        let mut out = [0; MAX_FRAME];
        let len = self.host.transmit(now, wall, &self.bundle, &mut out)?;
        Some(out[..len].to_vec())
    }
}

/// All records before this one are there: what was told of the lines, as of one of them, counts from here on.
fn learn(button: &mut Option<Level>, lines: &mut Option<Lines>, seq: u64) {
    if let Some(lines) = lines.take_if(|lines| lines.seq <= seq) {
        *button = lines.input(BUTTON);
    }
}
