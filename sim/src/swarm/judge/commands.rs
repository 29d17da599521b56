//! Commands: one that was under way for too long is answered, and not carried out when nobody expects it any more.

use std::collections::BTreeMap;

use campanile_core::input::{COMMAND_TTL, Input, Op};
use campanile_core::record::Record;
use campanile_core::time::Instant;

use crate::swarm::tape::Entry;

/// When each command was last sent to this life, by the sender's number.
#[derive(Default)]
pub(in crate::swarm) struct Commands(BTreeMap<u32, Instant>);

impl Commands {
    /// Another process: it gets no command that was sent to the one before.
    pub(in crate::swarm) fn begin(&mut self) {
        self.0.clear();
    }

    pub(in crate::swarm) fn sent(&mut self, id: u32, at: Instant) {
        let last = self.0.entry(id).or_insert(at);
        *last = at.max(*last);
    }

    pub(in crate::swarm) fn see(&self, entry: &Entry) -> Result<(), String> {
        let Some(Record::Input(Input::Command { id, op, .. })) = entry.record else { return Ok(()) };
        match self.0.get(&id) {
            Some(sent) if op != (Op::Expired {}) && entry.at.since(*sent) > COMMAND_TTL => Err(format!(
                "command {id} is carried out at {} us, and was sent at {} us",
                entry.at.micros(),
                sent.micros()
            )),
            _ => Ok(()),
        }
    }
}
