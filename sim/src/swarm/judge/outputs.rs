//! Outputs (I7): away from safe no longer than `max-on`, safe again in the instant in which safety says so, and the line
//! is where the log says it is.

use campanile_core::decision::{By, Decision, SafetyWhy};
use campanile_core::id::{Level, OutputId};
use campanile_core::input::Input;
use campanile_core::program::OutputDef;
use campanile_core::record::Record;
use campanile_core::time::Instant;

use crate::swarm::rules::Rules;
use crate::swarm::tape::Entry;

/// An output as a watchman sees it, who knows the file and reads the log.
#[derive(Clone, Copy, Debug)]
struct Output {
    def: OutputDef,
    level: Level,
    /// It has to be safe again by then.
    limit: Option<Instant>,
    /// Safety took it then.
    held: Option<Instant>,
    /// The hardware does not take levels.
    jammed: bool,
}

impl Output {
    const fn new(def: OutputDef) -> Self {
        Self { def, level: def.safe, limit: None, held: None, jammed: false }
    }

    fn limit_from(&self, at: Instant) -> Option<Instant> {
        (self.level != self.def.safe && !self.def.max_on.is_zero()).then(|| at.plus(self.def.max_on))
    }

    fn set(&mut self, at: Instant, level: Level, by: By) -> Result<(), String> {
        if level != self.def.safe && self.held == Some(at) {
            return Err(format!("{by:?} takes it away in the instant of safety"));
        }
        if let By::Safety { why: SafetyWhy::MaxOn | SafetyWhy::Fault | SafetyWhy::Stop } = by {
            self.held = Some(at);
        }
        if level != self.level {
            self.level = level;
            self.limit = self.limit_from(at);
        }
        Ok(())
    }

    /// Under another program. An output whose rules are others has its full time from now on, at the most.
    fn swapped(self, at: Instant, def: OutputDef) -> Self {
        let same = Self { def, ..self };
        if def == self.def { same } else { Self { limit: same.limit_from(at), ..same } }
    }
}

/// All outputs of a node.
#[derive(Default)]
pub(in crate::swarm) struct Outputs {
    outputs: Vec<Output>,
}

impl Outputs {
    /// A process starts, and takes them to safe.
    pub(in crate::swarm) fn begin(&mut self, rules: &Rules) {
        self.outputs = rules.outputs.iter().map(|def| Output::new(*def)).collect();
    }

    pub(in crate::swarm) fn see(&mut self, entry: &Entry, rules: &Rules) -> Result<(), String> {
        let at = entry.at;
        self.check(at)?;
        match &entry.record {
            Some(Record::Decision(Decision::Set { output, level, by })) => {
                let Some(known) = self.outputs.get_mut(output.index()) else {
                    return Err(format!("{output:?} is set, and there is none"));
                };
                known.set(at, *level, *by).map_err(|why| format!("{output:?} at {} us: {why}", at.micros()))
            }
            Some(Record::Input(Input::Done { output, ok })) => {
                if let Some(known) = self.outputs.get_mut(output.index()) {
                    known.jammed = !ok;
                }
                Ok(())
            }
            Some(Record::Input(Input::Install { .. })) => {
                let taken = |def: &OutputDef| match self.outputs.iter().find(|old| old.def.line == def.line) {
                    Some(old) => old.swapped(at, *def),
                    None => Output::new(*def),
                };
                self.outputs = rules.outputs.iter().map(taken).collect();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Nothing is away from safe for too long at `at`.
    pub(in crate::swarm) fn check(&self, at: Instant) -> Result<(), String> {
        let late = self.outputs.iter().position(|output| output.limit.is_some_and(|limit| at > limit));
        match late {
            Some(output) => Err(format!(
                "output {output} is still away from safe at {} us, and its max-on passed at {} us",
                at.micros(),
                self.outputs[output].limit.map_or(0, Instant::micros)
            )),
            None => Ok(()),
        }
    }

    /// An orderly end has left everything safe that the hardware let.
    pub(in crate::swarm) fn check_end(
        &self,
        level: impl Fn(OutputId) -> Option<Level>,
    ) -> Result<(), String> {
        for (id, output) in (0u8..).map(OutputId).zip(&self.outputs) {
            let is = level(id);
            if !output.jammed && is != Some(output.def.safe) {
                return Err(format!("an orderly stop leaves {id:?} at {is:?}"));
            }
        }
        Ok(())
    }

    /// The lines are where the log says they are.
    pub(in crate::swarm) fn compare(&self, level: impl Fn(OutputId) -> Option<Level>) -> Result<(), String> {
        for (id, output) in (0u8..).map(OutputId).zip(&self.outputs) {
            let is = level(id);
            if !output.jammed && is != Some(output.level) {
                return Err(format!("{id:?} is {is:?}, and the log has it at {:?}", output.level));
            }
        }
        Ok(())
    }
}
