//! Execution: runs make their steps, wait, and go on.

use crate::decision::{By, Cause, Decision, EndWhy, FaultKind, RunHow, SkipWhy, Values};
use crate::engine::state::Active;
use crate::engine::view::View;
use crate::id::{RunId, ScenarioId, VarId};
use crate::program::ScenarioDef;
use crate::program::code::{MAX_STEPS, Op, Step};
use crate::restore::RunState;
use crate::scenario::expr::{Value, eval, names};
use crate::scenario::operands::Context;
use crate::scenario::run::{LOOK, QUEUED, Run, TIMED_OUT, UNTIL};
use crate::time::Instant;
use crate::wire::{Reader, Wire};

/// How a step leaves its run.
enum Then {
    /// In front of the next one.
    Next,
    /// In front of this step, until something happens.
    Wait { state: RunState, due: Instant },
    /// Over.
    End(EndWhy),
    /// Over already: it stopped its own scenario.
    Stopped,
}

/// An expression divided by zero, and its value hangs on that.
struct DivisionByZero;

impl<'a> View<'a> {
    /// The body of a scenario.
    fn body(&self, scenario: ScenarioId) -> &'a [u8] {
        let Some(cell) = self.scenarios.get(scenario.index()) else { return &[] };
        let ScenarioDef { condition, body, .. } = cell.def;
        let start = usize::from(cell.start).saturating_add(condition.into());
        self.code.get(start..start.saturating_add(body.into())).unwrap_or_default()
    }

    /// Makes steps until an output is written, the run waits, or it is over.
    #[cfg_attr(feature = "small", inline(never))]
    pub(crate) fn execute(&mut self, active: Active) {
        let Active { run: slot, mut steps } = active;
        self.s.active = None;
        let Some(run) = self.runs.get(slot.index()) else { return };
        let scenario = run.scenario;
        let body = self.body(scenario);
        let mut r = at(body, run.pc.into());
        let why = loop {
            if r.is_empty() {
                break EndWhy::Done;
            }
            if self.s.drive != 0 {
                // First the output, then the next step, which may be about the same one.
                if let Some(run) = self.runs.get_mut(slot.index()) {
                    run.pc = place(body, &r);
                }
                self.s.active = Some(Active { run: slot, steps });
                return;
            }
            if u16::from(steps) >= MAX_STEPS {
                self.decide(Decision::Fault { what: FaultKind::TooManySteps, at: scenario.0 });
                break EndWhy::Fault;
            }
            steps = steps.saturating_add(1);
            let before = r;
            match self.step(slot, scenario, body, &mut r) {
                Ok(Then::Next) => {}
                Ok(Then::Wait { state, due }) => {
                    if let Some(run) = self.runs.get_mut(slot.index()) {
                        (run.pc, run.due) = (place(body, &before), due);
                        run.set_state(state);
                        run.set(LOOK, false);
                    }
                    self.s.wake_at(due);
                    self.waits(slot);
                    return;
                }
                Ok(Then::End(why)) => break why,
                Ok(Then::Stopped) => return,
                Err(DivisionByZero) => break self.divided(scenario),
            }
        };
        self.end(slot, why);
    }

    pub(super) fn divided(&mut self, scenario: ScenarioId) -> EndWhy {
        self.decide(Decision::Fault { what: FaultKind::DivisionByZero, at: scenario.0 });
        EndWhy::Fault
    }

    /// A run came into being, or goes on.
    pub(crate) fn note_run(&mut self, run: RunId, how: RunHow) {
        let Some(&Run { scenario, cause, onset, .. }) = self.runs.get(run.index()) else { return };
        self.decide(Decision::Run { run, scenario, cause, how, onset_ago: self.s.now.since(onset) });
    }

    /// Where a run waits.
    pub(crate) fn note_wait(&mut self, run: RunId) {
        let Some(&Run { pc, rounds, due, .. }) = self.runs.get(run.index()) else { return };
        self.decide(Decision::Wait { run, pc, left: due.left_at(self.s.now), rounds });
    }

    /// Notes a wait, if it is to outlive a restart.
    fn waits(&mut self, run: RunId) {
        let Some(cell) = self.runs.get(run.index()) else { return };
        let state = cell.state();
        if self.is_durable(cell.scenario) {
            self.note_wait(run);
        }
        if state == Some(RunState::Until) {
            self.s.until = true;
            // One that is planned holds for all; it may be the minute that begins now.
            if !self.s.minute.is_set() {
                self.plan_minute();
            }
        }
    }

    /// The step at `r`, of a body: what it does, and how it leaves the run. `r` goes to the next one.
    #[inline(always)]
    fn step(
        &mut self,
        slot: RunId,
        scenario: ScenarioId,
        body: &'a [u8],
        r: &mut Reader<'a>,
    ) -> Result<Then, DivisionByZero> {
        let now = self.s.now;
        // The check at load has read them all. What is no step reads as the end.
        match Step::read(r) {
            Step::End {} if r.failed() => return Ok(Then::End(EndWhy::Fault)),
            Step::End {} => return Ok(Then::End(EndWhy::Ended)),
            Step::Set { output, level } => {
                self.write(output, level, By::Run { run: slot, scenario });
            }
            Step::Wait { span } => {
                return Ok(Then::Wait { state: RunState::Waiting, due: now.plus(span) });
            }
            Step::Until { timeout } => {
                if !is_true(self.value(slot, r)?) {
                    let due = timeout.map_or(Instant::NEVER, |timeout| now.plus(timeout));
                    return Ok(Then::Wait { state: RunState::Until, due });
                }
                self.set_timed_out(slot, false);
            }
            Step::Let { var } => match self.value(slot, r)? {
                Some(value) => self.assign(var, value),
                None => self.decide(Decision::Skip { scenario, why: SkipWhy::Value }),
            },
            Step::If { skip } => {
                if !is_true(self.value(slot, r)?) {
                    *r = at(r.rest(), skip.into());
                }
            }
            Step::Else { skip } => *r = at(r.rest(), skip.into()),
            Step::Repeat { slot: counter, skip } => {
                let rounds = self.value(slot, r)?.unwrap_or(0).clamp(0, u16::MAX.into());
                let rounds = u16::try_from(rounds).unwrap_or(0);
                if rounds == 0 {
                    *r = at(r.rest(), skip.into());
                } else if let Some(left) = self.rounds(slot, counter) {
                    *left = rounds;
                }
            }
            Step::Again { slot: counter, back } => {
                if let Some(left) = self.rounds(slot, counter) {
                    *left = left.saturating_sub(1);
                    if *left > 0 {
                        *r = at(body, usize::from(place(body, r)).saturating_sub(back.into()));
                    }
                }
            }
            Step::Send { template, values: count } => {
                let mut values = Values::default();
                for _ in 0..count {
                    // The check at load counted the values.
                    let _ = values.push(self.value(slot, r)?);
                }
                let onset = self.runs.get(slot.index()).map_or(now, |run| run.onset);
                self.decide(Decision::Send { template, values, onset_ago: now.since(onset) });
            }
            Step::Start { scenario: other } => self.occur(other, Cause::Scenario { scenario }, now),
            Step::Stop { scenario: other } => {
                self.stop_scenario(other);
                if other == scenario {
                    return Ok(Then::Stopped);
                }
            }
        }
        Ok(Then::Next)
    }

    /// The value of the expression at `r`, if it is known.
    fn value(&self, slot: RunId, r: &mut Reader<'_>) -> Result<Option<i32>, DivisionByZero> {
        let timed_out = self.runs.get(slot.index()).is_some_and(|run| run.has(TIMED_OUT));
        match eval(r, &Context { view: self, timed_out }) {
            Value::Known(value) => Ok(Some(value)),
            Value::Unknown => Ok(None),
            Value::DivisionByZero => Err(DivisionByZero),
        }
    }

    fn rounds(&mut self, slot: RunId, counter: u8) -> Option<&mut u16> {
        self.runs.get_mut(slot.index())?.rounds.0.get_mut(usize::from(counter))
    }

    /// A `wait-until` is over. Noted, if it is to outlive a restart.
    fn set_timed_out(&mut self, slot: RunId, timed_out: bool) {
        let Some(run) = self.runs.get_mut(slot.index()).filter(|run| run.has(TIMED_OUT) != timed_out) else {
            return;
        };
        run.set(TIMED_OUT, timed_out);
        let scenario = run.scenario;
        if self.is_durable(scenario) {
            self.decide(Decision::TimedOut { run: slot, timed_out });
        }
    }

    /// A run that waited goes on, or waits further.
    pub(crate) fn go_on(&mut self, slot: RunId) {
        let now = self.s.now;
        let Some(run) = self.runs.get_mut(slot.index()) else { return };
        let (scenario, pc, passed) = (run.scenario, run.pc, run.due <= now);
        run.set(LOOK, false);
        if run.has(QUEUED) {
            run.go_on();
            self.note_run(slot, RunHow::Started);
            self.s.active = Some(Active { run: slot, steps: 0 });
            return;
        }
        // It stands in front of the step that it waits in.
        let body = self.body(scenario);
        let mut r = at(body, pc.into());
        let until = matches!(Step::read(&mut r), Step::Until { .. });
        let value = if until { self.value(slot, &mut r).map(is_true) } else { Ok(true) };
        let Ok(is_true) = value else {
            let why = self.divided(scenario);
            self.end(slot, why);
            return;
        };
        if is_true || passed {
            if let Some(run) = self.runs.get_mut(slot.index()) {
                run.pc = place(body, &r);
                run.go_on();
            }
            if until {
                self.set_timed_out(slot, !is_true);
            }
            self.s.active = Some(Active { run: slot, steps: 0 });
        }
    }

    /// Whether the step at this place is a `wait-until`.
    pub(crate) fn is_until(&self, scenario: ScenarioId, pc: u16) -> bool {
        matches!(Step::read(&mut at(self.body(scenario), pc.into())), Step::Until { .. })
    }

    /// Whether a run waits for a condition that names one of these.
    pub(crate) fn waits_for(&self, slot: usize, named: &[Op]) -> bool {
        let Some(run) = self.runs.get(slot).filter(|run| run.has(UNTIL)) else {
            return false;
        };
        let mut r = at(self.body(run.scenario), run.pc.into());
        matches!(Step::read(&mut r), Step::Until { .. }) && names(&mut r, named)
    }

    /// A variable gets a value.
    pub(crate) fn assign(&mut self, var: VarId, value: i32) {
        let Some(cell) = self.variables.get_mut(var.index()) else { return };
        let changed = core::mem::replace(&mut cell.value, value) != value;
        self.decide(Decision::Let { var, value });
        if changed {
            self.variable_changed(var);
        }
    }
}

/// A reader from a place of some code on.
#[inline(always)]
fn at(code: &[u8], place: usize) -> Reader<'_> {
    Reader::new(code.get(place..).unwrap_or_default())
}

/// Where in a body a reader stands.
#[cfg_attr(feature = "small", inline(never))]
fn place(body: &[u8], r: &Reader<'_>) -> u16 {
    u16::try_from(body.len().saturating_sub(r.rest().len())).unwrap_or(u16::MAX)
}

/// Whether a value is known to be true.
fn is_true(value: Option<i32>) -> bool {
    value.is_some_and(|value| value != 0)
}
