//! Bounded work (I8): an instant begins no more occurrences than it has room for, and what these do is no more than the
//! load check found in the longest slice of a scenario.

use campanile_core::decision::{By, Decision, RunHow, SkipWhy};
use campanile_core::input::{Input, Op};
use campanile_core::record::Record;
use campanile_core::time::Instant;

use crate::swarm::rules::Rules;
use crate::swarm::tape::Entry;

/// Occurrences, and runs that go on, at one instant: core/SEMANTICS.md.
const OCCURRENCES: u32 = 64;

/// What the instant of the last record has seen.
#[derive(Default)]
pub(in crate::swarm) struct Steps {
    instant: Instant,
    /// Occurrences that began a run or were skipped.
    occurrences: u32,
    /// What runs did.
    steps: u32,
    /// The longest slice of the programs that ran in it.
    slice: u32,
    /// Variables that commands have set, which no run did.
    commanded: u32,
}

impl Steps {
    pub(in crate::swarm) fn see(&mut self, entry: &Entry, rules: &Rules) -> Result<(), String> {
        let decision = match &entry.record {
            Some(Record::Decision(decision)) => decision,
            Some(Record::Input(Input::Command { op: Op::Let { .. }, .. })) => {
                self.begin(entry.at);
                self.commanded += 1;
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.begin(entry.at);
        self.slice = self.slice.max(rules.slice);
        match decision {
            Decision::Run { how: RunHow::Started | RunHow::Restarted | RunHow::Queued, .. }
            | Decision::Skip { why: SkipWhy::Condition | SkipWhy::Unknown | SkipWhy::Busy, .. } => {
                self.occurrences += 1;
            }
            Decision::Let { .. }
            | Decision::Send { .. }
            | Decision::Set { by: By::Run { .. }, .. }
            | Decision::Skip { why: SkipWhy::Value, .. } => self.steps += 1,
            _ => {}
        }
        let most = OCCURRENCES * self.slice + self.commanded;
        if self.occurrences <= OCCURRENCES && self.steps <= most {
            return Ok(());
        }
        Err(format!(
            "the instant {} us has {} occurrences and {} steps, and {OCCURRENCES} and {most} are the most",
            self.instant.micros(),
            self.occurrences,
            self.steps
        ))
    }

    fn begin(&mut self, at: Instant) {
        if at != self.instant {
            *self = Self { instant: at, ..Self::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use campanile_core::id::VarId;
    use campanile_core::input::Origin;
    use campanile_core::program::image::hash;

    use super::*;
    use crate::swarm::rules::Rulebook;
    use crate::testing::doorbell;

    /// The doorbell's longest slice has three steps: a `let`, a `set`, and the wait behind them.
    #[test]
    fn an_instant_has_room_for_as_many_steps_as_the_load_check_found() {
        let house = doorbell();
        let book = Rulebook::new(std::slice::from_ref(&house)).unwrap();
        let rules = book.of(hash(&house.image)).unwrap();
        let mut steps = Steps::default();
        let entry = |at| {
            let record = Record::Decision(Decision::Let { var: VarId(0), value: 1 });
            Entry::new(Instant::from_micros(at), record)
        };
        for _ in 0..OCCURRENCES * rules.slice {
            steps.see(&entry(5), rules).unwrap();
        }
        assert!(steps.see(&entry(5), rules).is_err());
        steps.see(&entry(6), rules).expect("another instant");
        // What a command sets is no step of a run.
        let op = Op::Let { var: VarId(0), value: 1 };
        let command = Record::Input(Input::Command { origin: Origin::Local, id: 1, op });
        steps.see(&Entry::new(Instant::from_micros(7), command), rules).unwrap();
        for _ in 0..=OCCURRENCES * rules.slice {
            steps.see(&entry(7), rules).unwrap();
        }
        assert!(steps.see(&entry(7), rules).is_err());
        assert!((2..=3).contains(&rules.slice), "{}", rules.slice);
    }
}
