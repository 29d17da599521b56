//! One stretch at work: an engine that is fed the inputs of a log again, and the bytes that it must come to.
//!
//! Inputs are fed at the times of their records; what is due before them has its turn first, as in life. What the
//! engine writes is compared with the log a few KiB at a time, and its length after every input, so that nothing is
//! fed behind a difference.

use campanile_core::engine::{Engine, InstallError, Rejected, Step};
use campanile_core::input::Input;
use campanile_core::log::Cursor;
use campanile_core::program::verify::LoadError;
use campanile_core::record::{FIRST_DECISION, Frame, MAX_RECORD, Record};
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};

use crate::node::Room;

/// So many bytes are compared at a time.
const BATCH: usize = 4096;

/// The engine's log must never come round before it is compared.
const UNREAD_MAX: u64 = 8192;

/// Where a re-execution parts from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The number of the first record that differs; of a state, of the last record before it.
    pub seq: u64,
    /// When that was, in the time of its start.
    pub time: Instant,
    /// What differs.
    pub what: Difference,
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A record. `None`: the log, or the re-execution, has nothing more there.
    Record {
        /// What the log has, and when.
        expected: Option<(Instant, Record)>,
        /// What the re-execution came to, and when.
        found: Option<(Instant, Record)>,
    },
    /// An item of the state at a checkpoint.
    State {
        /// What the checkpoint has.
        expected: Option<Restore>,
        /// What the re-execution came to.
        found: Option<Restore>,
    },
    /// The engine does not take an input that it once took.
    Refused {
        /// The input.
        input: Input,
        /// Why not.
        why: Rejected,
    },
    /// The engine does not take a program that it once took.
    Install {
        /// Its hash.
        hash: u64,
        /// Why not.
        why: InstallError,
    },
    /// A record that this build cannot read: it does not know the kind, or not in this form.
    Unreadable {
        /// The kind.
        kind: u8,
        /// The record's bytes, as the log has them.
        bytes: Vec<u8>,
        /// What the re-execution came to in its place, and when.
        found: Option<(Instant, Record)>,
    },
}

/// An engine that follows a log.
pub struct Stretch {
    engine: Box<Engine<Room>>,
    /// Up to here its log is that which it follows.
    agreed: Cursor,
    /// What comes behind, as the log has it.
    expected: Vec<u8>,
    /// The time of the last record taken.
    time: Instant,
}

impl Stretch {
    /// Follows a log from a start on: what [`Engine::load`] decides is its first records.
    ///
    /// # Errors
    /// The program is refused.
    pub fn load(at: Instant, image: &[u8]) -> Result<Self, LoadError> {
        let mut engine = Box::new(Engine::new());
        let agreed = engine.log().head();
        engine.load(at, image)?;
        Ok(Self { engine, agreed, expected: Vec::with_capacity(2 * BATCH), time: at })
    }

    /// Follows a log from a checkpoint on: its bytes, `Restore` records in a row.
    ///
    /// # Errors
    /// The program is refused.
    pub fn resume(image: &[u8], checkpoint: &[u8]) -> Result<Self, LoadError> {
        let mut engine = Box::new(Engine::new());
        engine.load(Instant::ZERO, image)?;
        items(checkpoint).for_each(|item| engine.restore(&item));
        let (agreed, time) = (engine.log().head(), engine.now());
        Ok(Self { engine, agreed, expected: Vec::with_capacity(2 * BATCH), time })
    }

