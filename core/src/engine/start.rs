//! A new start: what outlives a power cut, and what becomes of the runs that were under way.

use crate::decision::{By, Decision, EndWhy, RunHow};
use crate::engine::cells::Scenario;
use crate::engine::view::View;
use crate::engine::wall::{Off, Stopped};
use crate::program::{AfterRestart, On};
use crate::restore::{Restore, RunState};
use crate::scenario::run::{CATCH_UP, LOOK, QUEUED, Run};
use crate::time::Duration;

impl View<'_> {
    pub(crate) fn boot(&mut self, off: Option<Duration>) {
        self.s.off = off.map_or(Off::Unknown(self.s.now), Off::For);
    }

    /// Takes one item behind a `Boot`.
    pub(crate) fn recall(&mut self, item: &Restore) {
        match *item {
            Restore::Input { input, reported, .. } => {
                if let Some(watcher) = self.inputs.get_mut(input.index()) {
                    watcher.remember(reported);
                }
            }
            Restore::Var { var, value } => {
                if let Some(cell) = self.variables.get_mut(var.index()) {
                    cell.value = value;
                }
            }
            Restore::Command { origin, id } => self.remember_command(origin, id),
            Restore::Trigger { trigger, left, .. } => {
                // Of the others the journal knows what was left at its last checkpoint, and not what became of it.
                let Some(cell) = self.triggers.get_mut(trigger.index()) else { return };
                let scenario = self.scenarios.get(cell.scenario.index());
                if matches!(cell.on, On::Input { .. }) && scenario.is_some_and(Scenario::is_durable) {
                    cell.set_left(left);
                }
            }
            Restore::Stopped { unix } => {
                if let Off::Unknown(start) | Off::Since(Stopped { start, .. }) = self.s.off {
                    self.s.off = Off::Since(Stopped { unix, start });
                }
            }
            Restore::Run { run, scenario, .. } => {
                let durable = self.scenarios.get(scenario.index()).map(|cell| cell.def.after_restart);
                let restored = Run::restored(item, self.s.now).zip(durable);
                match restored.filter(|_| self.runs.get(run.index()).is_some_and(|slot| slot.is_free())) {
                    Some((_, AfterRestart::Cancel)) | None => {
                        self.decide(Decision::End { run, why: EndWhy::Reboot });
                    }
                    Some((restored, after)) => self.revive(run, restored, after),
                }
            }
            // The run goes on, so what it did holds again; whatever else was on stays safe.
            Restore::Output { output, level, by: by @ By::Run { run, scenario }, .. }
                if self.runs.get(run.index()).is_some_and(|slot| slot.is_of(scenario)) =>
            {
                self.write(output, level, by);
            }
            // The rest is read anew: levels, sensors, the clock.
            _ => {}
        }
    }

    fn revive(&mut self, slot: crate::id::RunId, mut run: Run, after: AfterRestart) {
        let now = self.s.now;
        let body = self.scenarios.get(run.scenario.index()).map_or(0, |cell| cell.def.body);
        let off = if let Off::For(off) = self.s.off { Some(off) } else { None };
        // Back to when it was, or to the epoch: a message of this run tells no earlier time than the clock can.
        run.onset = run.onset.minus(off.unwrap_or_default());
        if after == AfterRestart::FireIfMissed && run.due.is_set() {
            match off {
                Some(off) => run.due = run.due.minus(off).max(now),
                None => run.set(CATCH_UP, true),
            }
        }
        // A body that shrank has no such place; the check at load keeps all others within it.
        run.pc = run.pc.min(body);
        if !run.has(QUEUED) {
            // The records say where it waits, not how: its code does.
            let until = self.is_until(run.scenario, run.pc);
            run.set(LOOK, until);
            run.set_state(if until { RunState::Until } else { RunState::Waiting });
        }
        let (due, queued) = (run.due(now), run.has(QUEUED));
        self.occupy(slot, run);
        self.s.wake_at(due);
        self.s.until = true;
        let how = if queued { RunHow::Queued } else { RunHow::Resumed };
        self.note_run(slot, how);
        if !queued {
            self.note_wait(slot);
        }
    }

    /// The clock is trusted for the first time, and tells how long the node was off.
    pub(crate) fn catch_up(&mut self, unix: i64) {
        let Off::Since(stopped) = self.s.off else { return };
        self.s.off = Off::Unknown(stopped.start);
        let now = self.s.now;
        let up = now.since(stopped.start);
        let gone = u64::try_from(unix.saturating_sub(stopped.unix)).unwrap_or(0);
        let off = Duration::from_micros(gone).minus(up);
        for run in self.runs.iter_mut().filter(|run| run.has(CATCH_UP)) {
            run.set(CATCH_UP, false);
            run.due = run.due.minus(off).max(now);
            self.s.wake_at(run.due);
        }
    }
}
