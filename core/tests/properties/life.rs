//! An engine driven as a runner drives it, with its whole log kept.

use campanile_core::decision::{Decision, FaultKind};
use campanile_core::effect::Effect;
use campanile_core::engine::{Engine, InstallError, Rejected, Step};
use campanile_core::input::Input;
use campanile_core::log::Cursor;
use campanile_core::record::{Frame, Record};
use campanile_core::restore::Restore;
use campanile_core::time::Instant;

use crate::day::{Deed, Moment};

campanile_core::capacity! {
    /// Room for every random house.
    pub(crate) Lab {
        inputs: 4, outputs: 4, sensors: 2, variables: 3, triggers: 10, schedules: 1, scenarios: 4, runs: 12,
        code: 2048, log: 16384,
    }
}

/// More calls of `poll` than one instant takes (I8).
const MOST_POLLS: u32 = 2_000;
/// Scenarios that start each other every microsecond are in order, and take a test too long.
const RESTLESS: u32 = 3_000;

/// An engine and all that came out of it.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) engine: Box<Engine<Lab>>,
    cursor: Cursor,
    pub(crate) log: Vec<u8>,
    pub(crate) effects: Vec<Effect>,
    /// The program that is loaded, by its place in the list.
    pub(crate) program: usize,
    polls: u32,
    /// The house is too busy to be followed: the case is worth nothing.
    pub(crate) restless: bool,
}

impl Life {
    /// Loads the first of the programs.
    pub(crate) fn load(at: Instant, images: &[Vec<u8>], program: usize) -> Self {
        let mut engine = Box::new(Engine::new());
        let cursor = engine.log().head();
        engine.load(at, &images[program]).unwrap();
        let mut life =
            Self { engine, cursor, log: Vec::new(), effects: Vec::new(), program, polls: 0, restless: false };
        life.settle(at);
        life
    }

    /// A fresh engine that takes a checkpoint, over the bytes of its items.
    pub(crate) fn resume(images: &[Vec<u8>], program: usize, items: &[Restore]) -> Self {
        let mut life = Self::load(Instant::from_micros(77), images, program);
        for item in items {
            let Some(Record::Input(Input::Restore { item })) =
                through_bytes(&Record::Input(Input::Restore { item: *item }))
            else {
                panic!("{item:?} does not survive its bytes");
            };
            life.engine.restore(&item);
        }
        (life.cursor, life.log, life.effects) = (life.engine.log().head(), Vec::new(), Vec::new());
        life
    }

    /// Polls until idle; keeps effects and log.
    pub(crate) fn settle(&mut self, now: Instant) {
        let (mut instant, mut polls) = (self.engine.now(), 0);
        while !self.restless {
            let step = self.engine.poll(now);
            self.collect();
            match step {
                Step::Do(effect) => self.effects.push(effect),
                Step::Again => {}
                Step::Idle { next } => {
                    assert!(next.is_none_or(|next| next > now), "idle, and something is due");
                    break;
                }
            }
            polls = if instant == self.engine.now() { polls + 1 } else { 0 };
            instant = self.engine.now();
            assert!(polls < MOST_POLLS, "the engine does not come to an end of {instant:?}");
            self.polls += 1;
            self.restless = self.polls > RESTLESS;
        }
    }

    /// One call, whatever it brings.
    pub(crate) fn poll(&mut self, now: Instant) {
        if let Step::Do(effect) = self.engine.poll(now) {
            self.effects.push(effect);
        }
        self.collect();
    }

    fn collect(&mut self) {
        let mut bytes = [0; 1024];
        loop {
            let (len, next) = self.engine.log().copy(self.cursor, &mut bytes).expect("a large ring");
            if len == 0 {
                break;
            }
            self.log.extend_from_slice(&bytes[..len]);
            self.cursor = next;
        }
    }

    /// What a runner does with a moment: what is due first, then the deed.
    pub(crate) fn live(&mut self, moment: &Moment, images: &[Vec<u8>]) {
        // A stamp of the past is taken now.
        let now = moment.at.max(self.engine.now());
        self.settle(now);
        if self.restless {
            return;
        }
        match moment.deed {
            Deed::Pass => {}
            Deed::Feed(input) => match self.engine.handle(moment.at, input) {
                Ok(at) => assert_eq!(at, now),
                Err(why) => assert_eq!(why, Rejected::Unknown, "{input:?}"),
            },
            Deed::Install(program) => match self.engine.install(moment.at, &images[program]) {
                Ok(at) => {
                    assert_eq!(at, now);
                    self.program = program;
                }
                // The `Stop` may stand in front of the checkpoint that this life began with.
                Err(why) => assert_eq!(why, InstallError::Stopped),
            },
        }
        self.collect();
        self.settle(now);
    }

    pub(crate) fn checkpoint(&mut self) -> Vec<Restore> {
        let mut items = Vec::new();
        self.engine.checkpoint(|item| items.push(item));
        items
    }

    /// The records so far.
    pub(crate) fn records(&self) -> Vec<(Instant, Record)> {
        records(&self.log, Instant::ZERO)
    }

    /// Nothing is decided any more.
    pub(crate) fn has_stopped(&self) -> bool {
        self.records().iter().any(|(_, record)| matches!(record, Record::Input(Input::Stop {})))
    }

    /// What the check at load promises (I8).
    pub(crate) fn assert_bounded(&self) {
        for (at, record) in self.records() {
            if let Record::Decision(Decision::Fault { what, .. }) = record {
                assert!(
                    !matches!(what, FaultKind::LogicBug | FaultKind::TooManySteps),
                    "{what:?} at {at:?}: {:?}",
                    self.records()
                );
            }
        }
    }
}

/// Takes a log apart; its first `dt` counts from `from`.
pub(crate) fn records(mut log: &[u8], from: Instant) -> Vec<(Instant, Record)> {
    let (mut at, mut records) = (from, Vec::new());
    while let Some((frame, rest)) = Frame::split(log) {
        at = at.plus(frame.dt);
        records.push((at, frame.record().expect("a record of the engine's own")));
        log = rest;
    }
    assert!(log.is_empty(), "the log ends in the middle of a record");
    records
}

/// There and back.
pub(crate) fn through_bytes(record: &Record) -> Option<Record> {
    let mut buf = [0; campanile_core::record::MAX_RECORD];
    let len = record.encode(campanile_core::time::Duration::ZERO, &mut buf)?;
    let (frame, rest) = Frame::split(&buf[..len])?;
    assert!(rest.is_empty());
    frame.record()
}
