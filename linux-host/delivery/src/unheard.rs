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
