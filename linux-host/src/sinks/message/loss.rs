//! What befell the journal and the delivery, for receivers: the host's own words.
//!
//! A word on a loss says itself what is lost, and does not leave that to its place among the others: a sink that was
//! slower than the memory of a failing disk learns of the hole when it is past it.

use std::fmt::Write as _;

use campanile_delivery::{HostRecord, Position, SinkName};

use super::{Message, Renderer, Stamp, quoted};

/// What is missing behind a place, up to another: each `BOOT/SEQ`.
#[derive(Default)]
struct Loss<'a> {
    /// How many records, if that is known.
    count: Option<u64>,
    span: Option<(Position, Position)>,
    /// Whose loss it is; everybody's if it says nothing.
    sink: Option<&'a SinkName>,
}

impl Renderer {
    /// The message for one of the host's records; `None` if receivers do not get it.
    pub fn host(&self, stamp: Stamp, record: &HostRecord) -> Option<Message> {
        let (word, loss) = match record {
            HostRecord::Torn { .. } => ("torn", Loss::default()),
            HostRecord::Damaged { from, to } => {
                ("damaged", Loss { span: Some((*from, *to)).filter(|_| from < to), ..Loss::default() })
            }
            HostRecord::JournalGap { from, to, count, .. } => {
                let place = |seq| Position { seq, ..stamp.position };
                let span = Some((place(from.saturating_sub(1)), place(*to)));
                ("journal-gap", Loss { count: Some(*count), span, sink: None })
            }
            HostRecord::Dropped { sink, from, to, count } => {
                ("dropped", Loss { count: Some(*count), span: Some((*from, *to)), sink: Some(sink) })
            }
            HostRecord::DeadLetter { sink, record, .. } => {
                let before = Position { seq: record.seq.saturating_sub(1), ..*record };
                ("dead-letter", Loss { count: Some(1), span: Some((before, *record)), sink: Some(sink) })
            }
            _ => return None,
        };
        let mut draft = self.diagnosis(stamp.at, word, &record.to_string())?;
        loss.put(&mut draft.more);
        // These take no number of their own from the engine.
        Some(self.finish(draft, stamp, Some(stamp.position.host)))
    }
}

impl Loss<'_> {
    fn put(&self, out: &mut String) {
        if let Some(count) = self.count {
            let _ = write!(out, ",\"lost\":{count}");
        }
        if let Some((after, to)) = self.span {
            let _ = write!(out, ",\"after\":\"{after}\",\"to\":\"{to}\"");
        }
        if let Some(sink) = self.sink {
            let _ = write!(out, ",\"sink\":{}", quoted(sink.as_str()));
        }
    }
}
