//! The host's end, as a port makes it, and a journal that outlives it.

use std::collections::BTreeMap;
use std::mem;

use campanile_core::decision::{Decision, ReplyResult, Source};
use campanile_core::id::{Level, VarId};
use campanile_core::input::{COMMAND_TTL, Op, Origin};
use campanile_core::link::{Collector, Heard, Host, Lines, MAX_FRAME, Verdict, Wall, bundle};
use campanile_core::record::{Frame, Record};
use campanile_core::time::Instant;
use proptest::prelude::*;

use super::porch::{BUTTON, Porch, a_bundle};

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
    /// A session has begun, and none of its records has come.
    begins: bool,
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
        let (collector, answers) = (Collector::new(), BTreeMap::new());
        Self { host, collector, boot: 0, begins: false, answers, bundle, button: None, lines: None }
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
                    (self.boot, self.begins) = (hello.boot, true);
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
                    let (is_gap, begins) = (delivery.first > book.next, mem::take(&mut self.begins));
                    if is_gap && self.boot == porch.boot() {
                        let left = porch.engine.log().tail().seq;
                        prop_assert!(left >= delivery.first, "{} to {} are lost", book.next, delivery.first);
                        self.lines.take_if(|lines| lines.seq < delivery.first);
                        self.host.look(now);
                    }
                    if (is_gap || begins) && self.boot == porch.boot() {
                        // What took over while the frame was under way did so behind it, too.
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
