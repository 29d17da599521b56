//! The engine without its capacity: slices of the tables, the scalar state, the log. All logic is written on this.

use crate::bits::take_lowest;
use crate::calendar::Schedule;
use crate::decision::Decision;
use crate::effect::Effect;
use crate::engine::Step;
use crate::engine::cells::{Output, Scenario, Sensor, Trigger, Variable};
use crate::engine::state::State;
use crate::id::{InputId, OutputId};
use crate::input::Input;
use crate::log::LogMut;
use crate::scenario::run::Run;
use crate::time::Instant;
use crate::watcher::Watcher;

/// The most that one call of `poll` does: enough for a press with its scenario, few enough for a short call.
const ITEMS_PER_POLL: u8 = 8;

/// The engine without its capacity.
pub(crate) struct View<'a> {
    pub(crate) inputs: &'a mut [Watcher],
    pub(crate) outputs: &'a mut [Output],
    pub(crate) sensors: &'a mut [Sensor],
    pub(crate) variables: &'a mut [Variable],
    pub(crate) triggers: &'a mut [Trigger],
    pub(crate) schedules: &'a mut [Schedule],
    pub(crate) scenarios: &'a mut [Scenario],
    pub(crate) runs: &'a mut [Run],
    pub(crate) code: &'a [u8],
    pub(crate) s: &'a mut State,
    pub(crate) log: LogMut<'a>,
}

impl View<'_> {
    /// See [`Engine::poll`](crate::engine::Engine::poll).
    pub(crate) fn poll(&mut self, now: Instant) -> Step {
        let mut step = Step::Again;
        for _ in 0..ITEMS_PER_POLL {
            if self.s.ask | self.s.drive != 0 {
                step = self.owed();
                break;
            }
            if !self.item(now) {
                self.s.settle();
                return Step::Idle { next: self.s.next.to_option() };
            }
        }
        self.s.settle();
        step
    }

    /// Readings and levels that are owed to the host: they come first.
    fn owed(&mut self) -> Step {
        if let Some(index) = take_lowest(&mut self.s.ask) {
            return Step::Do(Effect::ReadInput { input: InputId(index) });
        }
        let output = take_lowest(&mut self.s.drive).map(OutputId);
        match output.and_then(|output| Some((output, self.outputs.get(output.index())?))) {
            Some((output, cell)) => Step::Do(Effect::SetOutput { output, level: cell.level() }),
            None => Step::Again,
        }
    }

    /// One item, in this order: the run that executes, the agenda, then what is due. False if there is none.
    fn item(&mut self, now: Instant) -> bool {
        if let Some(active) = self.s.active {
            self.execute(active);
        } else if let Some(occurrence) = self.s.agenda.pop() {
            self.take(occurrence);
        } else {
            return self.do_due(now);
        }
        true
    }

    /// Records a decision. Inlined, as each caller has one kind of it; but with little flash, one way is for all.
    #[cfg_attr(feature = "small", inline(never))]
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn decide(&mut self, decision: Decision) {
        self.log.push(self.s.now, decision);
    }

    pub(crate) fn note(&mut self, input: Input) {
        match input {
            Input::Edge { input, level } => {
                (LogMut { ring: self.log.ring, buf: self.log.buf }).edge(self.s.now, input, level)
            }
            other => self.log.push_input(self.s.now, &other),
        }
    }
}
