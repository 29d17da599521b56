//! Execution: occurrences become runs, runs make their steps.

use crate::calendar::{day_and_second, time_of_day, weekday_of};
use crate::decision::{By, Cause, Decision, EndWhy, FaultKind, RunHow, SkipWhy, Values};
use crate::engine::cells::Scenario;
use crate::engine::view::{Active, View, id, take_lowest};
use crate::id::{OutputId, RunId, ScenarioId, VarId};
use crate::program::code::{MAX_STEPS, Op, Step};
use crate::program::{Mode, ScenarioDef};
use crate::restore::RunState;
use crate::scenario::agenda::Occurrence;
use crate::scenario::expr::{Operands, Value, eval, names};
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

/// What expressions read.
struct Context<'a, 'b> {
    view: &'a View<'b>,
    timed_out: bool,
}

impl Operands for Context<'_, '_> {
    fn operand(&self, op: &Op) -> Option<i32> {
        let view = self.view;
        match *op {
            Op::Input { input } => view.inputs.get(input.index())?.reported().map(i32::from),
            Op::Output { output } => view.outputs.get(output.index()).map(|cell| cell.level().into()),
            Op::Sensor { sensor } => view.sensors.get(sensor.index())?.value,
            Op::Var { var } => view.variables.get(var.index()).map(|cell| cell.value),
            Op::TimedOut {} => Some(self.timed_out.into()),
            Op::Hour {} => view.local_time().map(|(_, second)| time_of_day(second).hour.into()),
            Op::Minute {} => view.local_time().map(|(_, second)| time_of_day(second).minute.into()),
            Op::Weekday {} => view.local_time().map(|(day, _)| weekday_of(day).into()),
            _ => None,
        }
    }
}

