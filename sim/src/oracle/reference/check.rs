//! A log against the reference: the first record that differs, with its time.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;

use campanile_core::decision::Decision;
use campanile_core::input::Input;
use campanile_core::record::{Frame, Record};
use campanile_core::restore::Restore;
use campanile_core::time::Instant;

use super::{Programs, Reference};

/// Where a log and the reference part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The record's number, counted from 1 in this log; behind the last one if something is missing at the end.
    pub seq: u64,
    /// Its time; at the end of the log the time until which it was held to be whole.
    pub at: Instant,
    /// What should be there, and when; `None`: no decision.
    pub expected: Option<(Instant, Decision)>,
    /// What is there; `None`: nothing more.
    pub found: Option<Record>,
}

/// Why a log does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// A record is not what it should be.
    Mismatch(Box<Mismatch>),
    /// The log names a program that is not at hand.
    NoProgram {
        /// Of its image.
        hash: u64,
    },
    /// The bytes are no records from here on.
    Bytes {
        /// The number of the first record that is none, counted from 1.
        seq: u64,
    },
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch(mismatch) => mismatch.fmt(f),
            Self::NoProgram { hash } => {
                write!(f, "the log names program {hash:016x}, and its image is not at hand")
            }
            Self::Bytes { seq } => write!(f, "record {seq} of the log is no record"),
        }
    }
}

impl std::error::Error for Failed {}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the log parts from the reference at record {}, {}:", self.seq, seconds(self.at))?;
        match &self.expected {
            Some((at, decision)) => writeln!(f, "  - {} {decision:?}", seconds(*at))?,
            None => writeln!(f, "  - (no decision was expected)")?,
        }
        match &self.found {
            Some(record) => writeln!(f, "  + {} {record:?}", seconds(self.at))?,
            None => writeln!(f, "  + (nothing more)")?,
        }
        write!(f, "  - expected, + found")
    }
}

fn seconds(at: Instant) -> String {
    format!("{}.{:06}", at.micros() / 1_000_000, at.micros() % 1_000_000)
}

/// Reads a log record by record.
#[derive(Clone, Debug)]
pub struct Checker {
    reference: Reference,
    expected: VecDeque<(Instant, Decision)>,
    seq: u64,
}

impl Checker {
    /// Of a log that begins with the load of a program at `at`.
    ///
    /// # Errors
    /// `NoProgram` if the program is not among `programs`.
    pub fn load(at: Instant, hash: u64, programs: &Programs) -> Result<Self, Failed> {
        let program = programs.get(&hash).ok_or(Failed::NoProgram { hash })?;
        let reference = Reference::load(at, program.clone(), Programs::clone(programs));
        Ok(Self { reference, expected: VecDeque::new(), seq: 0 })
    }

    /// Of a log that goes on behind a checkpoint with these items, under the program that it names.
    ///
    /// # Errors
    /// `NoProgram` if the program is not among `programs`.
    pub fn resume(items: &[Restore], hash: u64, programs: &Programs) -> Result<Self, Failed> {
        let program = programs.get(&hash).ok_or(Failed::NoProgram { hash })?;
        let reference = Reference::resume(program.clone(), Programs::clone(programs), items);
        Ok(Self { reference, expected: VecDeque::new(), seq: 0 })
    }

    /// The next record.
    ///
    /// # Errors
    /// It is not what the reference expects.
    pub fn see(&mut self, at: Instant, record: &Record) -> Result<(), Failed> {
        self.seq += 1;
        self.advance(at);
        match record {
            Record::Input(input) => {
                if let Some(expected) = self.expected.pop_front() {
                    return self.mismatch(at, Some(expected), Some(record));
                }
                if let Input::Install { hash } = *input
                    && !self.reference.programs.contains_key(&hash)
                {
                    return Err(Failed::NoProgram { hash });
                }
                self.reference.feed(at, input);
                Ok(())
            }
            Record::Decision(decision) => {
                let expected = self.expected.pop_front();
                if expected == Some((at, *decision)) {
                    Ok(())
                } else {
                    self.mismatch(at, expected, Some(record))
                }
            }
        }
    }

    /// The end of a log that is whole up to and including `until`.
    ///
    /// # Errors
    /// Something is missing.
    pub fn finish(mut self, until: Instant) -> Result<(), Failed> {
        self.seq += 1;
        self.advance(until);
        match self.expected.pop_front() {
            Some(expected) => self.mismatch(until, Some(expected), None),
            None => Ok(()),
        }
    }

    fn advance(&mut self, until: Instant) {
        self.reference.advance(until);
        self.expected.extend(self.reference.expected());
    }

    fn mismatch(
        &self,
        at: Instant,
        expected: Option<(Instant, Decision)>,
        found: Option<&Record>,
    ) -> Result<(), Failed> {
        let mismatch = Mismatch { seq: self.seq, at, expected, found: found.copied() };
        Err(Failed::Mismatch(Box::new(mismatch)))
    }
}

/// Checks the log of one life, from the load of its program on: the first `Boot` names the program, or `first` if there is
/// none. The first record's `dt` counts from the epoch. With `until`, nothing may be missing up to and including then.
///
/// # Errors
/// Where the log and the reference part, or why they cannot be compared.
pub fn check(bytes: &[u8], first: u64, programs: &Programs, until: Option<Instant>) -> Result<(), Failed> {
    let records = records(bytes)?;
    let boot = records.iter().find_map(|(at, record)| match record {
        Record::Input(Input::Boot { hash, .. }) => Some((*at, *hash)),
        _ => None,
    });
    let loaded = records.first().map(|(at, _)| *at).or(until).unwrap_or_default();
    let (loaded, hash) = boot.unwrap_or((loaded, first));
    let mut checker = Checker::load(loaded, hash, programs)?;
    for (at, record) in &records {
        checker.see(*at, record)?;
    }
    until.map_or(Ok(()), |until| checker.finish(until))
}

fn records(mut bytes: &[u8]) -> Result<Vec<(Instant, Record)>, Failed> {
    let (mut at, mut records) = (Instant::ZERO, Vec::new());
    while !bytes.is_empty() {
        let failed = Failed::Bytes { seq: records.len() as u64 + 1 };
        let Some((frame, rest)) = Frame::split(bytes) else { return Err(failed) };
        at = at.plus(frame.dt);
        records.push((at, frame.record().ok_or(failed)?));
        bytes = rest;
    }
    Ok(records)
}
