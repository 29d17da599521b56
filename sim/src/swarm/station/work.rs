//! What a node does when it has its turn: the loop, the journal's thread, and what others see of both.

use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::{Journal, Lagged, Position};

use super::Station;
use crate::swarm::receiver::{Content, Letter};

impl Station<'_> {
    /// When it has something to do, in the world's time, besides its tasks' timers.
    pub(in crate::swarm) fn due(&self) -> Option<u64> {
        let life = self.node.life.as_ref()?;
        let journal = (!life.relay.stands()).then(|| life.journal.borrow().due()).flatten();
        let couriers = self.ways.iter().filter_map(|way| way.courier.as_ref()?.due());
        let talks = self.talks.values().filter_map(|talk| talk.due().to_option());
        let due = couriers.chain(talks).chain(journal).min().map(|due| self.turns.thawed(self.world(due)));
        [due, self.turns.wakes()].into_iter().flatten().filter(|due| *due > self.clock.now()).min()
    }

    /// Whether the loop can go on now; one that becomes ready may get its turn later.
    fn is_ready(&mut self) -> bool {
        let has = self.turns.has(self.clock.now(), self.executor.is_ready());
        if self.turns.is_asleep() || self.is_held_back() {
            let now = self.enter();
            self.stalls.withheld(now);
        } else if !has {
            self.stalls.given();
        }
        has
    }

    fn settle(&mut self) -> Result<(), String> {
        self.executor.settle().map_err(|stuck| stuck.to_string())
    }

    /// The loop runs until it waits; the journal does what is due.
    pub(in crate::swarm) fn run(&mut self) -> Result<(), String> {
        let now = self.enter();
        let has = !self.turns.is_asleep();
        if has {
            self.settle()?;
            if self.node.own_up() {
                self.settle()?;
            }
        }
        if self.is_held_back() {
            self.lines.held_back(now);
        }
        if let Some(life) = self.node.life.as_ref().filter(|life| !life.relay.stands()) {
            life.journal.borrow_mut().tick(now);
        }
        self.talks.values_mut().for_each(|talk| talk.look(now));
        self.floor_up(now);
        self.check_memory()?;
        self.judge()?;
        self.is_swapped(now)?;
        if has && !self.is_held_back() {
            self.stalls.given();
        }
        Ok(())
    }

    /// Takes note of what the journal shows. The couriers are told.
    pub(in crate::swarm) fn floor_up(&mut self, now: Instant) {
        let Some(life) = &self.node.life else { return };
        let journal = life.journal.borrow();
        if self.readable {
            self.words.listen(&journal);
        }
        self.gave_up |= journal.status().counts.lost > 0;
        let head = journal.index().head();
        // Who stands still syncs nothing.
        let works = !life.relay.stands() && !self.turns.is_frozen(self.clock.now());
        let healthy = works && self.is_well(&journal);
        self.floor.published(now, head, self.window(), healthy);
        for courier in self.ways.iter_mut().filter_map(|way| way.courier.as_mut()) {
            courier.published(head);
        }
    }

    /// What is said by now has been said, whatever becomes of the word.
    pub(in crate::swarm) fn hear(&mut self) {
        if let Some(life) = self.node.life.as_ref().filter(|_| self.readable) {
            self.words.hear(&life.journal.borrow());
        }
    }

    /// Whether anything of it can go on now.
    pub(in crate::swarm) fn has_work(&mut self) -> bool {
        if self.is_ready() {
            return true;
        }
        let now = self.enter();
        let Some(life) = &self.node.life else { return false };
        // The journal and the sinks have threads of their own, but for a process that stands still.
        let journal = !life.relay.stands() && life.journal.borrow().due().is_some_and(|due| due <= now);
        let courier = || self.ways.iter().any(|way| way.courier.as_ref().is_some_and(|c| c.is_due(now)));
        let talk = || self.talks.values().any(|talk| talk.is_due(now));
        !self.turns.is_frozen(self.clock.now()) && (journal || courier() || talk())
    }

    /// When the process goes on that stands still, in the world's time; now if it does not.
    pub(in crate::swarm) fn thaws(&self) -> u64 {
        self.turns.thawed(self.clock.now())
    }

    /// Nothing of the process goes on until then, in the world's time.
    pub(in crate::swarm) fn stall(&mut self, until: u64) {
        let now = self.enter();
        self.stalls.withheld(now);
        self.messages.stir(now.plus(Duration::from_micros(until.saturating_sub(self.clock.now()))));
        self.turns.freeze(until);
    }

    /// Whether the loop takes no input, because the journal's thread takes no records. What came meanwhile is late then,
    /// and so is what is due for it.
    pub(super) fn is_held_back(&self) -> bool {
        self.node.life.as_ref().is_some_and(|life| life.relay.is_full())
    }

    /// Whether what the journal shows is on the disk when it has to be.
    fn is_well(&self, journal: &Journal<Disk>) -> bool {
        journal.degraded().is_none() && self.clock.now() >= self.trouble
    }

    /// A letter leaves: what it tells of a `durable` input is on the disk by now.
    pub(in crate::swarm) fn tells(&mut self, letter: &Letter) {
        let Some(journal) = self.journal() else { return };
        let at = letter.at;
        let tape = self.node.witness.borrow();
        let entry = tape.life(at.boot.0).and_then(|life| life.entry(at.seq));
        let is_record = matches!(letter.body, Content::Engine(_));
        if is_record && entry.is_some_and(|entry| entry.durable) && self.is_well(&journal.borrow()) {
            self.floor.told(at);
        }
    }

    /// A sink was told that records are gone, and goes on behind them.
    pub(in crate::swarm) fn passes(&mut self, way: usize, lagged: Lagged) {
        let tape = self.node.witness.borrow();
        // A start that nobody has seen is before everything.
        let place = |at: Position| (tape.chapter(at.boot.0).unwrap_or(0), at.seq, at.host, true);
        self.ways[way].receiver.passes(place(lagged.after), place(lagged.resume));
    }

    /// The journal's thread stands still until then, in the world's time; so many bytes of records may wait for it.
    pub(in crate::swarm) fn hold_journal(&mut self, until: u64, room: usize) {
        let Some(life) = &self.node.life else { return };
        life.relay.hold(room);
        self.lags = until;
    }

    /// The journal's thread goes on: a span is over, or somebody has a word for it.
    pub(in crate::swarm) fn release_journal(&mut self, now: Instant) {
        if self.is_held_back() {
            self.lines.held_back(now);
        }
        let Some(life) = &self.node.life else { return };
        life.relay.release(&mut life.journal.borrow_mut(), now);
        self.floor_up(now);
    }
}
