//! A watchman reads the logs of random days and knows the rules of the house: who may run beside whom, whose turn it
//! is, who may write, what an early end leaves behind, and that every command is answered once.

use std::collections::{BTreeMap, VecDeque};

use campanile_core::decision::{
    By, Decision, EndWhy, Origin, ReplyResult, RunHow, SafetyWhy, SkipWhy, Source,
};
use campanile_core::id::{InputId, Level, OutputId, RunId, ScenarioId};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::program::{AfterRestart, Mode};
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_core::time::Instant;
use proptest::prelude::*;

use crate::day::Deed;
use crate::house::House;
use crate::life::Life;
use crate::story::{START, draw};
use crate::tape::{Tape, cases, tapes};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    scenario: ScenarioId,
    queued: bool,
}

struct Watchman<'a> {
    house: &'a House,
    starting: bool,
    /// Nothing is decided any more, also about commands.
    stopped: bool,
    runs: BTreeMap<RunId, Run>,
    /// With the place that a life before gave, or the next one.
    queues: BTreeMap<ScenarioId, VecDeque<(u16, RunId)>>,
    /// Of the run that is taken back.
    place: u16,
    inputs: BTreeMap<InputId, i32>,
    outputs: Vec<(Level, Option<RunId>)>,
    /// Outputs that a run left behind when it ended early.
    orphans: VecDeque<OutputId>,
    commands: VecDeque<(Origin, u32)>,
    /// A command that waits for its answer.
    asked: Option<(Origin, u32)>,
}

impl<'a> Watchman<'a> {
    fn new(house: &'a House) -> Self {
        Self {
            house,
            starting: true,
            stopped: false,
            runs: BTreeMap::new(),
            queues: BTreeMap::new(),
            place: 0,
            inputs: BTreeMap::new(),
            outputs: house.outputs.iter().map(|def| (def.safe, None)).collect(),
            orphans: VecDeque::new(),
            commands: VecDeque::new(),
            asked: None,
        }
    }

    fn see(&mut self, at: Instant, record: &Record) {
        match record {
            Record::Input(input) => self.input(input),
            Record::Decision(decision) => self.decision(at, decision),
        }
    }

    fn input(&mut self, input: &Input) {
        assert_eq!(self.asked, None, "a command without an answer");
        assert!(self.orphans.is_empty(), "left behind: {:?}", self.orphans);
        let of_start = matches!(
            input,
            Input::Boot { .. }
                | Input::Restore { .. }
                | Input::Link { .. }
                | Input::Level { why: LevelWhy::Start, .. }
                | Input::Stop {}
        );
        self.starting &= of_start;
        match *input {
            Input::Stop {} => self.stopped = true,
            Input::Command { origin, id, .. } if !self.stopped => self.asked = Some((origin, id)),
            Input::Restore { item: Restore::Command { origin, id } } => self.remember((origin, id)),
            Input::Restore { item: Restore::Run { place, .. } } => self.place = place,
            _ => {}
        }
    }

    fn remember(&mut self, command: (Origin, u32)) {
        self.commands.push_back(command);
        if self.commands.len() > 16 {
            self.commands.pop_front();
        }
    }

    fn decision(&mut self, at: Instant, decision: &Decision) {
        let safety = By::Safety { why: SafetyWhy::RunEnded };
        if !self.orphans.is_empty() {
            let taken = matches!(*decision, Decision::Set { output, by, .. }
                if by == safety && self.orphans.pop_front() == Some(output));
            assert!(taken, "an early end leaves its outputs safe before anything else: {decision:?}");
        }
        match *decision {
            Decision::Event { source: Source::Input { input }, value, onset_ago, .. } => {
                let value = value.expect("an input has a level");
                assert_ne!(self.inputs.insert(input, value), Some(value), "an event without a change");
                assert!(onset_ago.micros() <= at.micros());
            }
            Decision::Run { run, scenario, how, .. } => self.run(run, scenario, how),
            Decision::Skip { scenario, why: SkipWhy::Busy } => {
                assert_eq!(self.running(scenario), self.limit(scenario), "skipped with room left");
            }
            Decision::End { run, why } => self.end(run, why),
            Decision::Wait { run, .. } => {
                let run = self.runs[&run];
                assert!(!run.queued && self.is_durable(run.scenario), "{decision:?}");
            }
            Decision::Arm { trigger, .. } => {
                assert!(self.is_durable(self.house.triggers[trigger.index()].scenario));
            }
            Decision::Set { output, level, by } => {
                let writer = match by {
                    By::Run { run, scenario } => {
                        assert_eq!(self.runs.get(&run), Some(&Run { scenario, queued: false }), "{by:?}");
                        Some(run)
                    }
                    _ => None,
                };
                self.outputs[output.index()] = (level, writer);
            }
            Decision::Reply { origin, id, result } => {
                assert_eq!(self.asked.take(), Some((origin, id)));
                let known = self.commands.contains(&(origin, id));
                assert_eq!(result == ReplyResult::Duplicate, known, "{decision:?}: {:?}", self.commands);
                if !known {
                    self.remember((origin, id));
                }
            }
            _ => {}
        }
    }