    /// Takes the next record of the log. An `Install` goes to [`install`](Self::install).
    ///
    /// # Errors
    /// Where the re-execution differs; it may be a record taken before.
    pub fn record(&mut self, frame: &Frame<'_>, time: Instant) -> Result<(), Box<Divergence>> {
        self.time = time;
        if frame.kind() >= FIRST_DECISION {
            self.expected.extend_from_slice(frame.bytes);
            return Ok(());
        }
        let Some(Record::Input(input)) = frame.record() else {
            // What is due before it comes first, and may differ already.
            self.settle(time)?;
            self.compare()?;
            return Err(if self.expected.is_empty() {
                self.here(unreadable(frame, self.surplus()))
            } else {
                self.first_difference()
            });
        };
        let mut before = self.unread();
        let mut taken = self.engine.handle(time, input);
        if taken == Err(Rejected::Busy) {
            self.settle(time)?;
            before = self.unread();
            taken = self.engine.handle(time, input);
        }
        match taken {
            Ok(_) => self.follow(frame, before),
            Err(why) => self.refused(Difference::Refused { input, why }),
        }
    }

    /// Takes an `Install` with the program that it names.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn install(&mut self, frame: &Frame<'_>, time: Instant, image: &[u8]) -> Result<(), Box<Divergence>> {
        self.time = time;
        self.settle(time)?;
        let before = self.unread();
        let hash = campanile_core::program::image::hash(image);
        match self.engine.install(time, image) {
            Ok(_) => self.follow(frame, before),
            Err(why) => self.refused(Difference::Install { hash, why }),
        }
    }

    /// Compares the state with that of a checkpoint which stands here in the log.
    ///
    /// # Errors
    /// As [`record`](Self::record), or an item that differs.
    pub fn checkpoint(&mut self, checkpoint: &[u8]) -> Result<(), Box<Divergence>> {
        if let Some(Restore::Head { now, .. }) = items(checkpoint).next() {
            self.settle(now)?;
        }
        self.compare()?;
        if let Some((time, record)) = self.surplus() {
            return Err(self.here(Difference::Record { expected: None, found: Some((time, record)) }));
        }
        let mut mine = Vec::with_capacity(checkpoint.len());
        self.engine.checkpoint(|item| encode(&item, &mut mine));
        if mine == checkpoint {
            return Ok(());
        }
        let (mut expected, mut found) = (items(checkpoint), items(&mine));
        loop {
            match (expected.next(), found.next()) {
                (Some(one), Some(other)) if one == other => {}
                (expected, found) => return Err(self.here(Difference::State { expected, found })),
            }
        }
    }

    /// The log ends here, maybe in the middle of an instant: what a re-execution would decide behind its last record
    /// is no difference.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn finish(&mut self) -> Result<(), Box<Divergence>> {
        self.settle(self.time)?;
        self.compare()?;
        if self.expected.is_empty() { Ok(()) } else { Err(self.first_difference()) }
    }

    /// Expects a record that the engine has just taken; `before`: so much it had written then.
    fn follow(&mut self, frame: &Frame<'_>, before: u64) -> Result<(), Box<Divergence>> {
        let in_step = before == self.expected.len() as u64;
        self.expected.extend_from_slice(frame.bytes);
        if !in_step {
            return Err(self.first_difference());
        }
        if self.expected.len() >= BATCH { self.compare() } else { Ok(()) }
    }

    /// The engine does not take what it once took; what differs before counts first.
    fn refused(&mut self, what: Difference) -> Result<(), Box<Divergence>> {
        self.compare()?;
        Err(if self.expected.is_empty() { self.here(what) } else { self.first_difference() })
    }

    /// Does what is due at or before `at`. What the log has up to there is expected already.
    fn settle(&mut self, at: Instant) -> Result<(), Box<Divergence>> {
        while !matches!(self.engine.poll(at), Step::Idle { .. }) {
            if self.unread() > UNREAD_MAX {
                self.compare()?;
                if self.unread() > UNREAD_MAX {
                    return Err(self.first_difference());
                }
            }
        }
        Ok(())
    }

    fn unread(&self) -> u64 {
        self.engine.log().head().pos.saturating_sub(self.agreed.pos)
    }

    /// Compares as far as both have got.
    fn compare(&mut self) -> Result<(), Box<Divergence>> {
        let mut found = [0; BATCH];
        loop {
            // The log has not come round: see `UNREAD_MAX`.
            let Ok((len, next)) = self.engine.log().copy(self.agreed, &mut found) else {
                return Err(self.first_difference());
            };
            if len == 0 || self.expected.is_empty() {
                return Ok(());
            }
            match self.expected.get(..len) {
                Some(expected) if *expected == found[..len] => {
                    self.expected.drain(..len);
                    self.agreed = next;
                }
                Some(_) => return Err(self.first_difference()),
                // The re-execution is ahead.
                None if found.starts_with(&self.expected) => {
                    self.pass_expected();
                    return Ok(());
                }
                None => return Err(self.first_difference()),
            }
        }
    }

    /// All that is expected is there, and more.
    fn pass_expected(&mut self) {
        let to = self.agreed.pos + self.expected.len() as u64;
        while self.agreed.pos < to {
            match self.engine.log().read(self.agreed) {
                Ok(Some((_, next))) => self.agreed = next,
                _ => break,
            }
        }
        self.expected.clear();
    }

    /// What the re-execution has and the log has not.
    fn surplus(&self) -> Option<(Instant, Record)> {
        let (entry, _) = self.engine.log().read(self.agreed).ok()??;
        Some((entry.at, entry.record))
    }

    /// Compares record by record; to be called when something differs.
    fn first_difference(&self) -> Box<Divergence> {
        let (mut at, mut rest) = (self.agreed, self.expected.as_slice());
        loop {
            let expected = Frame::split(rest);
            let found = self.engine.log().read(at).ok().flatten();
            let time = |dt: Duration| at.at.plus(dt);
            let mut bytes = [0; MAX_RECORD];
            let same = match (&expected, &found) {
                (Some((frame, _)), Some((entry, _))) => {
                    let len = entry.record.encode(entry.at.since(at.at), &mut bytes);
                    bytes.get(..len.unwrap_or(0)) == Some(frame.bytes)
                }
                _ => false,
            };
            match (expected, found) {
                (Some((_, behind)), Some((_, next))) if same => (rest, at) = (behind, next),
                (expected, found) => {
                    let when = expected.as_ref().map(|(frame, _)| time(frame.dt));
                    let found = found.map(|(entry, _)| (entry.at, entry.record));
                    let time = when.or_else(|| found.map(|(when, _)| when)).unwrap_or(at.at);
                    let known = expected.as_ref().map(|(frame, _)| frame.record());
                    let what = match (known, expected.as_ref()) {
                        (Some(None), Some((frame, _))) => unreadable(frame, found),
                        (known, _) => Difference::Record {
                            expected: known.flatten().zip(when).map(|(record, when)| (when, record)),
                            found,
                        },
                    };
                    return Box::new(Divergence { seq: at.seq, time, what });
                }
            }
        }
    }

    /// A difference behind everything that agrees.
    fn here(&self, what: Difference) -> Box<Divergence> {
        let seq = match what {
            Difference::State { .. } => self.agreed.seq.saturating_sub(1),
            _ => self.agreed.seq,
        };
        Box::new(Divergence { seq, time: self.time, what })
    }
}

fn unreadable(frame: &Frame<'_>, found: Option<(Instant, Record)>) -> Difference {
    Difference::Unreadable { kind: frame.kind(), bytes: frame.bytes.to_vec(), found }
}

/// The items of a checkpoint.
pub(crate) fn items(mut bytes: &[u8]) -> impl Iterator<Item = Restore> {
    std::iter::from_fn(move || {
        let (frame, rest) = Frame::split(bytes)?;
        bytes = rest;
        Some(frame.record())
    })
    .filter_map(|record| match record {
        Some(Record::Input(Input::Restore { item })) => Some(item),
        _ => None,
    })
}

fn encode(item: &Restore, out: &mut Vec<u8>) {
    let mut bytes = [0; MAX_RECORD];
    let record = Record::Input(Input::Restore { item: *item });
    let len = record.encode(Duration::ZERO, &mut bytes).unwrap_or(0);
    out.extend_from_slice(&bytes[..len]);
}
