//! What a node's engine wrote, life by life: the truth that journal and receivers are held against.

use campanile_core::program::verify::LoadError;
use campanile_core::record::{Frame, Record};
use campanile_core::runner::Message;
use campanile_core::time::Instant;

use crate::node::{House, Witness};

/// One record.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) at: Instant,
    /// `None` if it was overwritten in memory before anybody read it.
    pub(super) record: Option<Record>,
    /// It is an event of a `durable` input.
    pub(super) durable: bool,
    /// Where its bytes begin in the life's log.
    start: u32,
}

#[cfg(test)]
impl Entry {
    /// A record by itself.
    pub(super) const fn new(at: Instant, record: Record) -> Self {
        Self { at, record: Some(record), durable: false, start: 0 }
    }
}

/// One life.
#[derive(Default)]
pub(super) struct Scroll {
    /// The number of its start: the node's own, or the one that a house has given it.
    pub(super) boot: u64,
    /// The node's own; 0 if it had none.
    pub(super) own: u64,
    /// Entry `n` is the record with the number `n + 1`.
    pub(super) entries: Vec<Entry>,
    pub(super) bytes: Vec<u8>,
    /// Records were overwritten in memory: the bytes are no whole log.
    pub(super) torn: bool,
}

impl Scroll {
    /// The bytes of the record with a number.
    pub(super) fn bytes_of(&self, seq: u64) -> Option<&[u8]> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        let from = self.entries.get(at)?.start as usize;
        let to = self.entries.get(at + 1).map_or(self.bytes.len(), |next| next.start as usize);
        self.bytes.get(from..to)
    }

    pub(super) fn entry(&self, seq: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }

    pub(super) fn head(&self) -> u64 {
        self.entries.len() as u64
    }
}

/// All lives of a node.
#[derive(Default)]
pub(super) struct Tape {
    pub(super) lives: Vec<Scroll>,
    /// Of everything ever seen: equal for equal histories.
    pub(super) print: u64,
    pub(super) refused: Vec<LoadError>,
    /// What was sent to the last life, and when, that the judges have not seen yet.
    pub(super) sent: Vec<(Instant, Message)>,
    /// How many entries of the last life the judges have seen.
    pub(super) judged: usize,
}

impl Tape {
    pub(super) fn now(&self) -> Option<&Scroll> {
        self.lives.last()
    }

    /// A house calls the start with this number of its own by another. One without a number is the last.
    pub(super) fn assigned(&mut self, own: u64, boot: u64) {
        if let Some(life) = self.lives.iter_mut().rev().find(|life| own == 0 || life.own == own) {
            life.boot = boot;
        }
    }

    /// The life with a number of start.
    pub(super) fn life(&self, boot: u64) -> Option<&Scroll> {
        self.lives.iter().rev().find(|life| life.boot == boot)
    }

    /// Which life it is, in the order in which they were lived.
    pub(super) fn chapter(&self, boot: u64) -> Option<usize> {
        self.lives.iter().rposition(|life| life.boot == boot)
    }
}

/// FNV-1a, over whole bytes.
pub(super) fn mix(print: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(print, |print, byte| (print ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Witness for Tape {
    fn begin(&mut self, boot: u64) {
        self.judged = 0;
        self.sent.clear();
        self.lives.push(Scroll { boot, own: boot, ..Scroll::default() });
    }

    fn see(&mut self, at: Instant, frame: &Frame<'_>, record: &Record, house: Option<&House>) {
        let Some(life) = self.lives.last_mut() else { return };
        self.print = mix(mix(self.print, &at.micros().to_le_bytes()), frame.bytes);
        let start = u32::try_from(life.bytes.len()).unwrap_or(u32::MAX);
        let durable = house.is_some_and(|house| house.is_durable(record));
        life.entries.push(Entry { at, record: Some(*record), durable, start });
        life.bytes.extend_from_slice(frame.bytes);
    }

    fn overwritten(&mut self, count: u64) {
        if let Some(life) = self.lives.last_mut() {
            life.torn = true;
            let start = u32::try_from(life.bytes.len()).unwrap_or(u32::MAX);
            let at = life.entries.last().map_or(Instant::ZERO, |last| last.at);
            life.entries.extend((0..count).map(|_| Entry { at, record: None, durable: false, start }));
        }
    }

    fn sent(&mut self, at: Instant, message: &Message) {
        self.sent.push((at, *message));
    }

    fn refused(&mut self, why: LoadError) {
        self.refused.push(why);
    }
}
