//! The steps of a run.

use campanile_core::decision::{Cause, Decision, EndWhy, FaultKind, Rounds, RunHow, SkipWhy, Values};
use campanile_core::id::{RunId, ScenarioId, VarId};
use campanile_core::program::code::{Op, Step};
use campanile_core::time::Instant;

use super::Reference;
use super::expr::{Expr, Worth};
use super::occurrence::Occurrence;
use super::program::Line;

/// Steps between two waits.
const MOST_STEPS: u32 = 255;

/// One execution of a scenario.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) scenario: ScenarioId,
    pub(super) cause: Cause,
    pub(super) onset: Instant,
    /// Where in the body it is.
    pub(super) at: u16,
    /// Left of its loops.
    pub(super) rounds: Rounds,
    pub(super) timed_out: bool,
    pub(super) state: State,
    /// What it waits for may have become true.
    pub(super) look: bool,
    /// When it looks at the clock again.
    pub(super) minute: Option<Instant>,
    /// The time off counts for its wait, as soon as anybody knows it.
    pub(super) catch_up: bool,
}

/// What a run is at.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// It makes its steps.
    AtWork,
    /// In a `wait`.
    Waits { due: Option<Instant> },
    /// In a `wait-until`.
    Until { due: Option<Instant> },
    /// Behind another run of its scenario, or about to begin.
    Queued { ticket: u32, turn: Option<Instant> },
}

impl Run {
    pub(super) fn new(scenario: ScenarioId, cause: Cause, onset: Instant, state: State) -> Self {
        let rounds = Rounds::default();
        let (look, minute) = (false, None);
        Self { scenario, cause, onset, at: 0, rounds, timed_out: false, state, look, minute, catch_up: false }
    }

    /// When it wants to go on.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        match self.state {
            _ if self.look => Some(now),
            State::AtWork => None,
            State::Waits { due } | State::Until { due } => due.filter(|due| due.is_set()),
            State::Queued { turn, .. } => turn,
        }
    }

    /// Its place in the queue.
    pub(super) fn ticket(&self) -> Option<u32> {
        match self.state {
            State::Queued { ticket, .. } => Some(ticket),
            _ => None,
        }
    }

    fn work(&mut self) {
        (self.state, self.look, self.minute, self.catch_up) = (State::AtWork, false, None, false);
    }
}

/// How a step leaves its run.
enum Then {
    Go(u16),
    Wait(State),
    End(EndWhy),
}

impl Reference {
    /// What an expression is worth now.
    pub(super) fn worth(&self, expr: &Expr, timed_out: bool) -> Worth {
        expr.worth(&|op| match *op {
            Op::Input { input } => self.lines.get(input.index())?.reported().map(i32::from),
            Op::Output { output } => self.outputs.get(output.index()).map(|output| output.level.into()),
            Op::Sensor { sensor } => *self.sensors.get(sensor.index())?,
            Op::Var { var } => self.variables.get(var.index()).copied(),
            Op::TimedOut {} => Some(timed_out.into()),
            Op::WhileUp { peer } => self.peers.contains(&peer).then_some(1),
            _ => self.clock_operand(op),
        })
    }

    /// The step that a run is at; `None` at the end of its body.
    pub(super) fn line(&self, run: &Run) -> Option<&Line> {
        self.program.scenarios[run.scenario.index()].body.get(&run.at)
    }

    /// Whether a run waits for a condition that names such a thing.
    pub(super) fn waits_for(&self, slot: RunId, named: &impl Fn(&Op) -> bool) -> bool {
        let Some(run) = self.run(slot).filter(|run| matches!(run.state, State::Until { .. })) else {
            return false;
        };
        self.line(run).is_some_and(|line| line.exprs.iter().any(|expr| expr.names(named)))
    }

    /// Makes steps until the run waits or is over.
    pub(super) fn execute(&mut self, slot: RunId) {
        let mut steps = 0;
        while let Some(run) = self.run(slot).cloned() {
            let then = match self.line(&run).cloned() {
                None => Then::End(EndWhy::Done),
                Some(_) if steps == MOST_STEPS => {
                    self.fault(FaultKind::TooManySteps, run.scenario);
                    Then::End(EndWhy::Fault)
                }
                Some(line) => {
                    steps += 1;
                    self.step(slot, &run, &line)
                }
            };
            // It may have stopped its own scenario.
            let Some(run) = self.run_mut(slot) else { return };
            match then {
                Then::Go(at) => run.at = at,
                Then::Wait(state) => {
                    run.state = state;
                    return self.waits(slot);
                }
                Then::End(why) => return self.end(slot, why),
            }
        }
    }

