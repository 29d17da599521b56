//! Loading: from a verified image into the tables.

use crate::bits::bit;
use crate::decision::{By, Decision, SafetyWhy};
use crate::engine::cells::{Output, Scenario, Sensor, Trigger, Variable};
use crate::engine::state::Phase;
use crate::engine::view::View;
use crate::id::OutputId;
use crate::program::image::{Image, hash};
use crate::program::verify::LoadError;
use crate::program::{InputDef, On, OutputDef, ScenarioDef, SensorDef, TriggerDef, VarDef};
use crate::time::Instant;
use crate::watcher::Watcher;

impl View<'_> {
    /// Begins a program whose parts are in place: all outputs take their safe levels.
    pub(crate) fn begin(&mut self, at: Instant) {
        self.s.now = at;
        self.log.ring.go_back(at);
        self.s.phase = Phase::Starting;
        for index in 0..self.s.counts.outputs {
            let output = OutputId(index);
            let Some(cell) = self.outputs.get(output.index()) else { continue };
            let (level, by) = (cell.safe(), By::Safety { why: SafetyWhy::Start });
            self.s.drive |= bit(index);
            self.decide(Decision::Set { output, level, by });
        }
    }

    /// Puts the program's parts into their places, all but its code, and gives that. The check came before: an error here
    /// leaves no program.
    pub(crate) fn fill<'i>(&mut self, at: Instant, bytes: &'i [u8]) -> Result<&'i [u8], LoadError> {
        let mut image = Image::open(bytes)?;
        self.s.watched_outputs = 0;
        let counts = image.counts;
        for cell in self.inputs.iter_mut().take(counts.inputs.into()) {
            *cell = Watcher::new(image.part::<InputDef>());
        }
        for cell in self.outputs.iter_mut().take(counts.outputs.into()) {
            *cell = Output::from(image.part::<OutputDef>());
        }
        for cell in self.sensors.iter_mut().take(counts.sensors.into()) {
            *cell = Sensor { def: image.part::<SensorDef>(), value: None };
        }
        for cell in self.variables.iter_mut().take(counts.variables.into()) {
            *cell = Variable::from(image.part::<VarDef>());
        }
        for cell in self.triggers.iter_mut().take(counts.triggers.into()) {
            *cell = Trigger::from(image.part::<TriggerDef>());
            match cell.on {
                On::Every { period } => {
                    let due = at.plus(period);
                    cell.set_due(Some(due));
                    self.s.wake_at(due);
                }
                On::Output { output, .. } => self.s.watched_outputs |= bit(output.0),
                _ => {}
            }
        }
        for cell in self.schedules.iter_mut().take(counts.schedules.into()) {
            *cell = image.part();
        }
        let mut start = 0u16;
        for cell in self.scenarios.iter_mut().take(counts.scenarios.into()) {
            let def: ScenarioDef = image.part();
            *cell = Scenario { def, start };
            start = start.saturating_add(def.condition).saturating_add(def.body);
        }
        let code = image.code()?;
        self.s.counts = counts;
        self.s.hash = hash(bytes);
        Ok(code)
    }
}
