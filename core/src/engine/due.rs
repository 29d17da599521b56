//! What is due: deadlines in the order (time, class, place), each recorded with its own time (I3).

use crate::bits::{bit, id};
use crate::decision::{Decision, EndWhy, FaultKind, Source};
use crate::engine::state::Phase;
use crate::engine::view::View;
use crate::id::{InputId, OutputId, RunId, TriggerId};
use crate::time::Instant;
use crate::watcher::Fired;

/// Whose deadline it is, other than a watcher's. At one instant safety comes first, then what the pins did, then what
/// the clock does.
#[derive(Clone, Copy)]
enum Timer {
    MaxOn(OutputId),
    Trigger(TriggerId),
    Run(RunId),
    Minute,
}

impl View<'_> {
    /// Does the first of what is due at or before `now`; false if nothing is. The bounds of
    /// [`State`](super::state::State) say what has to be searched: most calls find that a deadline has only moved.
    pub(crate) fn do_due(&mut self, now: Instant) -> bool {
        if self.s.phase == Phase::Stopped {
            self.s.set_next(Instant::NEVER, Instant::NEVER);
            return false;
        }
        let (mut watcher_due, mut input) = (self.s.next_watcher(), InputId(0));
        if watcher_due <= now {
            (watcher_due, input) = self.s.first_watcher(self.inputs);
        }
        let (mut timer_due, mut timer) = (self.s.next_timer(), Timer::Minute);
        if timer_due <= now {
            (timer_due, timer) = self.first_timer();
        }
        self.s.set_next(watcher_due, timer_due);
        let due = watcher_due.min(timer_due);
        if due > now || !due.is_set() {
            return false;
        }
        if matches!(timer, Timer::Minute) && timer_due < watcher_due && !self.waits_for_clock() {
            // Nobody waits for it any more: then it does not happen, also not for the engine's time.
            self.s.minute = Instant::NEVER;
            return true;
        }
        self.s.now = self.s.now.max(due);
        let safety = matches!(timer, Timer::MaxOn(_));
        if watcher_due < timer_due || (watcher_due == timer_due && !safety) {
            self.fire_watcher(input);
        } else {
            match timer {
                Timer::MaxOn(output) => self.max_on(output),
                Timer::Trigger(trigger) => self.fire_timer(trigger),
                Timer::Run(run) => self.resume(run),
                Timer::Minute => self.look_at_clock(),
            }
        }
        true
    }

    /// Of equal deadlines the first one looked at.
    fn first_timer(&self) -> (Instant, Timer) {
        let mut first = (Instant::NEVER, Timer::Minute);
        for (index, output) in self.outputs.iter().enumerate() {
            earlier(&mut first, output.due, || Timer::MaxOn(OutputId(id(index))));
        }
        for (index, trigger) in self.triggers.iter().enumerate() {
            earlier(&mut first, trigger.due(), || Timer::Trigger(TriggerId(id(index))));
        }
        // Runs that outlived a restart go on when the inputs have been read, not before.
        let runs = if self.s.phase == Phase::Starting { &[] } else { self.live() };
        for (index, run) in runs.iter().enumerate() {
            earlier(&mut first, run.due(self.s.now), || Timer::Run(RunId(id(index))));
        }
        earlier(&mut first, self.s.minute, || Timer::Minute);
        first
    }

    fn fire_watcher(&mut self, input: InputId) {
        let now = self.s.now;
        let Some(watcher) = self.inputs.get_mut(input.index()) else { return };
        let fired = watcher.fire(now);
        let due = watcher.due();
        if due.is_set() {
            self.s.watch(input, due);
        } else {
            self.s.watching &= !bit(input.0);
        }
        match fired {
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

fn earlier(first: &mut (Instant, Timer), due: Instant, timer: impl FnOnce() -> Timer) {
    if due < first.0 {
        *first = (due, timer());
    }
}
