//! Bounded memory (I8): a scenario never has more runs at the same time than its mode allows, for which the load check has
//! reserved slots.

use std::collections::BTreeMap;

use campanile_core::decision::Decision;
use campanile_core::id::{RunId, ScenarioId};
use campanile_core::input::Input;
use campanile_core::program::ScenarioDef;
use campanile_core::record::Record;
use campanile_core::restore::Restore;

use crate::swarm::rules::Rules;
use crate::swarm::tape::Entry;

/// The runs that there are, each with its scenario, which a program that takes over knows by what it says: those that go on
/// in it count there, and of those that do not the ends come before any other run begins.
#[derive(Default)]
pub(in crate::swarm) struct Runs(BTreeMap<RunId, ScenarioDef>);

impl Runs {
    pub(in crate::swarm) fn see(&mut self, entry: &Entry, rules: &Rules) -> Result<(), String> {
        match entry.record {
            Some(
                Record::Decision(Decision::Run { run, scenario, .. })
                | Record::Input(Input::Restore { item: Restore::Run { run, scenario, .. } }),
            ) => self.begin(entry, run, scenario, rules),
            Some(Record::Decision(Decision::End { run, .. })) => {
                self.0.remove(&run);
                Ok(())
            }
            Some(_) => Ok(()),
            // Which of them have ended nobody knows.
            None => {
                self.0.clear();
                Ok(())
            }
        }
    }

    fn begin(
        &mut self,
        entry: &Entry,
        run: RunId,
        scenario: ScenarioId,
        rules: &Rules,
    ) -> Result<(), String> {
        let at = entry.at.micros();
        let Some(def) = rules.scenarios.get(scenario.index()) else {
            return Err(format!("{run:?} at {at} us is of {scenario:?}, which the program has not"));
        };
        self.0.insert(run, *def);
        let (runs, most) = (self.0.values().filter(|of| *of == def).count(), def.mode.slots());
        if runs > usize::from(most) {
            return Err(format!("at {at} us there are {runs} runs of {scenario:?}, and {most} are the most"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use campanile_core::decision::{Cause, EndWhy, RunHow};
    use campanile_core::input::Origin;
    use campanile_core::program::{AfterRestart, Mode};
    use campanile_core::time::{Duration, Instant};

    use super::*;

    const TWICE: ScenarioDef = scenario(1, Mode::Parallel(2));
    const ONCE: ScenarioDef = scenario(2, Mode::Single);

    const fn scenario(hash: u32, mode: Mode) -> ScenarioDef {
        ScenarioDef { hash, condition: 0, body: 0, mode, after_restart: AfterRestart::Cancel }
    }

    fn begins(run: u8, scenario: u8) -> Record {
        let (cause, how) = (Cause::Command { origin: Origin::Local }, RunHow::Started);
        let (run, scenario, onset_ago) = (RunId(run), ScenarioId(scenario), Duration::ZERO);
        Record::Decision(Decision::Run { run, scenario, cause, how, onset_ago })
    }

    fn ends(run: u8) -> Record {
        Record::Decision(Decision::End { run: RunId(run), why: EndWhy::Done })
    }

    fn see(runs: &mut Runs, scenarios: [ScenarioDef; 2], record: Record) -> Result<(), String> {
        let mut rules = Rules::default();
        rules.scenarios = scenarios.to_vec();
        runs.see(&Entry::new(Instant::ZERO, record), &rules)
    }

    #[test]
    fn a_scenario_has_as_many_runs_as_its_mode_allows_whatever_the_others_have() {
        let mut runs = Runs::default();
        let mut see = |record| see(&mut runs, [TWICE, ONCE], record);
        see(begins(0, 0)).unwrap();
        see(begins(1, 0)).unwrap();
        see(begins(1, 0)).expect("in its slot");
        see(begins(2, 1)).unwrap();
        assert!(see(begins(3, 1)).is_err_and(|why| why.contains("2 runs of ScenarioId(1), and 1")));
        assert!(see(begins(4, 0)).is_err_and(|why| why.contains("3 runs of ScenarioId(0), and 2")));
        see(ends(0)).unwrap();
        see(ends(1)).unwrap();
        see(begins(0, 0)).expect("two have ended");
    }

    #[test]
    fn runs_that_a_program_takes_over_count_for_the_same_scenario_in_its_new_place() {
        let mut runs = Runs::default();
        see(&mut runs, [TWICE, ONCE], begins(0, 0)).unwrap();
        see(&mut runs, [TWICE, ONCE], begins(1, 1)).unwrap();
        see(&mut runs, [ONCE, TWICE], begins(2, 1)).unwrap();
        assert!(see(&mut runs, [ONCE, TWICE], begins(3, 1)).is_err());
        assert!(see(&mut runs, [ONCE, TWICE], begins(3, 0)).is_err());
    }

    #[test]
    fn what_was_overwritten_may_have_been_ends() {
        let mut runs = Runs::default();
        see(&mut runs, [TWICE, ONCE], begins(0, 1)).unwrap();
        let mut gap = Entry::new(Instant::ZERO, ends(0));
        gap.record = None;
        runs.see(&gap, &Rules::default()).unwrap();
        see(&mut runs, [TWICE, ONCE], begins(1, 1)).unwrap();
    }
}
