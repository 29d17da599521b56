//! Who may write an output, and what makes it safe.

use campanile_core::decision::{By, Decision, FaultKind, Origin, SafetyWhy};
use campanile_core::id::{Level, OutputId, RunId, ScenarioId};
use campanile_core::program::OutputDef;
use campanile_core::time::Instant;

use super::Reference;

/// The state of an output.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) def: OutputDef,
    pub(super) level: Level,
    /// The run that wrote it last, as long as that is not over in peace.
    pub(super) writer: Option<RunId>,
    /// When `max-on` passes.
    pub(super) limit: Option<Instant>,
    /// The hardware does not take its levels.
    pub(super) failed: bool,
    /// Safety took it then.
    pub(super) held: Option<Instant>,
}

impl Output {
    pub(super) const fn new(def: OutputDef) -> Self {
        Self { def, level: def.safe, writer: None, limit: None, failed: false, held: None }
    }

    pub(super) fn is_safe(&self) -> bool {
        self.level == self.def.safe
    }

    /// When `max-on` passes, if it leaves its safe level at `at`.
    pub(super) fn limit_from(&self, at: Instant) -> Option<Instant> {
        (!self.is_safe() && !self.def.max_on.is_zero()).then(|| at.plus(self.def.max_on))
    }
}

impl Reference {
    fn output_ids(&self) -> impl Iterator<Item = OutputId> + use<> {
        (0..self.outputs.len()).filter_map(|id| Some(OutputId(u8::try_from(id).ok()?)))
    }

    /// A program is loaded: every output is said to be safe.
    pub(super) fn outputs_at_load(&mut self) {
        for output in self.output_ids() {
            let (level, by) = (self.outputs[output.index()].def.safe, By::Safety { why: SafetyWhy::Start });
            self.decide(Decision::Set { output, level, by });
        }
    }

    pub(super) fn outputs_at_stop(&mut self) {
        self.output_ids().for_each(|output| self.make_safe(output, SafetyWhy::Stop));
    }

    pub(super) fn run_output(&mut self, output: OutputId, level: Level, run: RunId, scenario: ScenarioId) {
        self.write(output, level, By::Run { run, scenario });
    }

    /// False if safety forbids it.
    pub(super) fn command_output(&mut self, output: OutputId, level: Level, origin: Origin) -> bool {
        self.write(output, level, By::Command { origin })
    }

    /// The last write wins, but not against safety at the same instant.
    fn write(&mut self, output: OutputId, level: Level, by: By) -> bool {
        let now = self.now;
        let cell = &mut self.outputs[output.index()];
        if !matches!(by, By::Safety { .. }) && cell.held == Some(now) && level != cell.def.safe {
            self.decide(Decision::Fault { what: FaultKind::SafetyHolds, at: output.0 });
            return false;
        }
        let changed = cell.level != level;
        cell.level = level;
        cell.writer = if let By::Run { run, .. } = by { Some(run) } else { None };
        // The same level again does not extend `max-on`.
        if changed {
            cell.limit = cell.limit_from(now);
        }
        self.decide(Decision::Set { output, level, by });
        if changed && !self.stopped {
            self.output_changed(output, level);
        }
        true
    }

    /// An output takes its safe level. Nobody takes it back at this instant, unless only its run has ended.
    pub(super) fn make_safe(&mut self, output: OutputId, why: SafetyWhy) {
        let cell = &mut self.outputs[output.index()];
        if !matches!(why, SafetyWhy::RunEnded | SafetyWhy::Start) {
            cell.held = Some(self.now);
        }
        let safe = cell.def.safe;
        self.write(output, safe, By::Safety { why });
    }

    pub(super) fn max_on(&mut self, output: OutputId) {
        self.outputs[output.index()].limit = None;
        self.make_safe(output, SafetyWhy::MaxOn);
    }

    /// The hardware took an output's level, or did not.
    pub(super) fn done(&mut self, output: OutputId, ok: bool) {
        let cell = &mut self.outputs[output.index()];
        let failed_before = std::mem::replace(&mut cell.failed, !ok);
        let is_safe = cell.is_safe();
        if ok {
            return;
        }
        self.decide(Decision::Fault { what: FaultKind::OutputFailed, at: output.0 });
        if !failed_before && !is_safe {
            self.make_safe(output, SafetyWhy::Fault);
        }
    }

    /// A run is over: what it wrote last stays if it came to its end, and goes to safe if not.
    pub(super) fn leave_outputs(&mut self, run: RunId, in_peace: bool) {
        for output in self.output_ids() {
            let cell = &mut self.outputs[output.index()];
            if cell.writer != Some(run) {
                continue;
            }
            cell.writer = None;
            if !in_peace && !cell.is_safe() {
                self.make_safe(output, SafetyWhy::RunEnded);
            }
        }
    }

    /// A run that goes on after a restart: what it did holds again.
    pub(super) fn restore_output(&mut self, output: OutputId, level: Level, by: By) {
        if output.index() < self.outputs.len() {
            self.write(output, level, by);
        }
    }
}
