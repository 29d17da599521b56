//! What the judges are shown of a node, and when.

use campanile_core::id::{InputId, OutputId};
use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::Journal;
use campanile_delivery::disk::Disk;

use super::{Station, rules};
use crate::node;
use crate::swarm::judge::{age::Moment, journal, memory, replay};

/// The smallest segment of a journal, and the largest: linux-host/delivery/FORMAT.md.
const SEGMENT: (u64, u64) = (4 * 1024, 1024 * 1024);

/// The most bytes of records in a group.
const GROUP_MAX: u64 = 32 * 1024;

/// What a group costs in memory beside its records.
const GROUP: u64 = 256;

/// What is said on losses: a word for each sink, and for the last damages.
const WORDS: u64 = 2 * 1024;

/// The most bytes that come over a link at once: a frame.
const FRAME: u64 = 256;

/// Beyond the bound of its memory a journal may hold what cannot be dropped by itself: the first group of its start, the
/// word on what went, the newest group, and the words on losses that went with others. A group has `most` bytes of records.
const fn undropped(most: u64) -> u64 {
    2 * (most + GROUP) + GROUP + WORDS
}

impl Station<'_> {
    /// Memory stays bounded, whatever the disk does (I11): that of its journal, and of those of its satellites.
    pub(super) fn check_memory(&self) -> Result<(), String> {
        let group = ((self.plan.journal.size / 10).clamp(SEGMENT.0, SEGMENT.1) / 4).min(GROUP_MAX);
        let own = self.journal().map(|journal| (journal.borrow().status().memory, group));
        let theirs = self.talks.values().filter_map(|talk| Some((talk.journal()?.status().memory, FRAME)));
        for (held, group) in own.into_iter().chain(theirs) {
            let (held, most) = (held as u64, self.plan.journal.memory + undropped(group));
            if held > most {
                return Err(format!("a journal holds {held} bytes in memory, and {most} are the most"));
            }
        }
        Ok(())
    }

    /// Shows the judges what is new on the tape.
    pub(super) fn judge(&mut self) -> Result<(), String> {
        let mut tape = self.node.witness.borrow_mut();
        if let Some(why) = tape.refused.first() {
            return Err(format!("a program is refused: {why:?}"));
        }
        let judged = tape.judged;
        let now = node::now();
        for (at, message) in tape.sent.drain(..) {
            self.messages.sent(at, message);
        }
        let Some(life) = tape.lives.last() else { return Ok(()) };
        if judged == 0 {
            // What a start does with its outputs comes before the record that names the program.
            let boot = life.entries.iter().find_map(|entry| match entry.record {
                Some(Record::Input(Input::Boot { hash, .. })) => Some(hash),
                _ => None,
            });
            let Some(hash) = boot else { return Ok(()) };
            self.running = hash;
            self.outputs.begin(rules(&self.rulebook, hash)?);
        }
        for entry in &life.entries[judged..] {
            if let Some(Record::Input(Input::Install { hash })) = entry.record {
                self.running = hash;
            }
            let rules = rules(&self.rulebook, self.running)?;
            self.lines.see(entry, rules)?;
            self.outputs.see(entry, rules)?;
            self.stalls.see(entry, now, rules)?;
            self.commands.see(entry)?;
            self.messages.see(entry)?;
            self.steps.see(entry, rules)?;
            self.runs.see(entry, rules)?;
            self.schedules.see(entry, rules)?;
        }
        tape.judged = life.entries.len();
        Ok(())
    }

    /// What is at rest is reported as it is, the lines are where the log says they are, and no schedule has been forgotten.
    pub(in crate::swarm) fn check_rest(&mut self) -> Result<(), String> {
        if !self.is_alive() || self.turns.is_asleep() {
            return Ok(());
        }
        let now = self.enter();
        if self.is_held_back() {
            self.lines.held_back(now);
            return Ok(());
        }
        self.check_age()?;
        let rules = rules(&self.rulebook, self.running)?;
        // A mask of the storm guard, a reading, a wake-up: all of it is over long before.
        let rest =
            rules.quiet.plus(Duration::from_micros(self.plan.wake * 4 + 2 * self.plan.capture + 400_000));
        if self.lines.is_calm(now, rest) {
            self.messages.check(now, rest.plus(Duration::from_micros(self.plan.slack)))?;
        }
        let board = &self.node.board;
        self.lines.compare(now, rest, rules, |input: InputId| board.input(input))?;
        self.outputs.compare(|output: OutputId| board.output(output))?;
        self.schedules.check(now, rules)
    }

    /// What is too old has gone from the journal, and nothing that had still to stay.
    fn check_age(&mut self) -> Result<(), String> {
        let age = self.plan.journal.age;
        let wall = self.wall.filter(|wall| wall.trusted && age > 0 && !self.lies && !self.rotten);
        let (Some(wall), Some(life)) = (wall, &self.node.life) else {
            self.age.forget();
            return Ok(());
        };
        // Of a process that stood still: since it went on.
        let stood = self.turns.thawed(0);
        let well = [self.begun, wall.at, self.trouble, self.lags, stood].into_iter().fold(0, u64::max);
        let moment = Moment { now: self.clock.now(), life: self.life, wall, well };
        let status = life.journal.borrow().status();
        self.age.check(moment, (age, self.plan.journal.keep), &self.node.disk, &status)
    }

    /// The last life is executed again. With `until`, on the node's own clock, it must be whole up to then.
    pub(in crate::swarm) fn check_replay(&self, until: Option<Instant>) -> Result<(), String> {
        if !self.thorough {
            return Ok(());
        }
        let tape = self.node.witness.borrow();
        let Some(life) = tape.now() else { return Ok(()) };
        replay::life(life, &self.node.houses, &self.rulebook.programs, until)
    }

    /// What a start finds is what the lives before it left. A disk that is not `healthy` may cost the state.
    pub(super) fn check_start(&mut self, journal: &Journal<Disk>, healthy: bool) -> Result<(), String> {
        let tape = self.node.witness.borrow();
        let left = journal::examine(journal.index(), |boot| tape.life(boot), &self.floor, &mut self.words)?;
        let gave_up = std::mem::take(&mut self.gave_up);
        let [.., before, start] = tape.lives.as_slice() else { return Ok(()) };
        let left = left.get(&before.boot).copied().unwrap_or_default();
        if gave_up || self.floor.void || !healthy || left.has_holes {
            return Ok(());
        }
        memory::compare(before, left.told, start, &self.rulebook)
    }

    /// The journal says everything that was written, and nothing else, and says it again.
    pub(in crate::swarm) fn check_journal(&mut self) -> Result<(), String> {
        let Some(life) = &self.node.life else { return Ok(()) };
        let journal = life.journal.borrow();
        let tape = self.node.witness.borrow();
        journal::examine(journal.index(), |boot| tape.life(boot), &self.floor, &mut self.words)?;
        if let Some(degraded) = journal.degraded() {
            return Err(format!("the journal has not recovered: {degraded:?}"));
        }
        if self.thorough { replay::journal(&journal) } else { Ok(()) }
    }
}
