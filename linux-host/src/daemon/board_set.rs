//! The boards of this process, and the lines that are opened on them for a program.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::lines::{OpenInput, OpenOutput};
use super::wiring::Wiring;
use crate::boards::{
    self, Board, BoardSpec, InputSpec, Line, LineError, OutputSpec, SatelliteLines, VirtualBoard, WakeSlot,
};

/// Lines opened for a program, until the loop takes them.
#[derive(Default)]
pub struct Opened {
    inputs: Vec<OpenInput>,
    outputs: Vec<OpenOutput>,
    /// Boards of lines that the program before has, in the other role or under another name: they can be had once it has
    /// let go of them.
    later: Vec<(BoardSpec, Arc<dyn Board>)>,
}

impl Opened {
    /// An input of the new program, which the one before has not; by now that one has let go of its lines.
    ///
    /// # Errors
    /// The line changes its role, and cannot be had in the new one.
    pub fn input(
        &mut self,
        board: &BoardSpec,
        spec: &InputSpec,
        wake: &Arc<WakeSlot>,
    ) -> Result<OpenInput, LineError> {
        if let Some(place) = self.inputs.iter().position(|open| open.board == *board && open.spec == *spec) {
            return Ok(self.inputs.swap_remove(place));
        }
        let line = self.later(board, &spec.line)?.open_input(spec, wake)?;
        Ok(OpenInput { board: board.clone(), spec: spec.clone(), line })
    }

    /// The same of an output, if it is not one that the program before has.
    ///
    /// # Errors
    /// The line changes its role, and cannot be had in the new one.
    pub fn output(&mut self, board: &BoardSpec, spec: &OutputSpec) -> Result<OpenOutput, LineError> {
        if let Some(open) = self.take_output(board, spec) {
            return Ok(open);
        }
        let line = Arc::from(self.later(board, &spec.line)?.open_output(spec)?);
        Ok(OpenOutput { board: board.clone(), spec: spec.clone(), line })
    }

    /// Takes an output out that was opened.
    pub fn take_output(&mut self, board: &BoardSpec, spec: &OutputSpec) -> Option<OpenOutput> {
        let place = self.outputs.iter().position(|open| open.board == *board && open.spec == *spec)?;
        Some(self.outputs.swap_remove(place))
    }

    fn later(&self, board: &BoardSpec, line: &Line) -> Result<Arc<dyn Board>, LineError> {
        let found = self.later.iter().find(|(other, _)| other == board);
        found.map(|(_, open)| open.clone()).ok_or_else(|| LineError::not_open(line))
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
    satellites: HashMap<String, Arc<SatelliteLines>>,
    virtual_board: Arc<VirtualBoard>,
}

impl BoardSet {
    /// The board whose lines live in this process.
    pub fn virtual_board(&self) -> &Arc<VirtualBoard> {
        &self.virtual_board
    }

    /// The lines of the satellite on a board.
    pub fn satellite(&mut self, board: &str) -> Arc<SatelliteLines> {
        let lines = self.satellites.entry(board.to_owned());
        lines.or_insert_with(|| SatelliteLines::new(board)).clone()
    }

    fn board(&mut self, spec: &BoardSpec) -> Result<Arc<dyn Board>, LineError> {
        if let Some(board) = self.open.get(spec) {
            return Ok(board.clone());
        }
        let board: Arc<dyn Board> = match spec {
            BoardSpec::Virtual => Arc::new(self.virtual_board.clone()),
            BoardSpec::Serial { name } => Arc::new(self.satellite(name)),
            other => boards::open(other)?,
        };
        self.open.insert(spec.clone(), board.clone());
        Ok(board)
    }

    /// Opens the lines of `wanted` that `have` has not. Those that it has in the other role or under another name are
    /// opened when they are taken.
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
        let inputs = have.inputs.iter().map(|(board, spec)| (board, &spec.line));
        let outputs = have.outputs.iter().map(|(board, spec)| (board, &spec.line));
        let held: HashSet<_> =
            inputs.chain(outputs).filter_map(|(board, line)| self.place(board, line)).collect();
        let missing = wanted.inputs.iter().filter(|(board, spec)| !have.has_input(board, &spec.line));
        for (board, spec) in missing {
            if self.place(board, &spec.line).is_some_and(|place| held.contains(&place)) {
                self.keep_for_later(board, &mut opened, &mut errors);
                continue;
            }
            match self.board(board).and_then(|open| open.open_input(spec, wake)) {
                Ok(line) => opened.inputs.push(OpenInput { board: board.clone(), spec: spec.clone(), line }),
                Err(error) => errors.push(error),
            }
        }
        let missing = wanted.outputs.iter().filter(|(board, spec)| !have.has_output(board, &spec.line));
        for (board, spec) in missing {
            if self.place(board, &spec.line).is_some_and(|place| held.contains(&place)) {
                self.keep_for_later(board, &mut opened, &mut errors);
                continue;
            }
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

    fn place(&mut self, board: &BoardSpec, line: &Line) -> Option<String> {
        self.board(board).ok()?.place(line)
    }

    fn keep_for_later(&mut self, board: &BoardSpec, opened: &mut Opened, errors: &mut Vec<LineError>) {
        match self.board(board) {
            Ok(open) => opened.later.push((board.clone(), open)),
            Err(error) => errors.push(error),
        }
    }
}
