//! What a power cut leaves: a start is `Boot` and the items that outlive it.

use campanile_core::decision::{By, Decision, EndWhy, RunHow};
use campanile_core::id::RunId;
use campanile_core::program::code::Step;
use campanile_core::program::{AfterRestart, On};
use campanile_core::restore::{Restore, RunState};
use campanile_core::time::{Duration, Instant};

use super::Reference;
use super::run::{Run, State};

/// What a new start said of the time before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boot {
    pub(super) at: Instant,
    /// How long the node was off.
    pub(super) off: Option<Duration>,
    /// When it stopped, by the wall clock, if only the clock will tell.
    pub(super) stopped: Option<i64>,
}

impl Reference {
    pub(super) fn boot(&mut self, off: Option<Duration>) {
        self.boot = Some(Boot { at: self.now, off, stopped: None });
    }

    /// Takes one item behind a `Boot`.
    pub(super) fn recall(&mut self, item: &Restore) {
        match *item {
            Restore::Input { input, reported, .. } => {
                if let Some(line) = self.lines.get_mut(input.index()) {
                    line.remember(reported);
                }
            }
            Restore::Var { var, value } => {
                if let Some(cell) = self.variables.get_mut(var.index()) {
                    *cell = value;
                }
            }
            Restore::Command { origin, id } => self.remember_command(origin, id),
            Restore::Trigger { trigger, left, .. } => {
                let Some(cell) = self.triggers.get_mut(trigger.index()) else { return };
                let durable = self.program.scenarios[cell.scenario.index()].is_durable();
                if durable && matches!(cell.on, On::Input { .. }) {
                    cell.left = left;
                }
            }
            Restore::Run { run, .. } => self.recall_run(run, item),
            Restore::Output { output, level, by: by @ By::Run { run, scenario }, .. }
                if self.run(run).is_some_and(|run| run.scenario == scenario) =>
            {
                self.restore_output(output, level, by);
            }
            Restore::Stopped { unix } => {
                if let Some(boot) = self.boot.as_mut().filter(|boot| boot.off.is_none()) {
                    boot.stopped = Some(unix);
                }
            }
            // Outputs that nobody holds stay safe; levels, sensors and the clock are read anew.
            _ => {}
        }
    }

    fn recall_run(&mut self, slot: RunId, item: &Restore) {
        let Restore::Run { scenario, .. } = *item else { return };
        let after = self.program.scenarios.get(scenario.index()).map(|scenario| scenario.def.after_restart);
        match after.filter(|_| self.run(slot).is_none()) {
            None | Some(AfterRestart::Cancel) => {
                self.decide(Decision::End { run: slot, why: EndWhy::Reboot });
            }
            Some(after) => self.revive(slot, item, after),
        }
    }

    /// A run of a durable scenario goes on. With `resume` the time off does not count; with `fire-if-missed` it does.
    fn revive(&mut self, slot: RunId, item: &Restore, after: AfterRestart) {
        let Restore::Run { scenario, cause, state, pc, left, onset_ago, rounds, timed_out, place, .. } =
            *item
        else {
            return;
        };
        let now = self.now;
        let off = self.boot.and_then(|boot| boot.off);
        let onset = now.minus(onset_ago).minus(off.unwrap_or_default());
        let mut run = Run::new(scenario, cause, onset, State::AtWork);
        let mut due = left.map(|left| now.plus(left));
        if after == AfterRestart::FireIfMissed && due.is_some() {
            match off {
                Some(off) => due = due.map(|due| due.minus(off).max(now)),
                None => run.catch_up = true,
            }
        }
        // A body that shrank has no such place.
        run.at = pc.min(self.program.scenarios[scenario.index()].def.body);
        (run.rounds, run.timed_out) = (rounds, timed_out);
        let until = matches!(self.line(&run).map(|line| &line.step), Some(Step::Until { .. }));
        run.state = match state {
            RunState::Queued => State::Queued { ticket: place.into(), turn: due },
            _ if until => State::Until { due },
            _ => State::Waits { due },
        };
        let queued = state == RunState::Queued;
        // Its condition may have become true in the meantime.
        run.look = until && !queued;
        let (pc, left) = (run.at, due.map(|due| due.since(now)));
        self.occupy(slot, run);
        let how = if queued { RunHow::Queued } else { RunHow::Resumed };
        self.decide(Decision::Run { run: slot, scenario, cause, how, onset_ago: now.since(onset) });
        if !queued {
            self.decide(Decision::Wait { run: slot, pc, left, rounds });
        }
    }

    /// The first trusted clock tells how long the node was off, if nothing else did.
    pub(super) fn catch_up(&mut self, unix: i64) {
        let now = self.now;
        let Some(boot) = &mut self.boot else { return };
        let Some(stopped) = boot.stopped.take() else { return };
        let gone = Duration::from_micros(u64::try_from(unix.saturating_sub(stopped)).unwrap_or(0));
        let off = gone.minus(now.since(boot.at));
        for run in self.runs.iter_mut().flatten().filter(|run| run.catch_up) {
            run.catch_up = false;
            let (State::Waits { due: Some(due) }
            | State::Until { due: Some(due) }
            | State::Queued { turn: Some(due), .. }) = &mut run.state
            else {
                continue;
            };
            *due = due.minus(off).max(now);
        }
    }
}
