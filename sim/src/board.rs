//! The virtual board: lines that somebody moves, a kernel's buffer of edges in front of the loop, and outputs that can
//! refuse.
//!
//! Lines belong to the board and outlive every program and process; a program's ids are pointed at them by
//! [`Board::wire`]. Scripts and programs speak of logical levels, the lines have voltages.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::{Input, OverrunWhy};
use campanile_core::runner::{Captured, Edges, Outputs, Refused};
use campanile_core::time::Instant;
use campanile_delivery::symbols::{Active, Symbols};

/// So many edges the kernel keeps: the most that it allows for one line is 16 times 64.
pub const KERNEL_BUFFER: usize = 1024;

/// A board that several may hold: the loop, and whoever moves its lines.
#[derive(Clone, Default)]
pub struct Board(Rc<RefCell<State>>);

/// A line by its board and its name.
type Line = (String, String);

#[derive(Default)]
struct State {
    /// Whether a line has its high voltage.
    high: BTreeMap<Line, bool>,
    /// The lines of the program's inputs.
    inputs: Vec<(Line, Active)>,
    /// The lines of the program's outputs.
    outputs: Vec<(Line, Active)>,
    /// Somebody listens to the inputs.
    open: bool,
    edges: VecDeque<Captured>,
    /// Edges that found the buffer full, by input.
    lost: BTreeMap<InputId, u32>,
    broken: BTreeSet<Line>,
    waker: Option<Waker>,
}

impl Board {
    /// Points a program's ids at lines. Lines that nobody has moved yet are off.
    pub fn wire(&self, symbols: &Symbols) {
        let mut state = self.0.borrow_mut();
        state.inputs =
            symbols.inputs.iter().map(|input| (line(&input.board, &input.line), input.active)).collect();
        state.outputs =
            symbols.outputs.iter().map(|output| (line(&output.board, &output.line), output.active)).collect();
        let State { high, inputs, outputs, .. } = &mut *state;
        for (line, active) in inputs.iter().chain(outputs.iter()) {
            high.entry(line.clone()).or_insert(*active == Active::Low);
        }
        // What was captured had the ids of the program before.
        state.edges.clear();
        state.lost.clear();
    }

    /// The process that listened is gone, and its buffer with it; or another one listens from now on.
    pub fn listen(&self, open: bool) {
        let mut state = self.0.borrow_mut();
        state.open = open;
        state.edges.clear();
        state.lost.clear();
        state.waker = None;
    }

    /// The power is gone: outputs fall to their low voltage.
    pub fn power_off(&self) {
        self.listen(false);
        let mut state = self.0.borrow_mut();
        let outputs = std::mem::take(&mut state.outputs);
        for (line, _) in &outputs {
            state.high.insert(line.clone(), false);
        }
        state.outputs = outputs;
    }

    /// An input's line moves; the edge is captured if anybody listens.
    pub fn move_input(&self, at: Instant, input: InputId, to: Level) {
        let mut state = self.0.borrow_mut();
        if !state.set_input(input, to) || !state.open {
            return;
        }
        if !state.lost.is_empty() || state.edges.len() >= KERNEL_BUFFER {
            // All edges are lost until the rest has been taken, so that what is lost has one place in the order.
            *state.lost.entry(input).or_default() += 1;
        } else {
            state.edges.push_back(Captured { at, input: Input::Edge { input, level: to } });
        }
        state.wake();
    }

    /// An input's line moves, and the kernel has no room for its edges.
    pub fn lose(&self, at: Instant, input: InputId, lost: u32, to: Level) {
        let mut state = self.0.borrow_mut();
        if state.set_input(input, to) && state.open {
            let why = OverrunWhy::Kernel;
            state.edges.push_back(Captured { at, input: Input::Overrun { input: Some(input), lost, why } });
            state.wake();
        }
    }

    /// The logical level of an input's line.
    #[must_use]
    pub fn input(&self, input: InputId) -> Option<Level> {
        let state = self.0.borrow();
        state.inputs.get(input.index()).map(|wire| state.level(wire))
    }

    /// The logical level of an output's line.
    #[must_use]
    pub fn output(&self, output: OutputId) -> Option<Level> {
        let state = self.0.borrow();
        state.outputs.get(output.index()).map(|wire| state.level(wire))
    }

    /// An output's hardware breaks, or is mended.
    pub fn set_hardware(&self, output: OutputId, works: bool) {
        let mut state = self.0.borrow_mut();
        let Some((line, _)) = state.outputs.get(output.index()).cloned() else { return };
        if works {
            state.broken.remove(&line);
        } else {
            state.broken.insert(line);
        }
    }
}

impl State {
    fn level(&self, (line, active): &(Line, Active)) -> Level {
        let high = self.high.get(line).copied().unwrap_or_default();
        Level::from_bool(high == (*active == Active::High))
    }

    /// False if the program has no such input.
    fn set_input(&mut self, input: InputId, to: Level) -> bool {
        let Some((line, active)) = self.inputs.get(input.index()) else { return false };
        self.high.insert(line.clone(), to.is_on() == (*active == Active::High));
        true
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

fn line(board: &str, line: &campanile_delivery::symbols::Line) -> Line {
    (board.to_owned(), line.to_string())
}

impl Edges for Board {
    fn next(&mut self) -> Option<Captured> {
        let mut state = self.0.borrow_mut();
        state.edges.pop_front().or_else(|| {
            let (input, lost) = state.lost.pop_first()?;
            let at = Instant::from_micros(campanile_clock::now_us());
            Some(Captured { at, input: Input::Overrun { input: Some(input), lost, why: OverrunWhy::Kernel } })
        })
    }

    async fn ready(&mut self) {
        poll_fn(|context| {
            let mut state = self.0.borrow_mut();
            if state.edges.is_empty() && state.lost.is_empty() {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }
}

impl Outputs for Board {
    fn set(&mut self, output: OutputId, level: Level) -> Result<(), Refused> {
        let mut state = self.0.borrow_mut();
        let (line, active) = state.outputs.get(output.index()).cloned().ok_or(Refused)?;
        if state.broken.contains(&line) {
            return Err(Refused);
        }
        state.high.insert(line, level.is_on() == (active == Active::High));
        Ok(())
    }

    fn read(&mut self, input: InputId) -> Option<Level> {
        self.input(input)
    }
}
