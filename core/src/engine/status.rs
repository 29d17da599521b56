//! Status: what a person, or a gateway, may see of the engine. Copies; nothing here changes anything. What adds up over
//! time (edges, bounces, losses) is in the log.

use crate::capacity::Capacity;
use crate::decision::By;
use crate::engine::Engine;
use crate::id::{InputId, Level, OutputId, RunId, ScenarioId, SensorId, VarId};
use crate::input::Input;
use crate::restore::RunState;
use crate::time::Instant;

/// An input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputStatus {
    /// The last raw level; `None` before the first reading.
    pub raw: Option<Level>,
    /// The debounced level.
    pub reported: Option<Level>,
}

/// An output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputStatus {
    /// Its level.
    pub level: Level,
    /// Its last writer.
    pub by: By,
    /// When it goes to safe by `max-on`.
    pub max_on: Option<Instant>,
    /// The hardware did not take the level.
    pub failed: bool,
}

/// A run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunStatus {
    /// Its slot.
    pub run: RunId,
    /// Of which scenario.
    pub scenario: ScenarioId,
    /// Where it stands.
    pub state: RunState,
    /// When it goes on, if that is known.
    pub due: Option<Instant>,
}

impl<C: Capacity> Engine<C> {
    /// An input; `None` if the program has no such.
    pub fn input(&self, input: InputId) -> Option<InputStatus> {
        let watcher =
            self.tables.inputs.as_ref().get(input.index()).filter(|_| input.0 < self.state.counts.inputs)?;
        Some(InputStatus { raw: watcher.raw(), reported: watcher.reported() })
    }

    /// How many inputs the program has.
    pub const fn inputs(&self) -> u8 {
        self.state.counts.inputs
    }

    /// The storm guard of an input: edges per second; 0 for none.
    pub fn storm(&self, input: InputId) -> u16 {
        self.tables.inputs.as_ref().get(input.index()).map_or(0, |watcher| watcher.storm)
    }

    /// An output; `None` if the program has no such.
    pub fn output(&self, output: OutputId) -> Option<OutputStatus> {
        let cell = self
            .tables
            .outputs
            .as_ref()
            .get(output.index())
            .filter(|_| output.0 < self.state.counts.outputs)?;
        Some(OutputStatus {
            level: cell.level(),
            by: cell.by,
            max_on: cell.due.to_option(),
            failed: cell.has_failed(),
        })
    }

    /// A sensor's value; `None` while it is unknown.
    pub fn sensor(&self, sensor: SensorId) -> Option<i32> {
        self.tables.sensors.as_ref().get(sensor.index())?.value
    }

    /// A variable's value; `None` if the program has no such.
    pub fn variable(&self, var: VarId) -> Option<i32> {
        let cell = self
            .tables
            .variables
            .as_ref()
            .get(var.index())
            .filter(|_| var.0 < self.state.counts.variables)?;
        Some(cell.value)
    }

    /// The runs that are not over.
    pub fn runs(&self) -> impl Iterator<Item = RunStatus> {
        self.tables.runs.as_ref().iter().zip(0u8..).filter_map(|(run, slot)| {
            Some(RunStatus {
                run: RunId(slot),
                scenario: run.scenario,
                state: run.state()?,
                due: run.due.to_option(),
            })
        })
    }

    /// The last `Clock`, and when it was taken.
    pub fn clock(&self) -> Option<(Instant, Input)> {
        let clock = self.state.clock;
        let input = Input::Clock { unix: clock.unix, offset: clock.offset, trusted: clock.trusted()? };
        Some((clock.at, input))
    }

    /// The moments of `at` and `cron`: each trigger with its schedule.
    pub fn schedules(
        &self,
    ) -> impl Iterator<Item = (crate::id::TriggerId, crate::calendar::Schedule)> + Clone {
        let used = self.tables.triggers.as_ref().iter().take(usize::from(self.state.counts.triggers));
        used.zip(0u8..).filter_map(|(trigger, index)| match trigger.on {
            crate::program::On::Schedule { schedule } => {
                let schedule = self.tables.schedules.as_ref().get(usize::from(schedule))?;
                Some((crate::id::TriggerId(index), *schedule))
            }
            _ => None,
        })
    }
}