impl<'a> View<'a> {
    /// The day and the second of the day, if the clock is trusted.
    fn local_time(&self) -> Option<(i64, u32)> {
        let clock = self.s.trusted_clock()?;
        let unix_s = clock.unix_at(self.s.now).div_euclid(1_000_000);
        Some(day_and_second(unix_s.saturating_add(clock.offset.into())))
    }

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
    pub(crate) fn live(&self) -> &[Run] {
        self.runs.get(..usize::from(self.s.slots)).unwrap_or_default()
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

    /// The body of a scenario.
    fn body(&self, scenario: ScenarioId) -> &'a [u8] {
        let Some(cell) = self.scenarios.get(scenario.index()) else { return &[] };
        let ScenarioDef { condition, body, .. } = cell.def;
        let start = usize::from(cell.start).saturating_add(condition.into());
        let code = self.code.get(start..).unwrap_or_default();
        code.get(..body.into()).unwrap_or_default()
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

    fn divided(&mut self, scenario: ScenarioId) -> EndWhy {
        self.decide(Decision::Fault { what: FaultKind::DivisionByZero, at: scenario.0 });
        EndWhy::Fault
    }

    /// Notes a wait, if it is to outlive a restart.
    fn waits(&mut self, run: RunId) {
        let now = self.s.now;
        let Some(cell) = self.runs.get(run.index()) else { return };
        let (scenario, pc, rounds, state) = (cell.scenario, cell.pc, cell.rounds, cell.state());
        let left = cell.due.to_option().map(|due| due.since(now));
        if self.scenarios.get(scenario.index()).is_some_and(|scenario| scenario.is_durable()) {
            self.decide(Decision::Wait { run, pc, left, rounds });
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
    fn step(
        &mut self,
        slot: RunId,
        scenario: ScenarioId,
        body: &'a [u8],
        r: &mut Reader<'a>,
    ) -> Result<Then, DivisionByZero> {
        let now = self.s.now;
        let Some(step) = r.u8().and_then(|tag| Step::get_fields(tag, r)) else {
            return Ok(Then::End(EndWhy::Fault));
        };
        match step {
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
        if self.scenarios.get(scenario.index()).is_some_and(|scenario| scenario.is_durable()) {
            self.decide(Decision::TimedOut { run: slot, timed_out });
        }
    }

    /// A run that waited goes on, or waits further.
    pub(crate) fn go_on(&mut self, slot: RunId) {
        let now = self.s.now;
        let Some(run) = self.runs.get_mut(slot.index()) else { return };
        let (scenario, pc, passed) = (run.scenario, run.pc, run.due <= now);
        let (cause, onset) = (run.cause, run.onset);
        run.set(LOOK, false);
        if run.has(QUEUED) {
            run.go_on();
            let onset_ago = now.since(onset);
            self.decide(Decision::Run { run: slot, scenario, cause, how: RunHow::Started, onset_ago });
            self.s.active = Some(Active { run: slot, steps: 0 });
            return;
        }
        // It stands in front of the step that it waits in.
        let body = self.body(scenario);
        let mut r = at(body, pc.into());
        let until = matches!(Step::get(&mut r), Some(Step::Until { .. }));
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
        matches!(Step::get(&mut at(self.body(scenario), pc.into())), Some(Step::Until { .. }))
    }

    /// Whether a run waits for a condition that names such a thing.
    pub(crate) fn waits_for(&self, slot: usize, named: &dyn Fn(&Op) -> bool) -> bool {
        let Some(run) = self.runs.get(slot).filter(|run| run.has(UNTIL)) else {
            return false;
        };
        let mut r = at(self.body(run.scenario), run.pc.into());
        matches!(Step::get(&mut r), Some(Step::Until { .. })) && names(&mut r, named)
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

    /// Ends all runs of a scenario, those that queue first, so that none of them moves up.
    pub(crate) fn stop_scenario(&mut self, scenario: ScenarioId) {
        for queued in [true, false] {
            for index in 0..self.live().len() {
                let of = |run: &Run| run.is_of(scenario) && (run.has(QUEUED)) == queued;
                if self.runs.get(index).is_some_and(of) {
                    self.end(RunId(id(index)), EndWhy::Stopped);
                }
            }
        }
    }

    /// A run is over. One that ends early takes its outputs along; the next one in its queue moves up.
    pub(crate) fn end(&mut self, slot: RunId, why: EndWhy) {
        let Some(run) = self.runs.get_mut(slot.index()) else { return };
        let scenario = run.scenario;
        run.free();
        while self.live().last().is_some_and(|run| run.is_free()) {
            self.s.slots = self.s.slots.saturating_sub(1);
        }
        self.decide(Decision::End { run: slot, why });
        let in_peace = matches!(why, EndWhy::Done | EndWhy::Ended);
        let mut left = self.s.owned_outputs;
        while let Some(index) = take_lowest(&mut left) {
            let output = OutputId(index);
            if self.outputs.get(output.index()).is_some_and(|cell| cell.is_of(slot)) {
                self.lose_writer(output, in_peace);
            }
        }
        self.move_up(scenario);
    }

    /// Gives the first in a scenario's queue its turn, if nobody has it.
    pub(crate) fn move_up(&mut self, scenario: ScenarioId) {
        let now = self.s.now;
        let queues =
            self.scenarios.get(scenario.index()).is_some_and(|cell| matches!(cell.def.mode, Mode::Queued(_)));
        if !queues || self.live().iter().any(|run| run.is_of(scenario) && !run.is_behind()) {
            return;
        }
        let of_queue = |run: &&mut Run| run.is_of(scenario);
        if let Some(first) = self.runs.iter_mut().filter(of_queue).min_by_key(|run| run.place) {
            (first.due, first.place) = (now, 0);
            self.s.wake_at(now);
        }
        // Places count from the turn on, so that a queue that never empties never runs out of them.
        self.runs.iter_mut().filter(of_queue).for_each(|run| run.place = run.place.saturating_sub(1));
    }
}

/// A reader from a place of some code on.
fn at(code: &[u8], place: usize) -> Reader<'_> {
    Reader::new(code.get(place..).unwrap_or_default())
}

/// Where in a body a reader stands.
fn place(body: &[u8], r: &Reader<'_>) -> u16 {
    u16::try_from(body.len().saturating_sub(r.rest().len())).unwrap_or(u16::MAX)
}

/// Whether a value is known to be true.
fn is_true(value: Option<i32>) -> bool {
    value.is_some_and(|value| value != 0)
}
