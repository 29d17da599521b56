//! What a change sets off.

use campanile_core::decision::{Cause, Decision, Origin};
use campanile_core::id::{
    InputId, Level, MessageId, OutputId, PeerId, RunId, ScenarioId, SensorId, TriggerId, VarId,
};
use campanile_core::program::code::Op;
use campanile_core::program::{On, TriggerDef};
use campanile_core::time::{Duration, Instant};

use super::Reference;
use super::occurrence::Occurrence;

/// The state of a trigger.
#[derive(Clone, Debug)]
pub(super) struct Trigger {
    pub(super) on: On,
    pub(super) scenario: ScenarioId,
    /// Of `for` and `every`.
    pub(super) due: Option<Instant>,
    /// Of `above` and `below`: the next crossing fires.
    pub(super) armed: bool,
    /// Of a durable `for` after a restart: what was left of it then.
    pub(super) left: Option<Duration>,
}

impl Trigger {
    /// Of a program that is loaded at `at`.
    pub(super) fn new(def: &TriggerDef, at: Instant) -> Self {
        let due = match def.on {
            On::Every { period } => Some(at.plus(period)),
            _ => None,
        };
        Self { on: def.on, scenario: def.scenario, due, armed: false, left: None }
    }
}

impl Reference {
    /// The triggers for which `matches` holds, in the order of their ids.
    fn triggers_where(&self, matches: impl Fn(&On) -> bool) -> Vec<TriggerId> {
        let all = (0..).map(TriggerId).zip(&self.triggers);
        all.filter(|(_, trigger)| matches(&trigger.on)).map(|(id, _)| id).collect()
    }

    /// A trigger's occasion has come.
    pub(super) fn fire(&mut self, trigger: TriggerId, onset: Instant) {
        let Some(scenario) = self.triggers.get(trigger.index()).map(|trigger| trigger.scenario) else {
            return;
        };
        self.occur(Occurrence { scenario, cause: Cause::Trigger { trigger }, onset });
    }

    pub(super) fn start_by_command(&mut self, scenario: ScenarioId, origin: Origin) {
        self.occur(Occurrence { scenario, cause: Cause::Command { origin }, onset: self.now });
    }

    /// The start is over.
    pub(super) fn started(&mut self) {
        for scenario in (0..self.program.scenarios.len()).filter_map(|id| u8::try_from(id).ok()) {
            self.move_up(ScenarioId(scenario));
        }
        for trigger in self.triggers_where(|on| *on == On::Started) {
            self.fire(trigger, self.now);
        }
    }

    /// A debounced input changed.
    pub(super) fn input_changed(&mut self, input: InputId, level: Level, onset: Instant) {
        for trigger in self.triggers_where(|on| matches!(on, On::Input { input: of, .. } if *of == input)) {
            let On::Input { to, hold, .. } = self.triggers[trigger.index()].on else { continue };
            let matches = to.is_none_or(|to| to == level);
            if !hold.is_zero() {
                self.arm(trigger, matches.then_some(hold));
            } else if matches {
                self.fire(trigger, onset);
            }
        }
        self.look(|op| matches!(op, Op::Input { input: of } if *of == input));
    }

    /// The first reading of an input: no trigger fires, but `for` begins.
    pub(super) fn input_known(&mut self, input: InputId, level: Level) {
        let before = self.lines[input.index()].before();
        for trigger in self.triggers_where(|on| matches!(on, On::Input { input: of, .. } if *of == input)) {
            let left = self.triggers[trigger.index()].left.take();
            let On::Input { to, hold, .. } = self.triggers[trigger.index()].on else { continue };
            if hold.is_zero() || to.is_some_and(|to| to != level) {
                continue;
            }
            // It goes on with what was left if its input reads the same as before.
            let left = left.filter(|_| before == Some(level));
            self.arm(trigger, Some(left.unwrap_or(hold)));
        }
        self.look(|op| matches!(op, Op::Input { input: of } if *of == input));
    }

    /// Arms or disarms a `for`. That of a durable scenario is recorded.
    fn arm(&mut self, trigger: TriggerId, left: Option<Duration>) {
        let now = self.now;
        let cell = &mut self.triggers[trigger.index()];
        let was_armed = cell.due.is_some();
        cell.left = None;
        cell.due = left.map(|left| now.plus(left));
        let durable = self.program.scenarios[cell.scenario.index()].is_durable();
        if durable && (was_armed || left.is_some()) {
            self.decide(Decision::Arm { trigger, left });
        }
    }

