//! The journal (I5): what is read from it is what the engine wrote, in order, each identity once; and what should have
//! survived has survived.

use std::collections::VecDeque;

use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::{Body, Journal, Next, Position};

use crate::swarm::receiver::place;
use crate::swarm::tape::Tape;

/// Which places are known to survive.
#[derive(Default)]
pub(in crate::swarm) struct Floor {
    /// Published at these times, on a healthy disk.
    heads: VecDeque<(Instant, Position)>,
    /// Known to be on the disk for good.
    synced: Position,
    /// Known to be with the kernel, at least.
    written: Position,
    /// The disk has done things that no journal survives whole.
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
            self.synced = *head;
            self.heads.pop_front();
        }
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

    /// A process has opened the journal, which syncs what it finds if the disk is well.
    pub(in crate::swarm) fn opened(&mut self, healthy: bool) {
        if healthy {
            self.synced = self.written;
        }
    }
}

/// What a journal has.
#[derive(Clone, Debug, Default)]
pub(in crate::swarm) struct Contents {
    /// The last of the engine's records of each start.
    pub(in crate::swarm) ends: Vec<(u64, u64)>,
}

/// Reads the whole journal and compares it.
pub(in crate::swarm) fn examine(
    journal: &Journal<Disk>,
    tape: &Tape,
    floor: &Floor,
) -> Result<Contents, String> {
    let mut reader = journal.reader(Position::START);
    let mut contents = Contents::default();
    let mut last = Position::START;
    loop {
        match reader.next().map_err(|error| format!("the journal cannot be read: {error}"))? {
            Next::End => break,
            Next::Lagged(_) => {}
            Next::Item(item) => {
                let at = item.at;
                if at <= last {
                    return Err(format!("the journal has {} behind {}", place(at), place(last)));
                }
                last = at;
                let Body::Engine(frame) = &item.body else { continue };
                let life = tape.life(at.boot.0).ok_or_else(|| format!("{at} is of no start"))?;
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
                match contents.ends.last_mut() {
                    Some((boot, end)) if *boot == at.boot.0 => *end = at.seq,
                    _ => contents.ends.push((at.boot.0, at.seq)),
                }
            }
        }
    }
    let synced = floor.synced;
    if !floor.void && synced.seq > 0 {
        let end = contents.ends.iter().find(|(boot, _)| *boot == synced.boot.0).map_or(0, |(_, end)| *end);
        if end < synced.seq {
            return Err(format!(
                "{synced} should have survived, and the journal ends at {end} of that start"
            ));
        }
    }
    Ok(contents)
}
