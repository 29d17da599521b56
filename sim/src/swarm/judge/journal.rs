//! The journal (I5): what is read from it is what the engine wrote, in order, each identity once; and what should have
//! survived has survived.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::{Body, HostRecord, Index, Item, Journal, Next, Position};

use crate::swarm::receiver::place;
use crate::swarm::tape::Scroll;

/// Which places are known to survive.
#[derive(Default)]
pub(in crate::swarm) struct Floor {
    /// Published at these times, on a healthy disk.
    heads: VecDeque<(Instant, Position)>,
    /// Known to be on the disk for good.
    synced: Position,
    /// Known to be with the kernel, at least.
    written: Position,
    /// The disk has done things that no journal survives whole, and no start has seen what is left.
    pub(in crate::swarm) void: bool,
}

impl Floor {
    /// The journal shows everything up to `head`. `window`: after so long it is synced, on a healthy disk.
    pub(in crate::swarm) fn published(
        &mut self,
        now: Instant,
        head: Position,
        window: Duration,
        healthy: bool,
    ) {
        if !healthy {
            self.heads.clear();
            return;
        }
        if self.heads.back().is_none_or(|(_, last)| *last != head) {
            self.heads.push_back((now, head));
        }
        self.pass(now, window);
    }

    fn pass(&mut self, now: Instant, window: Duration) {
        while let Some((at, head)) = self.heads.front()
            && at.plus(window) <= now
        {
            self.synced = self.synced.max(*head);
            self.heads.pop_front();
        }
    }

    /// A receiver is told of an event of a `durable` input, by a journal that is well: it is on the disk before that.
    pub(in crate::swarm) fn told(&mut self, at: Position) {
        self.synced = self.synced.max(at);
    }

    /// The process has died. What was published is with the kernel.
    pub(in crate::swarm) fn died(&mut self, now: Instant, window: Duration) {
        // What is due at this very moment may or may not have been done.
        self.pass(now.minus(Duration::from_micros(1)), window);
        self.written = self.heads.back().map_or(self.synced, |(_, head)| *head);
        self.heads.clear();
    }

    /// The power is gone, and with it what only the kernel had.
    pub(in crate::swarm) fn dark(&mut self) {
        self.written = self.synced;
    }

    /// A process goes on from what a disk that works has: what it had forgotten, or what was spoiled, is known to be gone by now.
    pub(in crate::swarm) fn settled(&mut self) {
        if self.void {
            *self = Self::default();
        }
    }

    /// A process has opened the journal, which syncs what it finds if the disk is well.
    pub(in crate::swarm) fn opened(&mut self, healthy: bool) {
        if healthy {
            self.synced = self.written;
        }
    }
}

/// The host's own words in a journal, also those that are gone by now.
#[derive(Default)]
pub(in crate::swarm) struct Words {
    pub(in crate::swarm) said: BTreeMap<Position, HostRecord>,
    /// The losses that they were gathered for.
    losses: u64,
}

impl Words {
    /// Takes note of what is said on a loss before damage can take it, for the word on that does not tell what it took; and
    /// of what only memory says, while the disk takes nothing: the power may take that.
    pub(in crate::swarm) fn listen(&mut self, journal: &Journal<Disk>) {
        let status = journal.status();
        let waits = if status.degraded.is_some() { status.head.host } else { 0 };
        let losses = status.counts.dropped + status.counts.damaged + waits;
        if std::mem::replace(&mut self.losses, losses) != losses {
            self.hear(journal);
        }
    }

    /// Takes note of all that is said.
    pub(in crate::swarm) fn hear(&mut self, journal: &Journal<Disk>) {
        let mut reader = journal.reader(Position::START);
        while let Ok(next) = reader.next() {
            match next {
                Next::Item(Item { at, body: Body::Host(Some(word)), .. }) => {
                    self.said.insert(at, word);
                }
                Next::Item(_) | Next::Lagged(_) => {}
                Next::End => break,
            }
        }
    }
}

/// What is left of a start.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::swarm) struct Left {
    /// The number of the last of the engine's records.
    end: u64,
    /// The number of the last one that it or a checkpoint tells of: behind a gap there may be nothing else.
    pub(in crate::swarm) told: u64,
    /// Some before it are gone, and no checkpoint makes up for them, as one does for what retention takes.
    pub(in crate::swarm) has_holes: bool,
}

/// Reads the whole journal and compares it with the lives that were lived under the numbers in it; adds the host's
/// words to those that were found before. Gives what is left of each start.
pub(in crate::swarm) fn examine<'t>(
    journal: &Arc<Index<Disk>>,
    life: impl Fn(u64) -> Option<&'t Scroll>,
    floor: &Floor,
    words: &mut Words,
) -> Result<BTreeMap<u64, Left>, String> {
    let mut reader = journal.reader(Position::START);
    let mut left: BTreeMap<u64, Left> = BTreeMap::new();
    let (mut begin, mut last) = (None, Position::START);
    loop {
        match reader.next().map_err(|error| format!("the journal cannot be read: {error}"))? {
            Next::End => break,
            Next::Lagged(lagged) => {
                for boot in [lagged.after.boot, lagged.resume.boot] {
                    left.entry(boot.0).or_default().has_holes = true;
                }
            }
            Next::Item(item) => {
                let at = item.at;
                if at <= last {
                    return Err(format!("the journal has {} behind {}", place(at), place(last)));
                }
                last = at;
                begin.get_or_insert(at);
                let frame = match item.body {
                    Body::Engine(frame) => frame,
                    Body::Host(Some(word)) => {
                        words.said.insert(at, word);
                        continue;
                    }
                    Body::Host(None) => continue,
                    Body::Checkpoint(_) => {
                        left.entry(at.boot.0).or_default().told = at.seq;
                        continue;
                    }
                };
                let life = life(at.boot.0).ok_or_else(|| format!("{at} is of no start"))?;
                let same = life.bytes_of(at.seq) == Some(frame.bytes)
                    && life.entry(at.seq).is_some_and(|entry| entry.at == item.time);
                if !same {
                    return Err(format!(
                        "{at} in the journal is {:?} at {} us, and the engine wrote {:?}",
                        frame.record(),
                        item.time.micros(),
                        life.entry(at.seq)
                    ));
                }
                let left = left.entry(at.boot.0).or_default();
                (left.end, left.told) = (at.seq, at.seq);
            }
        }
    }
    let survives = floor.written.max(floor.synced);
    let end = left.get(&survives.boot.0).map_or(0, |left| left.end);
    // Retention may have taken all of that: then the journal begins behind it.
    let is_kept = begin.is_none_or(|begin| (begin.boot, begin.seq) < (survives.boot, survives.seq));
    if !floor.void && is_kept && end < survives.seq {
        return Err(format!("{survives} should have survived, and the journal ends at {end} of that start"));
    }
    Ok(left)
}
