//! Words on losses that go themselves before those have heard them whom they concern. They are said again, a sink's as one,
//! so that there are never more of them than sinks.

use std::collections::BTreeMap;

use crate::host::HostRecord;
use crate::name::SinkName;
use crate::position::Position;

/// At most this many damages are said again; the older ones were said in their time.
const DAMAGES_MAX: usize = 64;

#[derive(Default)]
pub(crate) struct Unheard {
    sinks: BTreeMap<SinkName, Span>,
    damaged: Vec<(Position, Position)>,
}

/// Lost behind the first place, up to the last.
struct Span {
    from: Position,
    to: Position,
    count: u64,
}

impl Unheard {
    /// Takes a word that goes, if it is one on a loss. A gap is not: it stays where records are missing.
    pub(crate) fn take(&mut self, word: HostRecord) {
        match word {
            HostRecord::Dropped { sink, from, to, count } => self.lose(sink, from, to, count),
            HostRecord::DeadLetter { sink, record, .. } => {
                self.lose(sink, Position { seq: record.seq.saturating_sub(1), ..record }, record, 1);
            }
            HostRecord::Damaged { from, to } => {
                self.damaged.push((from, to));
                let surplus = self.damaged.len().saturating_sub(DAMAGES_MAX);
                self.damaged.drain(..surplus);
            }
            _ => {}
        }
    }

    /// Takes a word that goes, as far as it concerns this sink.
    pub(crate) fn take_for(&mut self, sink: &SinkName, word: HostRecord) {
        match word {
            HostRecord::Dropped { sink: whose, .. } | HostRecord::DeadLetter { sink: whose, .. }
                if whose != *sink => {}
            HostRecord::Damaged { from, to } if from < to => {
                self.lose(sink.clone(), from, to, from.records_to(to).unwrap_or(0));
            }
            word => self.take(word),
        }
    }

    fn lose(&mut self, sink: SinkName, from: Position, to: Position, count: u64) {
        let span = self.sinks.entry(sink).or_insert(Span { from, to, count: 0 });
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
