//! A run: one execution of a scenario, from its cause to its end, in a slot of the pool.

use crate::decision::{Cause, Rounds};
use crate::id::{RunId, ScenarioId, TriggerId};
use crate::restore::{Restore, RunState};
use crate::slots::Empty;
use crate::time::Instant;

/// In `By::Run`: the run is over, and its scenario is only remembered as the last writer.
pub(crate) const OVER: RunId = RunId(u8::MAX);

/// Someone is in the slot.
const BUSY: u8 = 1;
/// In a `wait-until`.
pub(crate) const UNTIL: u8 = 2;
/// Behind another run of the same scenario.
pub(crate) const QUEUED: u8 = 4;
/// What `timed-out` reads.
pub(crate) const TIMED_OUT: u8 = 8;
/// A condition that it waits for may have become true.
pub(crate) const LOOK: u8 = 16;
/// Time switched off counts and is not known yet.
pub(crate) const CATCH_UP: u8 = 32;

/// A slot of the pool.
#[derive(Clone, Debug)]
pub struct Run {
    pub(crate) flags: u8,
    pub(crate) scenario: ScenarioId,
    pub(crate) cause: Cause,
    /// Where in the body it goes on.
    pub(crate) pc: u16,
    /// The order among those queued.
    pub(crate) place: u16,
    pub(crate) rounds: Rounds,
    pub(crate) due: Instant,
    pub(crate) onset: Instant,
}

impl Empty for Run {
    const EMPTY: Self = Self {
        flags: 0,
        scenario: ScenarioId(0),
        cause: Cause::Trigger { trigger: TriggerId(0) },
        pc: 0,
        place: 0,
        rounds: Rounds([0; 2]),
        due: Instant::ZERO,
        onset: Instant::ZERO,
    };
}

impl Run {
    pub(crate) fn new(scenario: ScenarioId, cause: Cause, onset: Instant, state: RunState) -> Self {
        let mut run = Self { scenario, cause, onset, due: Instant::NEVER, ..Self::EMPTY };
        run.set_state(state);
        run
    }

    /// Where it stands; `None` if the slot is free.
    pub(crate) const fn state(&self) -> Option<RunState> {
        if !self.has(BUSY) {
            None
        } else if self.has(UNTIL) {
            Some(RunState::Until)
        } else if self.has(QUEUED) {
            Some(RunState::Queued)
        } else {
            Some(RunState::Waiting)
        }
    }

    pub(crate) fn set_state(&mut self, state: RunState) {
        self.set(BUSY, true);
        self.set(UNTIL, state == RunState::Until);
        self.set(QUEUED, state == RunState::Queued);
    }

    /// What it waited for has come.
    pub(crate) fn go_on(&mut self) {
        self.set_state(RunState::Waiting);
        self.set(CATCH_UP, false);
        self.due = Instant::NEVER;
    }

    /// The slot is free again.
    pub(crate) const fn free(&mut self) {
        self.flags = 0;
    }

    pub(crate) const fn is_free(&self) -> bool {
        !self.has(BUSY)
    }

    pub(crate) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(crate) fn set(&mut self, flag: u8, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }

    /// Of this scenario, and not over.
    pub(crate) fn is_of(&self, scenario: ScenarioId) -> bool {
        !self.is_free() && self.scenario == scenario
    }

    /// In the queue, and not its turn.
    pub(crate) fn is_behind(&self) -> bool {
        self.has(QUEUED) && !self.due.is_set()
    }

    /// When it wants to go on.
    pub(crate) const fn due(&self, now: Instant) -> Instant {
        if self.is_free() {
            Instant::NEVER
        } else if self.has(LOOK) {
            now
        } else {
            self.due
        }
    }

    /// Gives the state as a restore item; `None` for an empty slot.
    pub(crate) fn checkpoint(&self, run: RunId, now: Instant) -> Option<Restore> {
        Some(Restore::Run {
            run,
            scenario: self.scenario,
            cause: self.cause,
            state: self.state()?,
            pc: self.pc,
            left: self.due.left_at(now),
            onset_ago: now.since(self.onset),
            rounds: self.rounds,
            timed_out: self.has(TIMED_OUT),
            place: self.place,
        })
    }

    /// Takes back what [`checkpoint`](Self::checkpoint) gave.
    pub(crate) fn restored(item: &Restore, now: Instant) -> Option<Self> {
        let Restore::Run { scenario, cause, state, pc, left, onset_ago, rounds, timed_out, place, .. } =
            *item
        else {
            return None;
        };
        let mut run = Self {
            pc,
            place,
            rounds,
            due: left.map_or(Instant::NEVER, |left| now.plus(left)),
            ..Self::new(scenario, cause, now.minus(onset_ago), state)
        };
        run.set(TIMED_OUT, timed_out);
        Some(run)
    }
}
