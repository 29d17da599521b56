//! What a receiver has at the end against what was written (I5): nothing is missing that no record accounts for, and
//! everything is as it was written.

use std::collections::BTreeSet;

use campanile_delivery::{Boot, HostRecord, Position, SinkName};

use super::journal::Words;
use crate::swarm::courier::wanted_kind;
use crate::swarm::plan::Wants;
use crate::swarm::receiver::{Content, Letter, Received};
use crate::swarm::tape::Tape;

/// A letter says what was written.
pub(in crate::swarm) fn read(letter: &Letter, tape: &Tape) -> Result<(), String> {
    let Content::Engine(bytes) = &letter.body else { return Ok(()) };
    let at = letter.at;
    let life = tape.life(at.boot.0).ok_or_else(|| format!("{at} is of no start"))?;
    if life.bytes_of(at.seq) != Some(bytes.as_slice()) {
        return Err(format!("{at} was delivered with other bytes than it was written"));
    }
    match life.entry(at.seq) {
        Some(entry) if entry.at == letter.time => Ok(()),
        entry => Err(format!(
            "{at} was delivered with the time {} us, and written at {:?}",
            letter.time.micros(),
            entry.map(|entry| entry.at.micros())
        )),
    }
}

/// Which life, as they came, and which of its records. A place in a start that nobody has seen is before everything.
pub(super) fn number(at: Position, tape: &Tape) -> (usize, u64) {
    tape.chapter(at.boot.0).map_or((0, 0), |life| (life, at.seq))
}

/// Whether a receiver has the record with this number of this life.
pub(super) fn has(received: &Received, (life, seq): (usize, u64)) -> bool {
    let mut here = received.letters.range((life, seq, 0, false)..=(life, seq, u64::MAX, true));
    here.any(|((.., is_word), _)| !is_word)
}

/// Numbers of which a record says that they are gone: behind the first, up to the last; lives counted as they came.
pub(super) struct Gone(Vec<((usize, u64), (usize, u64))>);

impl Gone {
    pub(super) fn of<'a>(
        words: impl Iterator<Item = (&'a Position, &'a HostRecord)>,
        sink: &SinkName,
        tape: &Tape,
    ) -> Self {
        let mut gone = Vec::new();
        let number = |at: Position| number(at, tape);
        for (at, word) in words {
            let (life, _) = number(*at);
            match word {
                HostRecord::Started { previous, .. } => {
                    gone.push((previous.map_or((0, 0), number), (life, 0)));
                }
                HostRecord::Damaged { from, to } => gone.push((number(*from), number(*to))),
                HostRecord::JournalGap { from, to, .. } => {
                    gone.push(((life, from.saturating_sub(1)), (life, *to)));
                }
                HostRecord::Dropped { sink: whose, from, to, .. } if whose == sink => {
                    gone.push((number(*from), number(*to)));
                }
                HostRecord::DeadLetter { sink: whose, record, .. } if whose == sink => {
                    let (life, seq) = number(*record);
                    gone.push(((life, seq.saturating_sub(1)), (life, seq)));
                }
                _ => {}
            }
        }
        Self(gone)
    }

    pub(super) fn has(&self, at: (usize, u64)) -> bool {
        self.0.iter().any(|(from, to)| *from < at && at <= *to)
    }
}

/// Everything that was published up to `head` is there, or is counted here: then a word accounts for it that the receiver
/// has, or that a look into the journal found. A word may be gone from the journal before anybody looks, once the receiver
/// has it. And the receiver need not have it: a sink that lagged behind the memory of a failing disk is past its place when
/// it is written.
pub(in crate::swarm) fn account(
    received: &Received,
    words: &Words,
    sink: &SinkName,
    wants: Wants,
    tape: &Tape,
    head: Position,
) -> Result<u64, String> {
    let mut accounted = 0;
    let gone = Gone::of(words.said.iter().chain(&received.words), sink, tape);
    let end = (tape.lives.len().saturating_sub(1), head.seq);
    let mut boots = BTreeSet::new();
    for (place, life) in tape.lives.iter().enumerate() {
        if !boots.insert(life.boot) {
            return Err(format!("two starts have the number {}", Boot(life.boot)));
        }
        for (seq, entry) in (1..).zip(&life.entries) {
            if (place, seq) > end {
                break;
            }
            // Of what nobody has seen nobody knows whether it was wanted.
            let wanted = entry.record.is_none_or(|record| wanted_kind(wants, record.kind()));
            if !wanted || has(received, (place, seq)) {
                continue;
            }
            accounted += 1;
            if !gone.has((place, seq)) {
                let at = Position { boot: Boot(life.boot), seq, host: 0 };
                return Err(format!(
                    "{at} at {} us is missing at the receiver, and no record accounts for it: {:?}",
                    entry.at.micros(),
                    entry.record
                ));
            }
        }
    }
    Ok(accounted)
}