    fn step(&mut self, slot: RunId, run: &Run, line: &Line) -> Then {
        let now = self.now;
        let worths: Vec<Worth> = line.exprs.iter().map(|expr| self.worth(expr, run.timed_out)).collect();
        if worths.contains(&Worth::DividedByZero) {
            self.fault(FaultKind::DivisionByZero, run.scenario);
            return Then::End(EndWhy::Fault);
        }
        let worth = worths.first().copied().unwrap_or(Worth::Unknown);
        match line.step {
            Step::End {} => return Then::End(EndWhy::Ended),
            Step::Set { output, level } => self.run_output(output, level, slot, run.scenario),
            Step::Wait { span } => return Then::Wait(State::Waits { due: Some(now.plus(span)) }),
            Step::Until { .. } if worth.is_true() => self.set_timed_out(slot, false),
            Step::Until { timeout } => {
                return Then::Wait(State::Until { due: timeout.map(|timeout| now.plus(timeout)) });
            }
            Step::Let { var } => match worth.known() {
                Some(value) => self.assign(var, value),
                None => self.decide(Decision::Skip { scenario: run.scenario, why: SkipWhy::Value }),
            },
            Step::If { .. } if worth.is_true() => {}
            Step::If { skip } | Step::Else { skip } => return Then::Go(line.next + skip),
            Step::Repeat { slot: counter, skip } => {
                let rounds = worth.known().unwrap_or(0).clamp(0, u16::MAX.into()) as u16;
                if rounds == 0 {
                    return Then::Go(line.next + skip);
                }
                self.set_rounds(slot, counter, rounds);
            }
            Step::Again { slot: counter, back } => {
                let left = run.rounds.0[usize::from(counter)].saturating_sub(1);
                self.set_rounds(slot, counter, left);
                if left > 0 {
                    return Then::Go(line.next - back);
                }
            }
            Step::Send { template, .. } => {
                let mut values = Values::default();
                for worth in worths {
                    assert!(values.push(worth.known()), "a message has four values at the most");
                }
                self.decide(Decision::Send { template, values, onset_ago: now.since(run.onset) });
            }
            Step::Start { scenario } => {
                let cause = Cause::Scenario { scenario: run.scenario };
                self.occur(Occurrence { scenario, cause, onset: now });
            }
            Step::Stop { scenario } => self.stop_scenario(scenario),
        }
        Then::Go(line.next)
    }

    fn set_rounds(&mut self, slot: RunId, counter: u8, rounds: u16) {
        if let Some(run) = self.run_mut(slot) {
            run.rounds.0[usize::from(counter)] = rounds;
        }
    }

    /// A `wait-until` is over. A durable scenario records what that changes.
    fn set_timed_out(&mut self, slot: RunId, timed_out: bool) {
        let Some(run) = self.run_mut(slot) else { return };
        let before = std::mem::replace(&mut run.timed_out, timed_out);
        let scenario = run.scenario;
        if before != timed_out && self.program.scenarios[scenario.index()].is_durable() {
            self.decide(Decision::TimedOut { run: slot, timed_out });
        }
    }

    /// A run has come to a wait. That of a durable scenario is recorded.
    fn waits(&mut self, slot: RunId) {
        let minute = self.next_look(slot);
        let now = self.now;
        let Some(run) = self.run_mut(slot) else { return };
        run.minute = minute;
        let (scenario, at, rounds) = (run.scenario, run.at, run.rounds);
        let left = run.due(now).map(|due| due.since(now));
        if self.program.scenarios[scenario.index()].is_durable() {
            self.decide(Decision::Wait { run: slot, pc: at, left, rounds });
        }
    }

    /// The turn of a queued run has come, a wait is over, or what a run waits for may be true.
    pub(super) fn proceed(&mut self, slot: RunId) {
        let now = self.now;
        let Some(run) = self.run(slot).cloned() else { return };
        let Run { scenario, cause, onset, .. } = run;
        if let State::Queued { .. } = run.state {
            self.run_mut(slot).into_iter().for_each(Run::work);
            let onset_ago = now.since(onset);
            self.decide(Decision::Run { run: slot, scenario, cause, how: RunHow::Started, onset_ago });
            return self.execute(slot);
        }
        // A place that its body has not any more is its end.
        let next = self.line(&run).map_or(run.at, |line| line.next);
        let condition = self.line(&run).and_then(|line| line.exprs.first());
        let worth = condition.map(|condition| self.worth(condition, run.timed_out));
        let passed = match run.state {
            State::Waits { due } | State::Until { due } => due.is_some_and(|due| due <= now),
            _ => false,
        };
        if worth == Some(Worth::DividedByZero) {
            self.fault(FaultKind::DivisionByZero, scenario);
            return self.end(slot, EndWhy::Fault);
        }
        let met = worth.is_some_and(Worth::is_true);
        let Some(run) = self.run_mut(slot) else { return };
        if !met && !passed {
            run.look = false;
            return;
        }
        run.at = next;
        run.work();
        if worth.is_some() {
            self.set_timed_out(slot, !met);
        }
        self.execute(slot);
    }

    pub(super) fn assign(&mut self, var: VarId, value: i32) {
        let old = std::mem::replace(&mut self.variables[var.index()], value);
        self.decide(Decision::Let { var, value });
        if old != value {
            self.variable_changed(var);
        }
    }

    /// Ends all runs of a scenario, those that queue first, so that none of them moves up.
    pub(super) fn stop_scenario(&mut self, scenario: ScenarioId) {
        let (queued, others): (Vec<RunId>, Vec<RunId>) = self
            .runs_of(scenario)
            .into_iter()
            .partition(|slot| self.run(*slot).is_some_and(|run| run.ticket().is_some()));
        for slot in queued.into_iter().chain(others) {
            self.end(slot, EndWhy::Stopped);
        }
    }

    /// A run is over. One that ends early takes its outputs along; the next one in its queue moves up.
    pub(super) fn end(&mut self, slot: RunId, why: EndWhy) {
        let Some(run) = self.runs.get_mut(slot.index()).and_then(Option::take) else { return };
        self.decide(Decision::End { run: slot, why });
        self.leave_outputs(slot, matches!(why, EndWhy::Done | EndWhy::Ended));
        self.move_up(run.scenario);
    }
}
