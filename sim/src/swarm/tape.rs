//! What a node's engine wrote, life by life: the truth that journal and receivers are held against.

use campanile_core::program::verify::LoadError;
use campanile_core::record::{Frame, Record};
use campanile_core::runner::Message;
use campanile_core::time::Instant;

use crate::house::House;
use crate::node::Witness;

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
    /// All numbers that it has had.
    pub(super) numbers: Vec<u64>,
    /// Entry `n` is the record with the number `n + 1`.
    pub(super) entries: Vec<Entry>,
    pub(super) bytes: Vec<u8>,
    /// What of it can be executed again, but for the first of its parts, which begins with the load of the program: each
    /// ends where records were overwritten in memory, and the next one begins at a checkpoint.
    resumed: Vec<Resumed>,
    /// The first entries that were overwritten, each of the part before it.
    tears: Vec<usize>,
}

/// A part of a life that begins at a checkpoint.
struct Resumed {
    /// The first entry behind it.
    entry: usize,
    checkpoint: Checkpoint,
}

/// The engine's state: `Restore` records in a row.
pub(super) struct Checkpoint {
    pub(super) program: u64,
    pub(super) items: Vec<u8>,
}

/// Records in a row, none of them missing.
pub(super) struct Part<'a> {
    /// Where it goes on from; `None`: from the load of the program.
    pub(super) checkpoint: Option<&'a Checkpoint>,
    pub(super) entries: &'a [Entry],
    pub(super) bytes: &'a [u8],
    /// Records are missing behind it.
    pub(super) is_cut: bool,
}

impl Scroll {
    /// A life of these records.
    #[cfg(test)]
    pub(super) fn of(entries: Vec<Entry>) -> Self {
        Self { entries, ..Self::default() }
    }

    /// The bytes of the record with a number.
    pub(super) fn bytes_of(&self, seq: u64) -> Option<&[u8]> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        let from = self.entries.get(at)?.start as usize;
        let to = self.entries.get(at + 1).map_or(self.bytes.len(), |next| next.start as usize);
        self.bytes.get(from..to)
    }

    /// All that can be executed again.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let first = (0, None);
        let resumed = self.resumed.iter().map(|part| (part.entry, Some(&part.checkpoint)));
        std::iter::once(first).chain(resumed).enumerate().map(|(place, (from, checkpoint))| {
            let tear = self.tears.get(place).copied();
            let start =
                |entry: usize| self.entries.get(entry).map_or(self.bytes.len(), |it| it.start as usize);
            let to = tear.unwrap_or(self.entries.len());
            let (entries, bytes) = (&self.entries[from..to], &self.bytes[start(from)..start(to)]);
            Part { checkpoint, entries, bytes, is_cut: tear.is_some() }
        })
    }

    /// Whether the engine's next record is behind others that nobody has seen and no checkpoint tells of.
    const fn is_torn(&self) -> bool {
        self.tears.len() > self.resumed.len()
    }

    pub(super) fn entry(&self, seq: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }

    /// Whether its start has this number, or has had it.
    fn is(&self, boot: u64) -> bool {
        self.boot == boot || self.numbers.contains(&boot)
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
        let mut lives = self.lives.iter_mut().rev();
        if let Some(life) = lives.find(|life| own == 0 || life.own == own) {
            life.boot = boot;
            if !life.numbers.contains(&boot) {
                life.numbers.push(boot);
            }
        }
        // The start before was told the same number, and has not been heard with it: it is nobody's but this one's.
        if let Some(before) = lives.next().filter(|before| own == 0 && before.boot == boot) {
            before.boot = 0;
        }
    }

    /// The life with a number of start, of now or before.
    pub(super) fn life(&self, boot: u64) -> Option<&Scroll> {
        self.lives.iter().rev().find(|life| life.is(boot))
    }

    /// Which life it is, in the order in which they were lived.
    pub(super) fn chapter(&self, boot: u64) -> Option<usize> {
        self.lives.iter().rposition(|life| life.is(boot))
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
        let numbers = if boot == 0 { Vec::new() } else { vec![boot] };
        self.lives.push(Scroll { boot, own: boot, numbers, ..Scroll::default() });
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
            if !life.is_torn() {
                life.tears.push(life.entries.len());
            }
            let start = u32::try_from(life.bytes.len()).unwrap_or(u32::MAX);
            let at = life.entries.last().map_or(Instant::ZERO, |last| last.at);
            life.entries.extend((0..count).map(|_| Entry { at, record: None, durable: false, start }));
        }
    }

    fn checkpoint(&mut self, program: u64, items: &[u8]) {
        if let Some(life) = self.lives.last_mut().filter(|life| life.is_torn()) {
            let checkpoint = Checkpoint { program, items: items.to_vec() };
            life.resumed.push(Resumed { entry: life.entries.len(), checkpoint });
        }
    }

    fn sent(&mut self, at: Instant, message: &Message) {
        self.sent.push((at, *message));
    }

    fn refused(&mut self, why: LoadError) {
        self.refused.push(why);
    }
}
