//! Bounded memory (I8): never more runs at the same time than the load check reserved slots for.

use std::collections::BTreeSet;

use campanile_core::decision::Decision;
use campanile_core::id::RunId;
use campanile_core::record::Record;

use crate::swarm::house::Rules;
use crate::swarm::tape::Entry;

/// The runs that there are.
#[derive(Default)]
pub(in crate::swarm) struct Runs(BTreeSet<RunId>);

impl Runs {
    pub(in crate::swarm) fn see(&mut self, entry: &Entry, rules: &Rules) -> Result<(), String> {
        match &entry.record {
            Some(Record::Decision(Decision::Run { run, .. })) => {
                self.0.insert(*run);
            }
            Some(Record::Decision(Decision::End { run, .. })) => {
                self.0.remove(run);
                // Behind a swap the ends of those that do not go on come one by one.
                return Ok(());
            }
            // Which of them have ended nobody knows.
            None => self.0.clear(),
            _ => return Ok(()),
        }
        let (runs, most) = (self.0.len(), rules.runs);
        if runs > usize::from(most) {
            let at = entry.at.micros();
            return Err(format!(
                "at {at} us there are {runs} runs, and the load check reserved {most} slots"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use campanile_core::decision::{Cause, EndWhy, RunHow};
    use campanile_core::id::ScenarioId;
    use campanile_core::input::Origin;
    use campanile_core::program::image::hash;
    use campanile_core::time::{Duration, Instant};

    use super::*;
    use crate::swarm::house::Rulebook;
    use crate::testing::doorbell;

    #[test]
    fn there_are_as_many_runs_as_slots() {
        let house = doorbell();
        let book = Rulebook::new(std::slice::from_ref(&house)).unwrap();
        let rules = book.of(hash(&house.image)).unwrap();
        let most = u8::try_from(rules.runs).unwrap();
        assert!(most > 0);
        let mut runs = Runs::default();
        let mut see = |record| {
            let mut entry = Entry::new(Instant::ZERO, begins(0, RunHow::Started));
            entry.record = record;
            runs.see(&entry, rules)
        };
        for run in 0..most {
            see(Some(begins(run, RunHow::Queued))).unwrap();
            see(Some(begins(run, RunHow::Started))).expect("its turn has come");
        }
        assert!(see(Some(begins(most, RunHow::Started))).is_err_and(|why| why.contains("runs")));
        for run in [0, most] {
            let end = Decision::End { run: RunId(run), why: EndWhy::Done };
            see(Some(Record::Decision(end))).unwrap();
        }
        see(Some(begins(0, RunHow::Started))).expect("one has ended");
        see(None).unwrap();
        see(Some(begins(most, RunHow::Started))).expect("perhaps another has ended");
    }

    fn begins(run: u8, how: RunHow) -> Record {
        let (run, scenario, onset_ago) = (RunId(run), ScenarioId(0), Duration::ZERO);
        let cause = Cause::Command { origin: Origin::Local };
        Record::Decision(Decision::Run { run, scenario, cause, how, onset_ago })
    }
}
