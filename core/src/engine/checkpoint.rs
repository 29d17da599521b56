//! Checkpoints: the state as items, and back. Fresh + checkpoint + what follows = the whole, to the byte.

use crate::bits::{bit, id, take_lowest};
use crate::engine::state::{CommandKey, Phase};
use crate::engine::view::View;
use crate::engine::wall::{Off, Stopped, WallClock};
use crate::id::{InputId, OutputId, PeerId, RunId, SensorId, TriggerId, VarId};
use crate::program::On;
use crate::restore::Restore;
use crate::scenario::run::{CATCH_UP, LOOK, Run};
use crate::time::Instant;

impl View<'_> {
    /// See [`Engine::checkpoint`](crate::engine::Engine::checkpoint). In the order of the items' numbers.
    pub(crate) fn checkpoint(&self, f: &mut dyn FnMut(Restore)) {
        let now = self.s.now;
        let (seq, last) = (self.log.ring.next_seq(), self.log.ring.last());
        f(Restore::Head {
            now,
            logged_ago: now.since(last),
            seq,
            occurrences: self.s.agenda.taken_at(now),
            starting: self.s.phase == Phase::Starting,
        });
        let clock = self.s.clock;
        if let Some(trusted) = clock.trusted() {
            f(Restore::Clock { unix: clock.unix_at(now), offset: clock.offset, trusted });
        }
        if self.s.stall > now {
            f(Restore::Stall { left: self.s.stall.since(now) });
        }
        self.s.commands.iter().for_each(|CommandKey { origin, id }| f(Restore::Command { origin, id }));
        for (index, watcher) in self.inputs.iter().enumerate() {
            watcher.checkpoint(InputId(id(index)), now, f);
        }
        for (index, cell) in self.sensors.iter().enumerate().filter(|(_, cell)| cell.value.is_some()) {
            f(Restore::Sensor { sensor: SensorId(id(index)), value: cell.value });
        }
        for (index, cell) in self.variables.iter().enumerate() {
            f(Restore::Var { var: VarId(id(index)), value: cell.value });
        }
        for (index, cell) in self.triggers.iter().enumerate() {
            // Either: what is left from before a start waits for the reading of its input.
            let left = cell.left().or_else(|| cell.due().left_at(now));
            let armed = cell.armed;
            // `every` is always due; a restored one must not go back to the period after load.
            if left.is_some() || armed || matches!(cell.on, On::Every { .. }) {
                f(Restore::Trigger { trigger: TriggerId(id(index)), armed, left });
            }
        }
        for (index, run) in self.runs.iter().enumerate() {
            run.checkpoint(RunId(id(index)), now).into_iter().for_each(&mut *f);
        }
        for (index, cell) in self.outputs.iter().enumerate() {
            f(Restore::Output {
                output: OutputId(id(index)),
                level: cell.level(),
                by: cell.by,
                max_left: cell.due.left_at(now),
                failed: cell.has_failed(),
                held: self.s.is_held(OutputId(id(index))),
            });
        }
        let mut links = self.s.links;
        while let Some(peer) = take_lowest(&mut links) {
            f(Restore::Link { peer: PeerId(peer) });
        }
        for (index, run) in self
            .runs
            .iter()
            .enumerate()
            .filter(|(_, run)| !run.is_free() && (run.has(CATCH_UP) || run.has(LOOK)))
        {
            f(Restore::Revived { run: RunId(id(index)), catch_up: run.has(CATCH_UP), look: run.has(LOOK) });
        }
        if let Off::Since(Stopped { unix, start }) = self.s.off {
            let up = i64::try_from(now.since(start).micros()).unwrap_or(i64::MAX);
            f(Restore::Stopped { unix: unix.saturating_add(up) });
        }
        match (self.s.phase, self.s.off) {
            (Phase::Starting, Off::NoBoot) => {}
            (Phase::Starting, Off::For(off)) => f(Restore::Booted { off: Some(off) }),
            (Phase::Starting, _) => f(Restore::Booted { off: None }),
            (Phase::Stopped, _) => f(Restore::Halted {}),
            _ => {}
        }
    }

    /// See [`Engine::restore`](crate::engine::Engine::restore).
    pub(crate) fn restore(&mut self, item: &Restore) {
        let now = self.s.now;
        match *item {
            Restore::Head { now, logged_ago, seq, occurrences, starting } => {
                self.s.now = now;
                self.s.phase = if starting { Phase::Starting } else { Phase::Running };
                self.s.agenda.resume(now, occurrences);
                // What `load` did is part of the state that comes now.
                (self.s.drive, self.s.ask) = (0, 0);
                self.s.look_everywhere();
                self.log.ring.restart(seq, now.minus(logged_ago));
            }
            Restore::Clock { unix, offset, trusted } => {
                self.s.clock = WallClock::new(now, unix, offset, trusted);
            }
            Restore::Stall { left } => self.s.stall = now.plus(left),
            Restore::Command { origin, id } => self.remember_command(origin, id),
            Restore::Input { input, .. } | Restore::Watch { input, .. } => {
                if let Some(watcher) = self.inputs.get_mut(input.index()) {
                    watcher.restore(item, now);
                }
            }
            Restore::Sensor { sensor, value } => {
                if let Some(cell) = self.sensors.get_mut(sensor.index()) {
                    cell.value = value;
                }
            }
            Restore::Var { var, value } => {
                if let Some(cell) = self.variables.get_mut(var.index()) {
                    cell.value = value;
                }
            }
            Restore::Trigger { trigger, armed, left } => {
                if let Some(cell) = self.triggers.get_mut(trigger.index()) {
                    if armed && matches!(cell.on, On::Input { .. }) {
                        cell.set_left(left);
                    } else {
                        cell.set_due(left.map(|left| now.plus(left)));
                        cell.armed = armed;
                    }
                }
            }
            Restore::Run { run, .. } => {
                if let Some(restored) = Run::restored(item, now) {
                    self.occupy(run, restored);
                }
                self.s.until = true;
                self.plan_minute();
            }
            Restore::Output { output, level, by, max_left, failed, held } => {
                if let Some(cell) = self.outputs.get_mut(output.index()) {
                    cell.by = by;
                    cell.set_level(level);
                    cell.set_failed(failed);
                    self.s.note_writer(output, by);
                    cell.due = max_left.map_or(Instant::NEVER, |left| now.plus(left));
                }
                if held {
                    self.s.hold(output);
                }
            }
            Restore::Link { peer } => self.s.links |= bit(peer.0),
            Restore::Stopped { unix } => {
                self.s.off = Off::Since(Stopped { unix, start: now });
            }
            Restore::Revived { run, catch_up, look } => {
                if let Some(run) = self.runs.get_mut(run.index()) {
                    run.set(CATCH_UP, catch_up);
                    run.set(LOOK, look);
                }
            }
            Restore::Booted { off } => match (off, self.s.off) {
                (Some(off), _) => self.s.off = Off::For(off),
                (None, Off::NoBoot) => self.s.off = Off::Unknown(now),
                // It has been told since when.
                (None, _) => {}
            },
            Restore::Halted {} => self.s.phase = Phase::Stopped,
        }
    }
}
