//! The swap of programs: what goes on under the new one, and what ends.

use crate::bits::{bit, id};
use crate::decision::{By, Decision, EndWhy, SafetyWhy};
use crate::engine::cells::{Output, Trigger};
use crate::engine::view::View;
use crate::id::{OutputId, RunId, ScenarioId, SensorId};
use crate::input::Input;
use crate::program::On;
use crate::scenario::run::{OVER, Run};
use crate::time::Instant;

impl View<'_> {
    /// Takes over what the old program leaves; the new one's parts are in place.
    pub(crate) fn swap(&mut self, at: Instant, old: &View<'_>) {
        self.s.now = at;
        self.note(Input::Install { hash: self.s.hash });
        for watcher in self.inputs.iter_mut() {
            if let Some(same) = old.inputs.iter().find(|other| other.line == watcher.line) {
                watcher.take_over(same, at);
            }
        }
        for cell in self.sensors.iter_mut() {
            let same = old.sensors.iter().find(|other| other.def.name == cell.def.name);
            cell.value = same.and_then(|same| same.value);
        }
        for cell in self.variables.iter_mut() {
            if let Some(same) = old.variables.iter().find(|other| other.name == cell.name) {
                cell.value = same.value;
            }
        }
        self.take_over_triggers(old);
        self.s.look_everywhere();
        self.take_over_runs(old);
        self.take_over_outputs(at, old);
    }

    fn take_over_triggers(&mut self, old: &View<'_>) {
        for index in 0..self.triggers.len() {
            let Some(trigger) = self.triggers.get(index) else { continue };
            let Some(scenario) = self.scenarios.get(trigger.scenario.index()) else { continue };
            let same = old.triggers.iter().find(|other| {
                let kept = old.scenarios.get(other.scenario.index());
                kept.is_some_and(|kept| kept.def == scenario.def) && self.same_occasion(trigger, other, old)
            });
            let armed = self.is_within(trigger);
            let Some(trigger) = self.triggers.get_mut(index) else { continue };
            match same {
                Some(same) => trigger.go_on_as(same),
                None => trigger.armed = armed,
            }
        }
    }

    /// Of a threshold that is new: whether the value that its sensor kept is, as a first reading, one that arms it.
    fn is_within(&self, trigger: &Trigger) -> bool {
        let kept = |sensor: SensorId| self.sensors.get(sensor.index()).and_then(|cell| cell.value);
        match trigger.on {
            On::Above { sensor, limit, .. } => kept(sensor).is_some_and(|value| value <= limit),
            On::Below { sensor, limit, .. } => kept(sensor).is_some_and(|value| value >= limit),
            _ => false,
        }
    }

    /// Whether a trigger of the old program is about the same thing, whatever its id is now.
    fn same_occasion(&self, new: &Trigger, other: &Trigger, old: &View<'_>) -> bool {
        match (new.on, other.on) {
            (On::Input { input: a, to, hold }, On::Input { input: b, to: old_to, hold: old_hold }) => {
                let lines = self.inputs.get(a.index()).zip(old.inputs.get(b.index()));
                (to, hold) == (old_to, old_hold) && lines.is_some_and(|(a, b)| a.line == b.line)
            }
            (
                On::Above { sensor: a, limit, hysteresis },
                On::Above { sensor: b, limit: old_limit, hysteresis: old_hysteresis },
            )
            | (
                On::Below { sensor: a, limit, hysteresis },
                On::Below { sensor: b, limit: old_limit, hysteresis: old_hysteresis },
            ) => {
                let sensors = self.sensors.get(a.index()).zip(old.sensors.get(b.index()));
                (limit, hysteresis) == (old_limit, old_hysteresis)
                    && sensors.is_some_and(|(a, b)| a.def.name == b.def.name)
            }
            (On::Every { period: a }, On::Every { period: b }) => a == b,
            _ => false,
        }
    }

    fn take_over_runs(&mut self, old: &View<'_>) {
        self.s.until = true;
        self.s.slots = 0;
        for (index, run) in old.runs.iter().enumerate().filter(|(_, run)| !run.is_free()) {
            let same = self.successor(run.scenario, old).filter(|&scenario| {
                let limit = self.scenarios.get(scenario).map_or(0, |cell| cell.def.mode.slots());
                let running = self.live().iter().filter(|run| run.is_of(ScenarioId(id(scenario)))).count();
                running < usize::from(limit)
            });
            match same {
                Some(scenario) => {
                    self.occupy(RunId(id(index)), Run { scenario: ScenarioId(id(scenario)), ..run.clone() });
                }
                None => self.decide(Decision::End { run: RunId(id(index)), why: EndWhy::Swap }),
            }
        }
    }

    /// The new place of a scenario of the old program, if it is the same: in its text, and in what became of that, so that
    /// a place in the old body is one in the new.
    fn successor(&self, scenario: ScenarioId, old: &View<'_>) -> Option<usize> {
        let kept = old.scenarios.get(scenario.index())?;
        self.scenarios.iter().position(|cell| cell.def == kept.def)
    }

    /// Outputs that both programs have keep their level, unless the run that wrote it ends with the old one.
    fn take_over_outputs(&mut self, at: Instant, old: &View<'_>) {
        self.s.release();
        for index in 0..self.s.counts.outputs {
            let output = OutputId(index);
            let Some(cell) = self.outputs.get_mut(output.index()) else { continue };
            let Some(place) = old.outputs.iter().position(|other| other.line == cell.line) else {
                self.s.drive |= bit(index);
                self.make_safe(output, SafetyWhy::Start);
                continue;
            };
            let Some(same) = old.outputs.get(place) else { continue };
            cell.by = same.by;
            cell.set_level(same.level());
            cell.set_failed(same.has_failed());
            cell.due = max_on(cell, same, at);
            self.s.note_writer(output, same.by);
            if old.s.now == at && old.s.is_held(OutputId(id(place))) {
                self.s.hold(output);
            }
            let By::Run { run, scenario } = &mut cell.by else { continue };
            let writer = *run;
            match self.runs.get(writer.index()).filter(|slot| !slot.is_free()) {
                Some(slot) => *scenario = slot.scenario,
                // Who was over before left it in peace.
                None => self.lose_writer(output, writer == OVER),
            }
        }
    }
}

/// When `max-on` passes for an output that goes on: as before, unless the new program says otherwise of it; then no
/// later than if it had left its safe level now.
fn max_on(def: &Output, old: &Output, now: Instant) -> Instant {
    if old.level() == def.safe() || def.max_on.is_zero() {
        return Instant::NEVER;
    }
    if !old.due.is_set() {
        return now.plus(def.max_on);
    }
    old.due.minus(old.max_on).plus(def.max_on).max(now)
}
