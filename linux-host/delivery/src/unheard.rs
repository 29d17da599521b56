//! Words on losses that go themselves before those have heard them whom they concern. They are said again: a sink's as one,
//! so that there are as many as sinks at the most, and damage that took no record by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::HostRecord;
use crate::name::SinkName;
use crate::position::Position;

/// At most this many damages are said again; the older ones were said in their time.
const DAMAGES_MAX: usize = 64;

#[derive(Default)]
pub(crate) struct Unheard {
    sinks: BTreeMap<SinkName, Span>,
    damaged: BTreeSet<(Position, Position)>,
}

/// Lost behind the first place, up to the last.
struct Span {
    from: Position,
    to: Position,
    count: u64,
}

impl Unheard {
    /// Takes a word that goes from memory, if it is one on a loss. A gap is not: it is made one with what goes behind it.
    pub(crate) fn take(&mut self, word: HostRecord) {
        match word {
            HostRecord::Dropped { sink, from, to, count } => self.lose(&sink, from, to, count),
            HostRecord::DeadLetter { sink, record, .. } => {
                self.lose(&sink, Position { seq: record.seq.saturating_sub(1), ..record }, record, 1);
            }
            HostRecord::Damaged { from, to } => {
                self.damaged.insert((from, to));
                if self.damaged.len() > DAMAGES_MAX {
                    self.damaged.pop_first();
                }
            }
            _ => {}
        }
    }

    /// Takes a word that goes from its place in the journal, as far as it concerns this sink.
    pub(crate) fn take_for(&mut self, sink: &SinkName, at: Position, word: HostRecord) {
        match word {
            HostRecord::Dropped { sink: whose, .. } | HostRecord::DeadLetter { sink: whose, .. }
                if whose != *sink => {}
            HostRecord::Damaged { from, to } if from < to => {
                self.lose(sink, from, to, from.records_to(to).unwrap_or(0));
            }
            HostRecord::JournalGap { from, to, count, .. } => {
                let place = |seq| Position { seq, ..at };
                self.lose(sink, place(from.saturating_sub(1)), place(to), count);
            }
            word => self.take(word),
        }
    }

    /// A sink has lost so many records between these places.
    pub(crate) fn lose(&mut self, sink: &SinkName, from: Position, to: Position, count: u64) {
        let span = self.sinks.entry(sink.clone()).or_insert(Span { from, to, count: 0 });
        (span.from, span.to) = (span.from.min(from), span.to.max(to));
        span.count = span.count.saturating_add(count);
    }

    /// What is to be said again.
    pub(crate) fn words(self) -> impl Iterator<Item = HostRecord> {
        let dropped = |(sink, Span { from, to, count })| HostRecord::Dropped { sink, from, to, count };
        let damaged = self.damaged.into_iter().map(|(from, to)| HostRecord::Damaged { from, to });
        damaged.chain(self.sinks.into_iter().map(dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::GapWhy;
    use crate::position::Boot;

    fn at(seq: u64) -> Position {
        Position { boot: Boot::new(5, 7), seq, host: 2 }
    }

    #[test]
    fn a_sinks_losses_become_one_word_and_damage_is_said_once() {
        let (home, away) = ("home".parse().unwrap(), "away".parse().unwrap());
        let mut unheard = Unheard::default();
        let header = HostRecord::Damaged { from: at(3), to: at(3) };
        for sink in [&home, &away] {
            unheard.take_for(sink, at(90), header.clone());
        }
        let dead = |sink: &SinkName| HostRecord::DeadLetter {
            sink: sink.clone(),
            record: at(9),
            why: String::new(),
        };
        unheard.take_for(&home, at(90), dead(&home));
        unheard.take_for(&home, at(91), dead(&away));
        let gap = HostRecord::JournalGap { from: 20, to: 29, count: 10, why: GapWhy::Full };
        unheard.take_for(&home, at(29), gap);
        let word = HostRecord::Dropped { sink: home, from: at(8), to: at(29), count: 11 };
        assert_eq!(unheard.words().collect::<Vec<_>>(), [header, word]);
    }
}