    pub(super) fn output_changed(&mut self, output: OutputId, level: Level) {
        let about = |on: &On| matches!(on, On::Output { output: of, to } if *of == output && to.is_none_or(|to| to == level));
        self.triggers_where(about).into_iter().for_each(|trigger| self.fire(trigger, self.now));
        self.look(|op| matches!(op, Op::Output { output: of } if *of == output));
    }

    pub(super) fn variable_changed(&mut self, var: VarId) {
        let about = |on: &On| *on == On::Variable { var };
        self.triggers_where(about).into_iter().for_each(|trigger| self.fire(trigger, self.now));
        self.look(|op| matches!(op, Op::Var { var: of } if *of == var));
    }

    pub(super) fn sensor_changed(&mut self, sensor: SensorId, old: Option<i32>, new: Option<i32>) {
        let about = |on: &On| {
            matches!(on,
            On::Sensor { sensor: of } | On::Above { sensor: of, .. } | On::Below { sensor: of, .. } if *of == sensor)
        };
        for trigger in self.triggers_where(about) {
            let cell = &mut self.triggers[trigger.index()];
            let fires = match (cell.on, new) {
                (On::Sensor { .. }, _) => old.is_some() && new.is_some(),
                (on, Some(value)) => cell.crossed(&on, old.is_none(), value.into()),
                (_, None) => false,
            };
            if fires {
                self.fire(trigger, self.now);
            }
        }
        self.look(|op| matches!(op, Op::Sensor { sensor: of } if *of == sensor));
    }

    pub(super) fn link(&mut self, peer: PeerId, up: bool) {
        if self.peers.contains(&peer) == up {
            return;
        }
        if up {
            self.peers.push(peer);
        } else {
            self.peers.retain(|there| *there != peer);
        }
        let about = |on: &On| *on == On::Link { peer, up };
        self.triggers_where(about).into_iter().for_each(|trigger| self.fire(trigger, self.now));
        self.look(|op| matches!(op, Op::WhileUp { peer: of } if *of == peer));
    }

    /// Whether a trigger waits for it.
    pub(super) fn message(&mut self, message: MessageId) -> bool {
        let waiting = self.triggers_where(|on| *on == On::Message { message });
        let known = !waiting.is_empty();
        waiting.into_iter().for_each(|trigger| self.fire(trigger, self.now));
        known
    }

    /// The deadline of a `for` or an `every`.
    pub(super) fn timer(&mut self, trigger: TriggerId) {
        let (now, stall) = (self.now, self.stall);
        let cell = &mut self.triggers[trigger.index()];
        let mut missed = 0;
        match (cell.on, cell.due) {
            (On::Every { period }, Some(due)) => {
                let mut next = due.plus(period);
                // What fell into a stall is counted, and not made up for.
                while next <= stall {
                    next = next.plus(period);
                    missed += 1;
                }
                cell.due = Some(next);
            }
            _ => cell.due = None,
        }
        self.fire(trigger, now);
        if missed > 0 {
            self.decide(Decision::Missed { trigger, n: missed });
        }
    }

    /// Runs that wait for a condition which names such a thing look at it again.
    pub(super) fn look(&mut self, named: impl Fn(&Op) -> bool) {
        let slots: Vec<RunId> = self.all_runs().map(|(slot, _)| slot).collect();
        for slot in slots.into_iter().filter(|slot| self.waits_for(*slot, &named)).collect::<Vec<_>>() {
            if let Some(run) = self.run_mut(slot) {
                run.look = true;
            }
        }
    }
}

impl Trigger {
    /// A threshold: fires on crossing its limit while armed. It is armed well on the other side, and by the first reading
    /// on the other side, or the first after none.
    pub(super) fn crossed(&mut self, on: &On, first: bool, value: i64) -> bool {
        // `below` is `above` with all signs turned.
        let (value, limit, hysteresis) = match *on {
            On::Above { limit, hysteresis, .. } => (value, i64::from(limit), i64::from(hysteresis)),
            On::Below { limit, hysteresis, .. } => (-value, -i64::from(limit), i64::from(hysteresis)),
            _ => return false,
        };
        let fires = value > limit && self.armed && !first;
        if value > limit {
            self.armed = false;
        } else if first || value <= limit - hysteresis {
            self.armed = true;
        }
        fires
    }
}
