//! Outputs: who may write them, and what makes them safe (I7).

use crate::bits::{bit, id};
use crate::decision::{By, Decision, FaultKind, SafetyWhy};
use crate::engine::state::Phase;
use crate::engine::view::View;
use crate::id::{Level, OutputId};
use crate::time::Instant;

impl View<'_> {
    /// Writes an output; the last write wins, but not against safety at the same instant. False if refused.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn write(&mut self, output: OutputId, level: Level, by: By) -> bool {
        let now = self.s.now;
        let Some(cell) = self.outputs.get_mut(output.index()) else { return false };
        let is_safety = matches!(by, By::Safety { .. });
        if !is_safety && self.s.is_held(output) && level != cell.safe() {
            self.decide(Decision::Fault { what: FaultKind::SafetyHolds, at: output.0 });
            return false;
        }
        let changed = cell.level() != level;
        if changed || cell.has_failed() {
            self.s.drive |= bit(output.0);
        }
        cell.by = by;
        self.s.note_writer(output, by);
        if changed {
            cell.set_level(level);
            cell.due = Instant::NEVER;
            if level != cell.safe() && !cell.max_on.is_zero() {
                cell.due = now.plus(cell.max_on);
                self.s.wake_at(cell.due);
            }
        }
        self.decide(Decision::Set { output, level, by });
        if changed && self.s.phase != Phase::Stopped {
            self.output_changed(output, level);
        }
        true
    }

    /// An output takes its safe level.
    pub(crate) fn make_safe(&mut self, output: OutputId, why: SafetyWhy) {
        let Some(cell) = self.outputs.get(output.index()) else { return };
        let safe = cell.safe();
        if !matches!(why, SafetyWhy::RunEnded | SafetyWhy::Start) {
            self.s.hold(output);
        }
        self.write(output, safe, By::Safety { why });
    }

    /// The run that wrote an output last is over: the level stays if that was in peace or if it is the safe one, and
    /// nobody will take it back; else it goes to safe.
    pub(crate) fn lose_writer(&mut self, output: OutputId, in_peace: bool) {
        let Some(cell) = self.outputs.get_mut(output.index()) else { return };
        if in_peace || cell.is_safe() {
            self.s.owned_outputs &= !bit(output.0);
            cell.disown();
        } else {
            self.make_safe(output, SafetyWhy::RunEnded);
        }
    }

    /// An output was on for as long as it may be.
    pub(crate) fn max_on(&mut self, output: OutputId) {
        if let Some(cell) = self.outputs.get_mut(output.index()) {
            cell.due = Instant::NEVER;
        }
        self.make_safe(output, SafetyWhy::MaxOn);
    }

    /// The hardware took an output's level, or did not.
    pub(crate) fn done(&mut self, output: OutputId, ok: bool) {
        let Some(cell) = self.outputs.get_mut(output.index()) else { return };
        let failed_before = cell.has_failed();
        cell.set_failed(!ok);
        if ok {
            return;
        }
        let is_safe = cell.is_safe();
        self.decide(Decision::Fault { what: FaultKind::OutputFailed, at: output.0 });
        if !failed_before && !is_safe {
            self.make_safe(output, SafetyWhy::Fault);
        }
    }

    /// All outputs take their safe levels, whatever holds them.
    pub(crate) fn all_safe(&mut self, why: SafetyWhy) {
        for index in 0..self.outputs.len() {
            self.make_safe(OutputId(id(index)), why);
            self.s.drive |= bit(id(index));
        }
    }

    /// The end. Runs get no `End`: those that are durable go on after the next start.
    pub(crate) fn stop(&mut self) {
        self.s.phase = Phase::Stopped;
        self.all_safe(SafetyWhy::Stop);
    }
}
