//! What a program needs of the boards, and the lines that were opened for it.

use std::collections::HashMap;
use std::sync::Arc;

use campanile_delivery::symbols::Symbols;

use super::lines::{OpenInput, OpenOutput};
use crate::boards::{self, Board, BoardSpec, InputSpec, LineError, OutputSpec, VirtualBoard, WakeSlot};

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

    fn has_input(&self, board: &BoardSpec, spec: &InputSpec) -> bool {
        self.inputs.iter().any(|(other, have)| other == board && have.line == spec.line)
    }

    fn has_output(&self, board: &BoardSpec, spec: &OutputSpec) -> bool {
        self.outputs.iter().any(|(other, have)| other == board && have.line == spec.line)
    }
}

/// Lines opened for a program, until the loop takes them.
#[derive(Default)]
pub struct Opened {
    inputs: Vec<OpenInput>,
    outputs: Vec<OpenOutput>,
}

impl Opened {
    /// Takes an input out.
    pub fn take_input(&mut self, board: &BoardSpec, spec: &InputSpec) -> Option<OpenInput> {
        let place = self.inputs.iter().position(|open| open.board == *board && open.spec == *spec)?;
        Some(self.inputs.swap_remove(place))
    }

    /// Takes an output out.
    pub fn take_output(&mut self, board: &BoardSpec, spec: &OutputSpec) -> Option<OpenOutput> {
        let place = self.outputs.iter().position(|open| open.board == *board && open.spec == *spec)?;
        Some(self.outputs.swap_remove(place))
    }

    /// All of them, in the order in which the wiring has them.
    pub fn into_parts(self) -> (Vec<OpenInput>, Vec<OpenOutput>) {
        (self.inputs, self.outputs)
    }
}

/// The boards of this process: each is opened once, when the first line of it is wanted.
#[derive(Default)]
pub struct BoardSet {
    open: HashMap<BoardSpec, Arc<dyn Board>>,
    virtual_board: Arc<VirtualBoard>,
}

impl BoardSet {
    /// The board whose lines live in this process.
    pub fn virtual_board(&self) -> &Arc<VirtualBoard> {
        &self.virtual_board
    }

    fn board(&mut self, spec: &BoardSpec) -> Result<Arc<dyn Board>, LineError> {
        if let Some(board) = self.open.get(spec) {
            return Ok(board.clone());
        }
        let board: Arc<dyn Board> = match spec {
            BoardSpec::Virtual => Arc::new(self.virtual_board.clone()),
            other => boards::open(other)?,
        };
        self.open.insert(spec.clone(), board.clone());
        Ok(board)
    }

    /// Opens the lines of `wanted` that `have` has not.
    ///
    /// # Errors
    /// Every line that could not be had; none stays open then.
    pub fn open(
        &mut self,
        have: &Wiring,
        wanted: &Wiring,
        wake: &Arc<WakeSlot>,
    ) -> Result<Opened, Vec<LineError>> {
        let mut opened = Opened::default();
        let mut errors = Vec::new();
        for (board, spec) in wanted.inputs.iter().filter(|(board, spec)| !have.has_input(board, spec)) {
            match self.board(board).and_then(|open| open.open_input(spec, wake)) {
                Ok(line) => opened.inputs.push(OpenInput { board: board.clone(), spec: spec.clone(), line }),
                Err(error) => errors.push(error),
            }
        }
        for (board, spec) in wanted.outputs.iter().filter(|(board, spec)| !have.has_output(board, spec)) {
            match self.board(board).and_then(|open| open.open_output(spec)) {
                Ok(line) => {
                    let line = Arc::from(line);
                    opened.outputs.push(OpenOutput { board: board.clone(), spec: spec.clone(), line });
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(opened) } else { Err(errors) }
    }
}
