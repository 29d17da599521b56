//! Commands: one that was under way for too long is answered, and not carried out when nobody expects it any more; and
//! none takes effect twice, however often it comes.

use std::collections::{BTreeMap, VecDeque};

use campanile_core::decision::{Decision, ReplyResult};
use campanile_core::input::{COMMAND_TTL, Input, Op, Origin};
use campanile_core::record::Record;
use campanile_core::time::Instant;

use crate::swarm::tape::Entry;

/// So many commands a node remembers: core/SEMANTICS.md.
const REMEMBERED: usize = 16;

/// What was sent to this life, and what became of it.
#[derive(Default)]
pub(in crate::swarm) struct Commands {
    /// When each was last sent, by the sender's number.
    sent: BTreeMap<u32, Instant>,
    /// The last that were answered, and whether they were carried out.
    answered: VecDeque<(Origin, u32, bool)>,
}

impl Commands {
    /// Another process: it gets no command that was sent to the one before.
    pub(in crate::swarm) fn begin(&mut self) {
        *self = Self::default();
    }

    pub(in crate::swarm) fn sent(&mut self, id: u32, at: Instant) {
        let last = self.sent.entry(id).or_insert(at);
        *last = at.max(*last);
    }

    pub(in crate::swarm) fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match entry.record {
            Some(Record::Input(Input::Command { id, op, .. })) => self.taken(id, &op, entry),
            Some(Record::Decision(Decision::Reply { origin, id, result })) => self.reply(origin, id, result),
            _ => Ok(()),
        }
    }

    fn reply(&mut self, origin: Origin, id: u32, result: ReplyResult) -> Result<(), String> {
        let done = result == ReplyResult::Done;
        if done && self.answered.contains(&(origin, id, true)) {
            return Err(format!("command {id} of {origin:?} takes effect a second time"));
        }
        if result != ReplyResult::Duplicate {
            self.answered.push_back((origin, id, done));
            // One fewer than is remembered: the order of what came at one time is the engine's.
            if self.answered.len() >= REMEMBERED {
                self.answered.pop_front();
            }
        }
        Ok(())
    }

    fn taken(&self, id: u32, op: &Op, entry: &Entry) -> Result<(), String> {
        match self.sent.get(&id) {
            Some(sent) if *op != (Op::Expired {}) && entry.at.since(*sent) > COMMAND_TTL => Err(format!(
                "command {id} is carried out at {} us, and was sent at {} us",
                entry.at.micros(),
                sent.micros()
            )),
            _ => Ok(()),
        }
    }
}
