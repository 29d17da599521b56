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
    /// Refused: each counts once. Whoever was gone before he had written down that he was past one has another word on it.
    refused: BTreeSet<Position>,
}

impl Unheard {
    /// Takes a word that goes from memory, if it is one on a loss. A gap is not: it is made one with what goes behind it.
    pub(crate) fn take(&mut self, word: HostRecord) {
        match word {
            HostRecord::Dropped { sink, from, to, count } => self.lose(&sink, from, to, count),
            HostRecord::DeadLetter { sink, record, .. } => {
                let before = Position { seq: record.seq.saturating_sub(1), ..record };
                let span = self.span(&sink, before, record);
                span.count = span.count.saturating_add(u64::from(span.refused.insert(record)));
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
        let span = self.span(sink, from, to);
        span.count = span.count.saturating_add(count);
    }

    /// What a sink has lost, these places included.
    fn span(&mut self, sink: &SinkName, from: Position, to: Position) -> &mut Span {
        let span = Span { from, to, count: 0, refused: BTreeSet::new() };
        let span = self.sinks.entry(sink.clone()).or_insert(span);
        (span.from, span.to) = (span.from.min(from), span.to.max(to));
        span
    }

    /// What is to be said again.
    pub(crate) fn words(self) -> impl Iterator<Item = HostRecord> {
        // A refusal may have been told of before with others: there are never more than there is room for.
        let dropped = |(sink, Span { from, to, count, .. })| {
            let count = from.records_to(to).map_or(count, |most| count.min(most));
            HostRecord::Dropped { sink, from, to, count }
        };
        let damaged = self.damaged.into_iter().map(|(from, to)| HostRecord::Damaged { from, to });
        damaged.chain(self.sinks.into_iter().map(dropped))
    }
}
