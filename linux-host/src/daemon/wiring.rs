//! What a program needs of the boards.

use std::collections::HashMap;

use campanile_delivery::symbols::Symbols;

use crate::boards::{BoardSpec, InputSpec, Line, OutputSpec};

/// Every line that a program wants, in the order of its ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wiring {
    /// Of its inputs.
    pub inputs: Vec<(BoardSpec, InputSpec)>,
    /// Of its outputs.
    pub outputs: Vec<(BoardSpec, OutputSpec)>,
}

impl Wiring {
    /// What the program of these symbols wants; `boards` has a board for every name that it uses.
    pub fn of(symbols: &Symbols, boards: &HashMap<String, BoardSpec>) -> Self {
        let board = |name: &String| boards.get(name).cloned().unwrap_or(BoardSpec::Virtual);
        let input = |input: &campanile_delivery::symbols::Input| InputSpec {
            line: input.line.clone(),
            pull: input.pull,
            active: input.active,
        };
        let output = |output: &campanile_delivery::symbols::Output| OutputSpec {
            line: output.line.clone(),
            active: output.active,
            drive: output.drive,
            safe: output.safe,
        };
        Self {
            inputs: symbols.inputs.iter().map(|each| (board(&each.board), input(each))).collect(),
            outputs: symbols.outputs.iter().map(|each| (board(&each.board), output(each))).collect(),
        }
    }

    /// Whether an input is on this line.
    pub fn has_input(&self, board: &BoardSpec, line: &Line) -> bool {
        self.inputs.iter().any(|(other, have)| other == board && have.line == *line)
    }

    /// Whether an output is.
    pub fn has_output(&self, board: &BoardSpec, line: &Line) -> bool {
        self.outputs.iter().any(|(other, have)| other == board && have.line == *line)
    }
}
