//! A run: one execution of a scenario, from its cause to its end, in a slot of the pool.

use crate::decision::{Cause, Rounds};
use crate::id::{RunId, ScenarioId};
use crate::restore::{Restore, RunState};
use crate::slots::Empty;
use crate::time::Instant;

/// In `By::Run`: the run is over, and its scenario is only remembered as the last writer.
pub(crate) const OVER: RunId = RunId(u8::MAX);

/// A slot of the pool.
#[derive(Clone, Debug)]
pub struct Run {
    pub(crate) state: Option<RunState>,
    pub(crate) scenario: ScenarioId,
    pub(crate) timed_out: bool,
    /// A condition that it waits for may have become true.
    pub(crate) look: bool,
    /// Time switched off counts and is not known yet.
    pub(crate) catch_up: bool,
    pub(crate) cause: Cause,
    /// Where in the body it goes on.
    pub(crate) pc: u16,
    /// The order among those of its scenario that queue.
    pub(crate) place: u16,
    pub(crate) rounds: Rounds,
    pub(crate) due: Instant,
    pub(crate) onset: Instant,
}

impl Empty for Run {
    const EMPTY: Self = Self {
        state: None,
        scenario: ScenarioId(0),
        timed_out: false,
        look: false,
        catch_up: false,
        cause: Cause::Scenario { scenario: ScenarioId(0) },
        pc: 0,
        place: 0,
        rounds: Rounds([0; 2]),
        due: Instant::NEVER,
        onset: Instant::ZERO,
    };
}

impl Run {
    pub(crate) fn new(scenario: ScenarioId, cause: Cause, onset: Instant, state: RunState) -> Self {
        Self { state: Some(state), scenario, cause, onset, ..Self::EMPTY }
    }

    /// Of this scenario, and not over.
    pub(crate) fn is_of(&self, scenario: ScenarioId) -> bool {
        self.state.is_some() && self.scenario == scenario
    }

    /// In the queue, and not its turn.
    pub(crate) fn is_behind(&self) -> bool {
        self.state == Some(RunState::Queued) && !self.due.is_set()
    }

    /// When it wants to go on.
    pub(crate) const fn due(&self, now: Instant) -> Instant {
        match self.state {
            None => Instant::NEVER,
            Some(_) if self.look => now,
            Some(_) => self.due,
        }
    }

    /// Gives the state as a restore item; `None` for an empty slot.
    pub(crate) fn checkpoint(&self, run: RunId, now: Instant) -> Option<Restore> {
        Some(Restore::Run {
            run,
            scenario: self.scenario,
            cause: self.cause,
            state: self.state?,
            pc: self.pc,
            left: self.due.to_option().map(|due| due.since(now)),
            onset_ago: now.since(self.onset),
            rounds: self.rounds,
            timed_out: self.timed_out,
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
        Some(Self {
            pc,
            place,
            rounds,
            timed_out,
            due: left.map_or(Instant::NEVER, |left| now.plus(left)),
            ..Self::new(scenario, cause, now.minus(onset_ago), state)
        })
    }
}
