//! Until when something waits that outlives a power cut: durable runs and durable `for`s.
//!
//! What is left of such a span counts from the last that the disk knows of a start, so a quiet house leaves a sign of
//! life now and then for as long as something waits, and only then.

use std::collections::BTreeMap;

use campanile_core::decision::{Cause, Decision};
use campanile_core::id::{RunId, TriggerId};
use campanile_core::input::Input;
use campanile_core::record::{Frame, Record};
use campanile_core::restore::Restore;
use campanile_core::time::Instant;

use crate::context::{INSTALL_KIND, RESTORE_KIND};

const RUN_KIND: u8 = 65;
const WAIT_KIND: u8 = 67;
const END_KIND: u8 = 68;
const ARM_KIND: u8 = 74;

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Pending {
    runs: BTreeMap<RunId, Instant>,
    triggers: BTreeMap<TriggerId, Instant>,
    /// What waited when other ids began.
    before: Instant,
}

impl Pending {
    /// The last deadline of all that waits; what it was may be over by then.
    pub(crate) fn until(&self) -> Instant {
        self.runs
            .values()
            .chain(self.triggers.values())
            .copied()
            .max()
            .unwrap_or(self.before)
            .max(self.before)
    }

    /// Takes a record of this time.
    pub(crate) fn take(&mut self, frame: &Frame<'_>, at: Instant) {
        // Told apart by their kinds first: nearly all records are others.
        let kinds = [INSTALL_KIND, RESTORE_KIND, RUN_KIND, WAIT_KIND, END_KIND, ARM_KIND];
        if !kinds.contains(&frame.kind()) {
            return;
        }
        match frame.record() {
            Some(Record::Input(Input::Install { .. })) => {
                *self = Self { before: self.until(), ..Self::default() };
            }
            // Behind a `Boot`; whether it is a durable one, nobody says here: it costs a sign of life too many.
            Some(Record::Input(Input::Restore { item: Restore::Trigger { trigger, left, .. } })) => {
                set(&mut self.triggers, trigger, left.map(|left| at.plus(left)));
            }
            Some(Record::Decision(Decision::Arm { trigger, left })) => {
                set(&mut self.triggers, trigger, left.map(|left| at.plus(left)));
            }
            Some(Record::Decision(Decision::Run { cause: Cause::Trigger { trigger }, .. })) => {
                self.triggers.remove(&trigger);
            }
            Some(Record::Decision(Decision::Wait { run, left, .. })) => {
                set(&mut self.runs, run, left.map(|left| at.plus(left)));
            }
            Some(Record::Decision(Decision::End { run, .. })) => {
                self.runs.remove(&run);
            }
            _ => {}
        }
    }
}

fn set<K: Ord>(waiting: &mut BTreeMap<K, Instant>, key: K, until: Option<Instant>) {
    match until {
        Some(until) => waiting.insert(key, until),
        None => waiting.remove(&key),
    };
}
