//! From the middle of a log: a checkpoint is the state as items, and what follows goes on from there. Times in it are spans
//! back from its moment, or on from it.

use campanile_core::decision::By;
use campanile_core::id::{Level, RunId};
use campanile_core::program::On;
use campanile_core::restore::{Restore, RunState};
use campanile_core::time::Duration;

use super::restart::Boot;
use super::run::{Run, State};
use super::time::Clock;
use super::{Program, Programs, Reference};

/// In a `Watch` item: the next edge away from the reported level is an onset.
const FRESH: u8 = 8;
/// In a `Watch` item: a level was reported before the restart ...
const BEFORE: u8 = 32;
/// ... and this one.
const BEFORE_ON: u8 = 64;

impl Reference {
    /// Goes on from the items of a checkpoint under its program.
    #[must_use]
    pub fn resume(program: Program, programs: Programs, items: &[Restore]) -> Self {
        let now = items.iter().find_map(|item| match item {
            Restore::Head { now, .. } => Some(*now),
            _ => None,
        });
        let mut reference = Self::load(now.unwrap_or_default(), program, programs);
        reference.decided.clear();
        reference.starting = false;
        reference.triggers.iter_mut().for_each(|trigger| trigger.due = None);
        items.iter().for_each(|item| reference.take_back(item));
        reference.plan_looks();
        reference
    }

    fn take_back(&mut self, item: &Restore) {
        let now = self.now;
        let after = |left: Option<Duration>| left.map(|left| now.plus(left));
        match *item {
            Restore::Head { occurrences, starting, .. } => {
                self.starting = starting;
                self.agenda.go_on(now, occurrences);
            }
            Restore::Clock { unix, offset, trusted } => {
                self.clock = Some(Clock { at: now, unix, offset, trusted });
            }
            Restore::Stall { left } => self.stall = now.plus(left),
            Restore::Command { origin, id } => self.remember_command(origin, id),
            Restore::Input { .. } | Restore::Watch { .. } => self.take_back_line(item),
            Restore::Sensor { sensor, value } => self.sensors[sensor.index()] = value,
            Restore::Var { var, value } => self.variables[var.index()] = value,
            Restore::Trigger { trigger, armed, left } => {
                let cell = &mut self.triggers[trigger.index()];
                if armed && matches!(cell.on, On::Input { .. }) {
                    cell.left = left;
                } else {
                    (cell.due, cell.armed) = (after(left), armed);
                }
            }
            Restore::Run { run, scenario, cause, state, pc, left, onset_ago, rounds, timed_out, place } => {
                let state = match state {
                    RunState::Waiting => State::Waits { due: after(left) },
                    RunState::Until => State::Until { due: after(left) },
                    RunState::Queued => State::Queued { ticket: place.into(), turn: after(left) },
                };
                let new = Run::new(scenario, cause, now.minus(onset_ago), state);
                self.occupy(run, Run { at: pc, rounds, timed_out, ..new });
            }
            Restore::Output { output, level, by, max_left, failed, held } => {
                let writer = self.living(by);
                let cell = &mut self.outputs[output.index()];
                (cell.level, cell.writer, cell.failed) = (level, writer, failed);
                (cell.limit, cell.held) = (after(max_left), held.then_some(now));
            }
            Restore::Link { peer } => self.peers.push(peer),
            Restore::Stopped { unix } => self.boot = Some(Boot { at: now, off: None, stopped: Some(unix) }),
            Restore::Revived { run, catch_up, look } => {
                if let Some(run) = self.run_mut(run) {
                    (run.catch_up, run.look) = (catch_up, look);
                }
            }
            Restore::Booted { off } => {
                self.boot.get_or_insert(Boot { at: now, off: None, stopped: None }).off = off;
            }
            Restore::Halted {} => self.stopped = true,
        }
    }

    /// The run that wrote an output, if it is not over.
    fn living(&self, by: By) -> Option<RunId> {
        let By::Run { run, .. } = by else { return None };
        self.run(run).map(|_| run)
    }

    fn take_back_line(&mut self, item: &Restore) {
        let now = self.now;
        match *item {
            Restore::Input { input, raw, reported } => {
                let line = &mut self.lines[input.index()];
                line.first(now, reported);
                line.seen.iter_mut().for_each(|seen| seen.raw = raw);
            }
            Restore::Watch { input, flags, edges, acc, since_ago, onset_ago, lock_left, .. } => {
                let line = &mut self.lines[input.index()];
                if flags & BEFORE != 0 {
                    line.remember(Level::from_bool(flags & BEFORE_ON != 0));
                }
                let Some(seen) = &mut line.seen else { return };
                (seen.last_edge, seen.onset) = (now.minus(since_ago), now.minus(onset_ago));
                (seen.fresh, seen.edges) = (flags & FRESH != 0, edges.into());
                (seen.lock_end, seen.balance) = (now.plus(lock_left), Duration::from_micros(acc.into()));
            }
            _ => {}
        }
    }
}
