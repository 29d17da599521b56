//! From an occurrence to a run: the condition is looked at, the mode decides, a slot is taken.

use crate::bits::id;
use crate::decision::{Decision, FaultKind, RunHow, SkipWhy};
use crate::engine::cells::Scenario;
use crate::engine::state::Active;
use crate::engine::view::View;
use crate::id::{RunId, ScenarioId};
use crate::program::Mode;
use crate::restore::RunState;
use crate::scenario::agenda::Occurrence;
use crate::scenario::expr::{Value, eval};
use crate::scenario::operands::Context;
use crate::scenario::run::Run;
use crate::wire::Reader;

impl View<'_> {
    /// Takes an occurrence off the agenda: the condition is looked at now, and the mode says what becomes of it.
    pub(crate) fn take(&mut self, occurrence: Occurrence) {
        let Occurrence { scenario, cause, onset } = occurrence;
        let now = self.s.now;
        let Some(cell) = self.scenarios.get(scenario.index()) else { return };
        let mode = cell.def.mode;
        if !self.s.agenda.admit(now) {
            self.decide(Decision::Fault { what: FaultKind::Cascade, at: scenario.0 });
            return;
        }
        let refused = match self.condition(cell) {
            Value::Known(value) if value != 0 => None,
            Value::Known(_) => Some(SkipWhy::Condition),
            Value::Unknown => Some(SkipWhy::Unknown),
            Value::DivisionByZero => {
                self.divided(scenario);
                return;
            }
        };
        let running = self.live().iter().filter(|run| run.is_of(scenario)).count();
        let how = match mode {
            _ if refused.is_some() => None,
            _ if running == 0 => Some(RunHow::Started),
            Mode::Restart => Some(RunHow::Restarted),
            Mode::Parallel(n) if running < usize::from(n) => Some(RunHow::Started),
            Mode::Queued(n) if running < usize::from(n) => Some(RunHow::Queued),
            _ => None,
        };
        let Some(how) = how else {
            self.decide(Decision::Skip { scenario, why: refused.unwrap_or(SkipWhy::Busy) });
            return;
        };
        let slot = match how {
            RunHow::Restarted => self.live().iter().position(|run| run.is_of(scenario)),
            _ => self.live().iter().position(|run| run.is_free()),
        };
        let slot = slot.unwrap_or(self.live().len());
        if slot >= self.runs.len() {
            // The check at load reserved a slot for every run that the modes allow.
            self.decide(Decision::Fault { what: FaultKind::LogicBug, at: scenario.0 });
            return;
        }
        let run = RunId(id(slot));
        let state = if how == RunHow::Queued { RunState::Queued } else { RunState::Waiting };
        let place = if how == RunHow::Queued { self.last_place(scenario) } else { 0 };
        self.occupy(run, Run { place, ..Run::new(scenario, cause, onset, state) });
        self.decide(Decision::Run { run, scenario, cause, how, onset_ago: now.since(onset) });
        if how != RunHow::Queued {
            self.s.active = Some(Active { run, steps: 0 });
        }
    }

    /// The place behind the last in a scenario's queue.
    fn last_place(&self, scenario: ScenarioId) -> u16 {
        let behind = self.live().iter().filter(|run| run.is_of(scenario) && run.is_behind());
        behind.map(|run| run.place).max().map_or(0, |last| last.saturating_add(1))
    }

    /// The slots of runs, up to the last one that is not free.
    #[inline(always)]
    pub(crate) fn live(&self) -> &[Run] {
        self.runs.get(..usize::from(self.s.slots)).unwrap_or_default()
    }

    /// Whether a scenario's runs and timers outlive a restart.
    pub(crate) fn is_durable(&self, scenario: ScenarioId) -> bool {
        self.scenarios.get(scenario.index()).is_some_and(Scenario::is_durable)
    }

    /// Puts a run into a slot.
    pub(crate) fn occupy(&mut self, slot: RunId, run: Run) {
        if let Some(place) = self.runs.get_mut(slot.index()) {
            *place = run;
            self.s.slots = self.s.slots.max(slot.0.saturating_add(1));
        }
    }

    fn condition(&self, cell: &Scenario) -> Value {
        if cell.def.condition == 0 {
            return Value::Known(1);
        }
        let code = self.code.get(usize::from(cell.start)..).unwrap_or_default();
        eval(&mut Reader::new(code), &Context { view: self, timed_out: false })
    }
}
