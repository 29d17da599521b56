//! Triggers: what a change sets off.

use core::ops::Range;

use crate::bits::{bit, id};
use crate::decision::{Cause, Decision, FaultKind};
use crate::engine::cells::Trigger;
use crate::engine::view::View;
use crate::id::{InputId, Level, MessageId, OutputId, PeerId, ScenarioId, SensorId, TriggerId, VarId};
use crate::program::code::Op;
use crate::program::{On, Subject};
use crate::scenario::agenda::Occurrence;
use crate::time::{Duration, Instant, div_rem};

impl View<'_> {
    /// A debounced input changed.
    pub(crate) fn input_changed(&mut self, input: InputId, level: Level, onset: Instant) {
        for index in self.triggers_about(Subject::Input.key(input.0)) {
            let Some(&Trigger { on: On::Input { to, hold, .. }, scenario, .. }) = self.triggers.get(index)
            else {
                continue;
            };
            let matches = to.is_none_or(|to| to == level);
            if !hold.is_zero() {
                self.arm(index, matches.then_some(hold));
            } else if matches {
                self.occur(scenario, Cause::Trigger { trigger: TriggerId(id(index)) }, onset);
            }
        }
        self.look(&[Op::Input { input }]);
    }

    /// The first reading of an input: nothing changed, but `for` and conditions begin here.
    pub(crate) fn input_known(&mut self, input: InputId, level: Level) {
        let before = self.inputs.get(input.index()).and_then(|watcher| watcher.before());
        for index in self.triggers_about(Subject::Input.key(input.0)) {
            let Some(trigger) = self.triggers.get_mut(index) else { continue };
            let On::Input { to, hold, .. } = trigger.on else { continue };
            let left = trigger.left();
            if left.is_some() {
                trigger.set_left(None);
            }
            if hold.is_zero() || to.is_some_and(|to| to != level) {
                continue;
            }
            // The same level as before the restart: what was left then is left now; the time off is unknown.
            let resumed = left.filter(|_| before == Some(level));
            self.arm(index, Some(resumed.unwrap_or(hold)));
        }
        self.look(&[Op::Input { input }]);
    }

    /// An output changed. Most are none's business.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn output_changed(&mut self, output: OutputId, level: Level) {
        if self.s.watched_outputs & bit(output.0) != 0 {
            self.fire_output(output, level);
        }
        self.look(&[Op::Output { output }]);
    }

    fn fire_output(&mut self, output: OutputId, level: Level) {
        let now = self.s.now;
        for index in self.triggers_about(Subject::Output.key(output.0)) {
            let on = self.triggers.get(index).map(|trigger| trigger.on);
            if matches!(on, Some(On::Output { to, .. }) if to.is_none_or(|to| to == level)) {
                self.fire(index, now);
            }
        }
    }

    /// A variable changed.
    pub(crate) fn variable_changed(&mut self, var: VarId) {
        let now = self.s.now;
        for index in self.triggers_about(Subject::Variable.key(var.0)) {
            self.fire(index, now);
        }
        self.look(&[Op::Var { var }]);
    }

    /// A sensor changed. The first value, and the first after none, arms and never fires.
    pub(crate) fn sensor_changed(&mut self, sensor: SensorId, old: Option<i32>, new: Option<i32>) {
        let now = self.s.now;
        for index in self.triggers_about(Subject::Sensor.key(sensor.0)) {
            let Some(trigger) = self.triggers.get_mut(index) else { continue };
            let fires = match (trigger.on, new) {
                (On::Sensor { .. }, _) => old.is_some() && new.is_some(),
                (On::Above { limit, hysteresis, .. }, Some(value)) => {
                    let rearm = value <= limit.saturating_sub(hysteresis);
                    crossed(&mut trigger.armed, old.is_none(), value > limit, rearm)
                }
                (On::Below { limit, hysteresis, .. }, Some(value)) => {
                    let rearm = value >= limit.saturating_add(hysteresis);
                    crossed(&mut trigger.armed, old.is_none(), value < limit, rearm)
                }
                _ => false,
            };
            if fires {
                self.fire(index, now);
            }
        }
        self.look(&[Op::Sensor { sensor }]);
    }

    /// A peer came or went. At the start all are away.
    pub(crate) fn link_changed(&mut self, peer: PeerId, up: bool) {
        let now = self.s.now;
        let before = self.s.links;
        self.s.links = if up { before | bit(peer.0) } else { before & !bit(peer.0) };
        if self.s.links == before {
            return;
        }
        for index in self.triggers_about(Subject::Link.key(peer.0)) {
            let on = self.triggers.get(index).map(|trigger| trigger.on);
            if matches!(on, Some(On::Link { up: wanted, .. }) if wanted == up) {
                self.fire(index, now);
            }
        }
        self.look(&[Op::WhileUp { peer }]);
    }

    /// A message came. Whether a trigger waits for it.
    pub(crate) fn message_came(&mut self, message: MessageId) -> bool {
        let (now, waiting) = (self.s.now, self.triggers_about(Subject::Message.key(message.0)));
        let known = !waiting.is_empty();
        for index in waiting {
            self.fire(index, now);
        }
        known
    }

    /// The start is over.
    pub(crate) fn started(&mut self) {
        let now = self.s.now;
        // The power may have gone between the end of a run and the turn of the next.
        for index in 0..self.scenarios.len() {
            self.move_up(ScenarioId(id(index)));
        }
        for index in self.triggers_about(Subject::Start.key(0)) {
            self.fire(index, now);
        }
    }

    /// The deadline of a `for` or `every`.
    pub(crate) fn fire_timer(&mut self, trigger: TriggerId) {
        let (now, stall) = (self.s.now, self.s.stall);
        let Some(cell) = self.triggers.get_mut(trigger.index()) else { return };
        let mut missed = 0;
        if let On::Every { period } = cell.on {
            let mut due = cell.due().plus(period);
            if due <= stall {
                // Moments that a stall swallowed: counted, not made up for.
                let (others, into) = div_rem(stall.since(due).micros(), period.micros());
                missed = others.saturating_add(1);
                due = stall.minus(Duration::from_micros(into)).plus(period);
            }
            cell.set_due(Some(due));
            self.s.wake_at(due);
        } else {
            cell.set_due(None);
        }
        self.fire(trigger.index(), now);
        if missed > 0 {
            self.decide(Decision::Missed { trigger, n: u32::try_from(missed).unwrap_or(u32::MAX) });
        }
    }

    /// A trigger's occasion has come.
    pub(crate) fn fire(&mut self, index: usize, onset: Instant) {
        let Some(scenario) = self.triggers.get(index).map(|trigger| trigger.scenario) else { return };
        self.occur(scenario, Cause::Trigger { trigger: TriggerId(id(index)) }, onset);
    }

    /// Puts a scenario on the agenda.
    pub(crate) fn occur(&mut self, scenario: ScenarioId, cause: Cause, onset: Instant) {
        if !self.s.agenda.push(Occurrence { scenario, cause, onset }) {
            self.decide(Decision::Fault { what: FaultKind::AgendaFull, at: scenario.0 });
        }
    }

    /// Arms or disarms a `for`.
    fn arm(&mut self, index: usize, left: Option<Duration>) {
        let now = self.s.now;
        let Some(trigger) = self.triggers.get_mut(index) else { return };
        let was_armed = trigger.due().is_set();
        // This replaces whatever was left before a start: the input has moved since.
        trigger.set_due(left.map(|left| now.plus(left)));
        let (due, scenario) = (trigger.due(), trigger.scenario);
        self.s.wake_at(due);
        if self.is_durable(scenario) && (was_armed || left.is_some()) {
            self.decide(Decision::Arm { trigger: TriggerId(id(index)), left });
        }
    }

    /// The places of the triggers of one key; the table is sorted by it.
    fn triggers_about(&self, key: u16) -> Range<usize> {
        let start = self.triggers.partition_point(|trigger| trigger.key < key);
        let rest = self.triggers.get(start..).unwrap_or_default();
        let len = rest.iter().take_while(|trigger| trigger.key == key).count();
        start..start.saturating_add(len)
    }
}

/// A threshold: fires on a crossing while armed, is armed again by the way back.
const fn crossed(armed: &mut bool, first: bool, beyond: bool, rearm: bool) -> bool {
    let fires = beyond && *armed && !first;
    if beyond {
        *armed = false;
    } else if rearm || first {
        *armed = true;
    }
    fires
}
