//! What a swap of programs leaves.

use campanile_core::decision::{Decision, EndWhy, SafetyWhy};
use campanile_core::id::{OutputId, ScenarioId};
use campanile_core::program::On;
use campanile_core::time::Instant;

use super::Reference;
use super::debounce::Line;
use super::outputs::Output;
use super::program::Program;
use super::triggers::Trigger;

impl Reference {
    /// Another program takes over: variables and sensors go on by name, levels and outputs by line, runs and timers if
    /// their scenario did not change.
    pub(super) fn install(&mut self, program: Program) {
        let old = std::mem::replace(self, Self { program, ..self.clone() });
        self.lines = self
            .program
            .inputs
            .iter()
            .map(|def| {
                let same = old.program.inputs.iter().position(|other| other.line == def.line);
                same.map_or_else(
                    || Line::new(def.debounce),
                    |place| old.lines[place].swapped(old.now, def.debounce),
                )
            })
            .collect();
        self.sensors = self
            .program
            .sensors
            .iter()
            .map(|def| {
                let same = old.program.sensors.iter().position(|other| other.name == def.name)?;
                old.sensors[same]
            })
            .collect();
        self.variables = self
            .program
            .variables
            .iter()
            .map(|def| {
                let same = old.program.variables.iter().position(|other| other.name == def.name);
                same.map_or(def.initial, |place| old.variables[place])
            })
            .collect();
        self.triggers = self.program.triggers.iter().map(|def| Trigger::new(def, old.now)).collect();
        for trigger in &mut self.triggers {
            take_over_trigger(trigger, &self.program, &self.sensors, &old);
        }
        self.take_over_runs(&old);
        self.take_over_outputs(&old);
    }

    /// Runs of a scenario that did not change go on; the others end.
    fn take_over_runs(&mut self, old: &Self) {
        self.runs.clear();
        for (slot, run) in old.all_runs() {
            let same = successor(&self.program, old, run.scenario).filter(|scenario| {
                let limit = self.program.scenarios[scenario.index()].def.mode.slots();
                self.runs_of(*scenario).len() < limit.into()
            });
            match same {
                Some(scenario) => {
                    let mut run = run.clone();
                    run.scenario = scenario;
                    self.occupy(slot, run);
                }
                None => self.decide(Decision::End { run: slot, why: EndWhy::Swap }),
            }
        }
    }

    /// Outputs that both programs have keep their level, unless the run that wrote them is over.
    fn take_over_outputs(&mut self, old: &Self) {
        let defs = self.program.outputs.clone();
        self.outputs = defs.iter().map(|def| Output::new(*def)).collect();
        for (output, def) in (0..).map(OutputId).zip(&defs) {
            let Some(place) = old.program.outputs.iter().position(|other| other.line == def.line) else {
                self.make_safe(output, SafetyWhy::Start);
                continue;
            };
            let same = &old.outputs[place];
            let mut cell = Output { def: *def, ..same.clone() };
            cell.limit = limit(&cell, same, old.now);
            let orphan = cell.writer.is_some_and(|run| self.run(run).is_none());
            if orphan {
                cell.writer = None;
            }
            let safe = cell.is_safe();
            self.outputs[output.index()] = cell;
            if orphan && !safe {
                self.make_safe(output, SafetyWhy::RunEnded);
            }
        }
    }
}

/// The scenario of the new program that is the same: in its text, and in what became of that.
fn successor(program: &Program, old: &Reference, scenario: ScenarioId) -> Option<ScenarioId> {
    let def = old.program.scenarios[scenario.index()].def;
    let place = program.scenarios.iter().position(|other| other.def == def)?;
    u8::try_from(place).ok().map(ScenarioId)
}

/// A timer or threshold goes on if its scenario did not change and it is about the same thing.
fn take_over_trigger(trigger: &mut Trigger, program: &Program, sensors: &[Option<i32>], old: &Reference) {
    let def = program.scenarios[trigger.scenario.index()].def;
    let same = old.triggers.iter().find(|other| {
        old.program.scenarios[other.scenario.index()].def == def
            && occasion(&trigger.on, program) == occasion(&other.on, &old.program)
    });
    if let Some(same) = same {
        (trigger.due, trigger.armed, trigger.left) = (same.due, same.armed, same.left);
    } else if let On::Above { sensor, .. } | On::Below { sensor, .. } = trigger.on {
        // A new threshold takes the value that was kept as its first reading.
        if let Some(value) = sensors[sensor.index()] {
            trigger.crossed(&trigger.on.clone(), true, value.into());
        }
    }
}

/// What a trigger is about, in words that hold in both programs; `None` if it has no state.
fn occasion(on: &On, program: &Program) -> (u8, u32, i64, i64) {
    match *on {
        On::Input { input, to, hold } => {
            let to = to.map_or(2, |level| i32::from(level).into());
            (1, program.inputs[input.index()].line, to, hold.micros() as i64)
        }
        On::Above { sensor, limit, hysteresis } => {
            (2, program.sensors[sensor.index()].name, limit.into(), hysteresis.into())
        }
        On::Below { sensor, limit, hysteresis } => {
            (3, program.sensors[sensor.index()].name, limit.into(), hysteresis.into())
        }
        On::Every { period } => (4, 0, period.micros() as i64, 0),
        _ => (0, 0, 0, 0),
    }
}

/// When `max-on` passes for an output that goes on: as before, unless the new program says otherwise of it; then it
/// counts from when it left its safe level, and is not in the past.
fn limit(cell: &Output, old: &Output, now: Instant) -> Option<Instant> {
    let fresh = cell.limit_from(now)?;
    match old.limit {
        Some(due) => Some(due.minus(old.def.max_on).plus(cell.def.max_on).max(now)),
        None => Some(fresh),
    }
}