    fn run(&mut self, run: RunId, scenario: ScenarioId, how: RunHow) {
        let mode = self.house.scenarios[scenario.index()].mode;
        let before = self.runs.insert(run, Run { scenario, queued: how == RunHow::Queued });
        let queue = self.queues.entry(scenario).or_default();
        match (how, before) {
            (RunHow::Started, Some(Run { scenario: same, queued: true })) => {
                assert_eq!(same, scenario);
                let first = queue.pop_front().map(|(_, run)| run);
                assert_eq!(first, Some(run), "not the first of its queue");
            }
            (RunHow::Queued, None) if self.starting => {
                queue.push_back((self.place, run));
                queue.make_contiguous().sort_by_key(|(place, _)| *place);
            }
            (RunHow::Queued, None) => queue.push_back((u16::MAX, run)),
            (RunHow::Restarted, Some(Run { scenario: same, queued: false })) => {
                assert_eq!((same, mode), (scenario, Mode::Restart));
            }
            (RunHow::Resumed, None) => assert!(self.starting),
            (RunHow::Started, None) => {}
            _ => panic!("{how:?} of {scenario:?} in the slot of {before:?}"),
        }
        assert!(self.starting || self.running(scenario) <= self.limit(scenario), "too many of {scenario:?}");
        let at_work = self.runs.values().filter(|run| run.scenario == scenario && !run.queued).count();
        let together = if let Mode::Parallel(n) = mode { n.into() } else { 1 };
        assert!(at_work <= together, "{at_work} of {scenario:?} at work, {mode:?}");
        let behind_nobody = how == RunHow::Queued && self.running(scenario) == 1;
        assert!(!behind_nobody || self.starting, "{scenario:?} queues behind nobody");
    }

    fn end(&mut self, run: RunId, why: EndWhy) {
        let Some(over) = self.runs.remove(&run) else {
            assert_eq!(why, EndWhy::Reboot, "the end of nobody");
            return;
        };
        self.queues.entry(over.scenario).or_default().retain(|(_, queued)| *queued != run);
        let in_peace = matches!(why, EndWhy::Done | EndWhy::Ended);
        for (index, (level, writer)) in (0u8..).zip(&mut self.outputs) {
            if *writer == Some(run) {
                *writer = None;
                if !in_peace && *level != self.house.outputs[usize::from(index)].safe {
                    self.orphans.push_back(OutputId(index));
                }
            }
        }
    }

    fn running(&self, scenario: ScenarioId) -> usize {
        self.runs.values().filter(|run| run.scenario == scenario).count()
    }

    fn limit(&self, scenario: ScenarioId) -> usize {
        self.house.scenarios[scenario.index()].mode.slots().into()
    }

    fn is_durable(&self, scenario: ScenarioId) -> bool {
        self.house.scenarios[scenario.index()].after_restart != AfterRestart::Cancel
    }

    /// The engine says the same of what is left.
    fn compare(&self, life: &Life) {
        let left: Vec<_> = life.engine.runs().map(|run| (run.run, run.scenario)).collect();
        assert_eq!(left, self.runs.iter().map(|(&run, state)| (run, state.scenario)).collect::<Vec<_>>());
        if self.stopped {
            return;
        }
        // In three quiet minutes everybody in a queue has come nearer, or somebody is at work in front.
        for run in self.runs.values().filter(|run| run.queued) {
            let worker = self.runs.values().any(|other| other.scenario == run.scenario && !other.queued);
            assert!(worker, "{:?} queues behind nobody", run.scenario);
        }
    }
}

fn the_rules_are_kept(tape: &[u8]) -> Result<(), TestCaseError> {
    let (houses, images, moments) = draw(&mut Tape::new(tape));
    let mut life = Life::load(START, &images, 0);
    for moment in moments.iter().filter(|moment| !matches!(moment.deed, Deed::Install(_))) {
        life.live(moment, &images);
    }
    prop_assume!(!life.restless);
    let mut watchman = Watchman::new(&houses[0]);
    life.records().iter().for_each(|(at, record)| watchman.see(*at, record));
    watchman.compare(&life);
    Ok(())
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn the_rules_of_the_house_are_kept(tape in tapes(500)) {
        the_rules_are_kept(&tape)?;
    }
}
