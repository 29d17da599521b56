//! Whose turn it is: a queue of occurrences, and what one instant has room for.

use std::collections::VecDeque;

use campanile_core::decision::{Cause, Decision, EndWhy, FaultKind, RunHow, SkipWhy};
use campanile_core::id::{RunId, ScenarioId};
use campanile_core::program::Mode;
use campanile_core::time::Instant;

use super::Reference;
use super::expr::Worth;
use super::occurrence::Occurrence;
use super::run::{Run, State};

/// Occurrences that wait at the same time.
const PLACES: usize = 16;
/// Occurrences and continuations of one instant.
const PER_INSTANT: u32 = 64;

/// The queue, and how many an instant has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    queue: VecDeque<Occurrence>,
    instant: Instant,
    seen: u32,
}

impl Agenda {
    /// Goes on in an instant that has seen so many.
    pub(super) fn go_on(&mut self, now: Instant, seen: u8) {
        (self.instant, self.seen) = (now, seen.into());
    }

    /// One more at `now`; false if the instant has no room for it.
    fn admit(&mut self, now: Instant) -> bool {
        if self.instant != now {
            (self.instant, self.seen) = (now, 0);
        }
        let room = self.seen < PER_INSTANT;
        self.seen += u32::from(room);
        room
    }
}

impl Reference {
    /// Puts a scenario on the agenda.
    pub(super) fn occur(&mut self, occurrence: Occurrence) {
        if self.agenda.queue.len() < PLACES {
            self.agenda.queue.push_back(occurrence);
        } else {
            self.fault(FaultKind::AgendaFull, occurrence.scenario);
        }
    }

    pub(super) fn fault(&mut self, what: FaultKind, scenario: ScenarioId) {
        self.decide(Decision::Fault { what, at: scenario.0 });
    }

    /// Takes what is on the agenda, and what that puts there, to the end.
    pub(super) fn do_agenda(&mut self) {
        while let Some(occurrence) = self.agenda.queue.pop_front() {
            self.take(&occurrence);
        }
    }

    /// The condition is looked at now, and the mode says what becomes of the occurrence.
    fn take(&mut self, occurrence: &Occurrence) {
        let &Occurrence { scenario, cause, onset } = occurrence;
        if !self.agenda.admit(self.now) {
            return self.fault(FaultKind::Cascade, scenario);
        }
        let program = &self.program.scenarios[scenario.index()];
        let mode = program.def.mode;
        let condition = program.condition.as_ref();
        match condition.map_or(Worth::Number(1), |condition| self.worth(condition, false)) {
            Worth::Number(0) => return self.skip(scenario, SkipWhy::Condition),
            Worth::Unknown => return self.skip(scenario, SkipWhy::Unknown),
            Worth::DividedByZero => return self.fault(FaultKind::DivisionByZero, scenario),
            Worth::Number(_) => {}
        }
        let slots: Vec<RunId> = self.runs_of(scenario);
        match (mode, slots.as_slice()) {
            (_, []) => self.begin(self.free_slot(), scenario, cause, onset, RunHow::Started),
            (Mode::Restart, &[slot, ..]) => self.begin(slot, scenario, cause, onset, RunHow::Restarted),
            (Mode::Parallel(n), runs) if runs.len() < n.into() => {
                self.begin(self.free_slot(), scenario, cause, onset, RunHow::Started);
            }
            (Mode::Queued(n), runs) if runs.len() < n.into() => {
                self.begin(self.free_slot(), scenario, cause, onset, RunHow::Queued);
            }
            _ => self.skip(scenario, SkipWhy::Busy),
        }
    }

    fn skip(&mut self, scenario: ScenarioId, why: SkipWhy) {
        self.decide(Decision::Skip { scenario, why });
    }

    pub(super) fn runs_of(&self, scenario: ScenarioId) -> Vec<RunId> {
        self.all_runs().filter(|(_, run)| run.scenario == scenario).map(|(slot, _)| slot).collect()
    }

    fn free_slot(&self) -> RunId {
        let free = self.runs.iter().position(Option::is_none).unwrap_or(self.runs.len());
        RunId(u8::try_from(free).expect("the check at load reserves the slots"))
    }

    /// Puts a run into a slot.
    pub(super) fn occupy(&mut self, slot: RunId, run: Run) {
        let len = self.runs.len().max(slot.index() + 1);
        self.runs.resize(len, None);
        self.runs[slot.index()] = Some(run);
    }

    fn begin(&mut self, slot: RunId, scenario: ScenarioId, cause: Cause, onset: Instant, how: RunHow) {
        let state = if how == RunHow::Queued {
            State::Queued { ticket: self.last_ticket(scenario) + 1, turn: None }
        } else {
            State::AtWork
        };
        self.occupy(slot, Run::new(scenario, cause, onset, state));
        self.decide(Decision::Run { run: slot, scenario, cause, how, onset_ago: self.now.since(onset) });
        if how != RunHow::Queued {
            self.execute(slot);
        }
    }

    fn last_ticket(&self, scenario: ScenarioId) -> u32 {
        let tickets = self.all_runs().filter(|(_, run)| run.scenario == scenario);
        tickets.filter_map(|(_, run)| run.ticket()).max().unwrap_or(0)
    }

    /// Gives the first in a scenario's queue its turn, if nobody has it.
    pub(super) fn move_up(&mut self, scenario: ScenarioId) {
        let runs: Vec<&Run> =
            self.all_runs().map(|(_, run)| run).filter(|run| run.scenario == scenario).collect();
        let queues = matches!(self.program.scenarios[scenario.index()].def.mode, Mode::Queued(_));
        let waits = |run: &Run| matches!(run.state, State::Queued { turn: None, .. });
        if !queues || !runs.iter().all(|run| waits(run)) {
            return;
        }
        let Some(first) = runs.iter().filter_map(|run| run.ticket()).min() else { return };
        let now = self.now;
        for run in self.runs.iter_mut().flatten() {
            if run.scenario == scenario && run.ticket() == Some(first) {
                run.state = State::Queued { ticket: first, turn: Some(now) };
                return;
            }
        }
    }

    /// A run that waits goes on, or waits further.
    pub(super) fn go_on(&mut self, slot: RunId) {
        let Some(scenario) = self.run(slot).map(|run| run.scenario) else { return };
        if self.agenda.admit(self.now) {
            self.proceed(slot);
        } else {
            self.fault(FaultKind::Cascade, scenario);
            self.end(slot, EndWhy::Fault);
        }
    }
}
