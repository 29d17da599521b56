//! What is due: deadlines in the order (time, class, place), each recorded with its own time (I3).

use crate::decision::{Decision, EndWhy, FaultKind, Source};
use crate::engine::Step;
use crate::engine::view::{View, bit, id};
use crate::id::{InputId, OutputId, RunId, TriggerId};
use crate::time::Instant;
use crate::watcher::Fired;

/// Whose deadline it is. The classes at one instant come in this order: safety first, then what the pins did, then
/// what the clock does.
#[derive(Clone, Copy)]
enum Item {
    MaxOn(OutputId),
    Watcher(InputId),
    Trigger(TriggerId),
    Run(RunId),
    Minute,
}

impl View<'_> {
    /// Does the first of what is due at or before `now`.
    pub(crate) fn do_due(&mut self, now: Instant) -> Step {
        let (due, item) = self.first_due();
        self.s.next = due;
        if due > now || !due.is_set() {
            return Step::Idle { next: due.to_option() };
        }
        self.s.now = self.s.now.max(due);
        match item {
            Item::MaxOn(output) => self.max_on(output),
            Item::Watcher(input) => self.fire_watcher(input),
            Item::Trigger(trigger) => self.fire_timer(trigger),
            Item::Run(run) => self.resume(run),
            Item::Minute => self.look_at_clock(),
        }
        Step::Again
    }

    fn first_due(&self) -> (Instant, Item) {
        let mut first = (self.s.minute, Item::Minute);
        // Backwards, so that of equal deadlines the last one looked at is the first in order.
        for (index, run) in self.runs.iter().enumerate().rev() {
            earlier(&mut first, run.due(self.s.now), || Item::Run(RunId(id(index))));
        }
        for (index, trigger) in self.triggers.iter().enumerate().rev() {
            earlier(&mut first, trigger.due, || Item::Trigger(TriggerId(id(index))));
        }
        for (index, watcher) in self.inputs.iter().enumerate().rev() {
            earlier(&mut first, watcher.due, || Item::Watcher(InputId(id(index))));
        }
        for (index, output) in self.outputs.iter().enumerate().rev() {
            earlier(&mut first, output.due, || Item::MaxOn(OutputId(id(index))));
        }
        first
    }

    fn fire_watcher(&mut self, input: InputId) {
        let now = self.s.now;
        let Some(watcher) = self.inputs.get_mut(input.index()) else { return };
        match watcher.fire(now) {
            Fired::Report { level, onset, bounces } => {
                self.decide(Decision::Event {
                    source: Source::Input { input },
                    value: Some(level.into()),
                    onset_ago: now.since(onset),
                    bounces,
                });
                self.input_changed(input, level, onset);
            }
            Fired::Ask => self.s.ask |= bit(input.0),
            Fired::Nothing => {}
        }
    }

    /// A run's wait is over, or what it waits for may be true.
    fn resume(&mut self, run: RunId) {
        let now = self.s.now;
        if !self.s.agenda.admit(now) {
            let scenario = self.runs.get(run.index()).map_or(0, |run| run.scenario.0);
            self.decide(Decision::Fault { what: FaultKind::Cascade, at: scenario });
            self.end(run, EndWhy::Fault);
            return;
        }
        self.go_on(run);
    }
}

fn earlier(first: &mut (Instant, Item), due: Instant, item: impl FnOnce() -> Item) {
    if due <= first.0 && due.is_set() {
        *first = (due, item());
    }
}
