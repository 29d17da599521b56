//! How a satellite's lines are: what all of its records so far come to, for a host that has not got all of them.

use crate::decision::{By, Origin};
use crate::id::{InputId, Level, OutputId};
use crate::restore::Restore;
use crate::wire::wire_struct;

/// See the [module](self). The ids are those of the program that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Before the record of this number.
    pub seq: u64,
    /// Inputs that are reported, and those of them that are on; a bit each.
    pub inputs: u64,
    /// See [`inputs`](Self::inputs).
    pub inputs_on: u64,
    /// Outputs that the host wrote last, by a command over the link, and those of them that are on; a bit each.
    pub outputs: u64,
    /// See [`outputs`](Self::outputs).
    pub outputs_on: u64,
}

wire_struct!(Lines { seq, inputs, inputs_on, outputs, outputs_on });

impl Lines {
    /// The level that an input is reported at; `None` if nobody has read it.
    pub fn input(&self, input: InputId) -> Option<Level> {
        level(self.inputs, self.inputs_on, input.0)
    }

    /// The level to which the host has set an output, if nobody has set it since.
    pub fn output(&self, output: OutputId) -> Option<Level> {
        level(self.outputs, self.outputs_on, output.0)
    }

    /// Takes one item of a checkpoint; its [`Head`](Restore::Head) begins anew.
    pub(super) fn take(&mut self, item: &Restore) {
        match *item {
            Restore::Head { seq, .. } => *self = Self { seq, ..Self::default() },
            Restore::Input { input, reported, .. } => {
                set(&mut self.inputs, &mut self.inputs_on, input.0, reported);
            }
            Restore::Output { output, level, by: By::Command { origin: Origin::Link }, .. } => {
                set(&mut self.outputs, &mut self.outputs_on, output.0, level);
            }
            _ => {}
        }
    }
}

fn level(known: u64, on: u64, id: u8) -> Option<Level> {
    (known & bit(id) != 0).then(|| Level::from_bool(on & bit(id) != 0))
}

fn set(known: &mut u64, on: &mut u64, id: u8, level: Level) {
    *known |= bit(id);
    *on |= if level.is_on() { bit(id) } else { 0 };
}

/// Of an id, over the wire.
const fn bit(id: u8) -> u64 {
    1u64.wrapping_shl(id as u32)
}
