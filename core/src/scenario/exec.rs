//! Execution: occurrences become runs, runs make their steps.

use crate::calendar::{day_and_second, time_of_day, weekday_of};
use crate::decision::{By, Cause, Decision, EndWhy, FaultKind, RunHow, SkipWhy, Values};
use crate::engine::view::{Active, View, id, take_lowest};
use crate::id::{OutputId, RunId, ScenarioId, VarId};
use crate::program::code::{MAX_STEPS, Op, Step};
use crate::program::verify::expressions;
use crate::program::{Mode, ScenarioDef};
use crate::restore::RunState;
use crate::scenario::agenda::Occurrence;
use crate::scenario::expr::{Operands, Value, eval, names};
use crate::scenario::run::{LOOK, QUEUED, Run, TIMED_OUT, UNTIL};
use crate::time::Instant;
use crate::wire::{Reader, Wire};

/// How a step leaves its run.
enum Then {
    /// At this place of the body.
    Next(u16),
    /// In front of this step, until something happens.
    Wait { at: u16, state: RunState, due: Instant },
    /// Nowhere.
    End(EndWhy),
}

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

impl View<'_> {
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
        let Some(def) = self.scenarios.get(scenario.index()).map(|cell| cell.def) else { return };
        if !self.s.agenda.admit(now) {
            self.decide(Decision::Fault { what: FaultKind::Cascade, at: scenario.0 });
            return;
        }
        let refused = match self.condition(scenario) {
            Value::Known(value) if value != 0 => None,
            Value::Known(_) => Some(SkipWhy::Condition),
            Value::Unknown => Some(SkipWhy::Unknown),
            Value::DivisionByZero => {
                self.decide(Decision::Fault { what: FaultKind::DivisionByZero, at: scenario.0 });
                return;
            }
        };
        let running = self.live().iter().filter(|run| run.is_of(scenario)).count();
        let how = match def.mode {
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
            self.execute(Active { run, steps: 0 });
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

    fn condition(&self, scenario: ScenarioId) -> Value {
        let Some(cell) = self.scenarios.get(scenario.index()) else { return Value::Unknown };
        if cell.def.condition == 0 {
            return Value::Known(1);
        }
        let code = self.code.get(usize::from(cell.start)..).unwrap_or_default();
        eval(&mut Reader::new(code), &Context { view: self, timed_out: false })
    }

    /// The body of a scenario from a place on.
    fn body(&self, scenario: ScenarioId, pc: u16) -> &[u8] {
        let Some(cell) = self.scenarios.get(scenario.index()) else { return &[] };
        let ScenarioDef { condition, body, .. } = cell.def;
        let start = usize::from(cell.start).saturating_add(condition.into());
        let end = start.saturating_add(body.into());
        self.code.get(start.saturating_add(pc.into())..end).unwrap_or_default()
    }

    /// Makes steps until an output is written, the run waits, or it is over.
    pub(crate) fn execute(&mut self, mut active: Active) {
        loop {
            let Some(run) = self.runs.get(active.run.index()) else { return };
            let (scenario, pc) = (run.scenario, run.pc);
            let body = self.scenarios.get(scenario.index()).map_or(0, |cell| cell.def.body);
            let then = if pc >= body {
                Then::End(EndWhy::Done)
            } else if self.s.drive != 0 {
                // First the output, then the next step, which may be about the same one.
                self.s.active = Some(active);
                return;
            } else if active.steps >= MAX_STEPS {
                self.decide(Decision::Fault { what: FaultKind::TooManySteps, at: scenario.0 });
                Then::End(EndWhy::Fault)
            } else {
                active.steps = active.steps.saturating_add(1);
                self.step(active.run, scenario, pc)
            };
            // A run may stop its own scenario: then it is over already.
            let Some(run) = self.runs.get_mut(active.run.index()).filter(|run| !run.is_free()) else {
                self.s.active = None;
                return;
            };
            match then {
                Then::Next(pc) => run.pc = pc,
                Then::Wait { at, state, due } => {
                    (run.pc, run.due) = (at, due);
                    run.set_state(state);
                    run.set(LOOK, false);
                    self.s.active = None;
                    self.s.wake_at(due);
                    self.waits(active.run);
                    return;
                }
                Then::End(why) => {
                    self.s.active = None;
                    self.end(active.run, why);
                    return;
                }
            }
        }
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

    /// One step of a run: what it does, and where the run goes.
    fn step(&mut self, slot: RunId, scenario: ScenarioId, pc: u16) -> Then {
        let now = self.s.now;
        let timed_out = self.runs.get(slot.index()).is_some_and(|run| run.has(TIMED_OUT));
        let code = self.body(scenario, pc);
        let len = code.len();
        let mut r = Reader::new(code);
        let Some(step) = Step::get(&mut r) else { return Then::End(EndWhy::Fault) };
        let mut value = Value::Known(0);
        let mut values = Values::default();
        for _ in 0..expressions(&step) {
            value = eval(&mut r, &Context { view: self, timed_out });
            if value == Value::DivisionByZero {
                break;
            }
            // The check at load counted the values.
            let _ = values.push(value.known());
        }
        let next = pc.saturating_add(u16::try_from(len.saturating_sub(r.rest().len())).unwrap_or(u16::MAX));
        if value == Value::DivisionByZero {
            self.decide(Decision::Fault { what: FaultKind::DivisionByZero, at: scenario.0 });
            return Then::End(EndWhy::Fault);
        }
        match step {
            Step::End {} => return Then::End(EndWhy::Ended),
            Step::Set { output, level } => {
                self.write(output, level, By::Run { run: slot, scenario });
            }
            Step::Wait { span } => {
                return Then::Wait { at: pc, state: RunState::Waiting, due: now.plus(span) };
            }
            Step::Until { .. } if value.is_true() => self.set_timed_out(slot, false),
            Step::Until { timeout } => {
                let due = timeout.map_or(Instant::NEVER, |timeout| now.plus(timeout));
                return Then::Wait { at: pc, state: RunState::Until, due };
            }
            Step::Let { var } => match value.known() {
                Some(value) => self.assign(var, value),
                None => self.decide(Decision::Skip { scenario, why: SkipWhy::Value }),
            },
            Step::If { skip } if !value.is_true() => return Then::Next(next.saturating_add(skip)),
            Step::If { .. } => {}
            Step::Else { skip } => return Then::Next(next.saturating_add(skip)),
            Step::Repeat { slot: counter, skip } => {
                let rounds = value.known().unwrap_or(0).clamp(0, u16::MAX.into());
                let rounds = u16::try_from(rounds).unwrap_or(0);
                if rounds == 0 {
                    return Then::Next(next.saturating_add(skip));
                }
                if let Some(left) = self.rounds(slot, counter) {
                    *left = rounds;
                }
            }
            Step::Again { slot: counter, back } => {
                let left = self.rounds(slot, counter).map_or(0, |left| {
                    *left = left.saturating_sub(1);
                    *left
                });
                if left > 0 {
                    return Then::Next(next.saturating_sub(back));
                }
            }
            Step::Send { template, .. } => {
                let onset = self.runs.get(slot.index()).map_or(now, |run| run.onset);
                self.decide(Decision::Send { template, values, onset_ago: now.since(onset) });
            }
            Step::Start { scenario: other } => self.occur(other, Cause::Scenario { scenario }, now),
            Step::Stop { scenario: other } => self.stop_scenario(other),
        }
        Then::Next(next)
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
        let (cause, onset, timed_out) = (run.cause, run.onset, run.has(TIMED_OUT));
        run.set(LOOK, false);
        if run.has(QUEUED) {
            run.go_on();
            let onset_ago = now.since(onset);
            self.decide(Decision::Run { run: slot, scenario, cause, how: RunHow::Started, onset_ago });
            self.s.active = Some(Active { run: slot, steps: 0 });
            return;
        }
        // It stands in front of the step that it waits in.
        let code = self.body(scenario, pc);
        let (len, mut r) = (code.len(), Reader::new(code));
        let until = matches!(Step::get(&mut r), Some(Step::Until { .. }));
        let value = if until { eval(&mut r, &Context { view: self, timed_out }) } else { Value::Known(1) };
        let behind = u16::try_from(len.saturating_sub(r.rest().len())).unwrap_or(u16::MAX);
        if value == Value::DivisionByZero {
            self.decide(Decision::Fault { what: FaultKind::DivisionByZero, at: scenario.0 });
            self.end(slot, EndWhy::Fault);
        } else if value.is_true() || passed {
            if let Some(run) = self.runs.get_mut(slot.index()) {
                run.pc = pc.saturating_add(behind);
                run.go_on();
            }
            if until {
                self.set_timed_out(slot, !value.is_true());
            }
            self.s.active = Some(Active { run: slot, steps: 0 });
        }
    }

    /// Whether the step at this place is a `wait-until`.
    pub(crate) fn is_until(&self, scenario: ScenarioId, pc: u16) -> bool {
        matches!(Step::get(&mut Reader::new(self.body(scenario, pc))), Some(Step::Until { .. }))
    }

    /// Whether a run waits for a condition that names such a thing.
    pub(crate) fn waits_for(&self, slot: usize, named: impl Fn(&Op) -> bool) -> bool {
        let Some(run) = self.runs.get(slot).filter(|run| run.has(UNTIL)) else {
            return false;
        };
        let mut r = Reader::new(self.body(run.scenario, run.pc));
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
