//! The end of a run: its outputs go along if it ended early, and the next in its queue moves up.

use crate::bits::{id, take_lowest};
use crate::decision::{Decision, EndWhy};
use crate::engine::view::View;
use crate::id::{OutputId, RunId, ScenarioId};
use crate::program::Mode;
use crate::scenario::run::{QUEUED, Run};

impl View<'_> {
    /// Ends all runs of a scenario, those that queue first, so that none of them moves up.
    pub(crate) fn stop_scenario(&mut self, scenario: ScenarioId) {
        for queued in [true, false] {
            for index in 0..self.live().len() {
                let of = |run: &Run| run.is_of(scenario) && (run.has(QUEUED)) == queued;
                if self.runs.get(index).is_some_and(of) {
                    self.end(RunId(id(index)), EndWhy::Stopped);
                }
            }
        }
    }

    /// A run is over. One that ends early takes its outputs along; the next one in its queue moves up.
    pub(crate) fn end(&mut self, slot: RunId, why: EndWhy) {
        let Some(run) = self.runs.get_mut(slot.index()) else { return };
        let scenario = run.scenario;
        run.free();
        while self.live().last().is_some_and(|run| run.is_free()) {
            self.s.slots = self.s.slots.saturating_sub(1);
        }
        self.decide(Decision::End { run: slot, why });
        let in_peace = matches!(why, EndWhy::Done | EndWhy::Ended);
        let mut left = self.s.owned_outputs;
        while let Some(index) = take_lowest(&mut left) {
            let output = OutputId(index);
            if self.outputs.get(output.index()).is_some_and(|cell| cell.is_of(slot)) {
                self.lose_writer(output, in_peace);
            }
        }
        self.move_up(scenario);
    }

    /// Gives the first in a scenario's queue its turn, if nobody has it.
    pub(crate) fn move_up(&mut self, scenario: ScenarioId) {
        let now = self.s.now;
        let queues =
            self.scenarios.get(scenario.index()).is_some_and(|cell| matches!(cell.def.mode, Mode::Queued(_)));
        if !queues || self.live().iter().any(|run| run.is_of(scenario) && !run.is_behind()) {
            return;
        }
        let of_queue = |run: &&mut Run| run.is_of(scenario);
        if let Some(first) = self.runs.iter_mut().filter(of_queue).min_by_key(|run| run.place) {
            (first.due, first.place) = (now, 0);
            self.s.wake_at(now);
        }
        // Places count from the turn on, so that a queue that never empties never runs out of them.
        self.runs.iter_mut().filter(of_queue).for_each(|run| run.place = run.place.saturating_sub(1));
    }
}
