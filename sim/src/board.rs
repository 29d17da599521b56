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
use campanile_core::input::{Input, LevelWhy, OverrunWhy};
use campanile_core::program::image::Image;
use campanile_core::program::verify::LoadError;
use campanile_core::program::{InputDef, OutputDef};
use campanile_core::runner::{Captured, Edges, Outputs, Refused};
use campanile_core::time::Instant;
use campanile_delivery::RecordId;
use campanile_delivery::satellite::{Mirror, Move};
use campanile_delivery::symbols::{self, Active};

use crate::house::House;

/// So many edges the kernel keeps: the most that it allows for one line is 16 times 64.
pub const KERNEL_BUFFER: usize = 1024;

/// A board that several may hold: the loop, and whoever moves its lines.
#[derive(Clone, Default)]
pub struct Board(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    /// Every line that some program has, by what programs know it by, and its place in `high`.
    lines: BTreeMap<u32, usize>,
    /// Whether a line has its high voltage.
    high: Vec<bool>,
    /// The lines of the program's inputs.
    inputs: Vec<Wire>,
    /// The lines of the program's outputs.
    outputs: Vec<Wire>,
    /// Somebody listens to the inputs.
    open: bool,
    edges: VecDeque<Edge>,
    /// How many of the edges, the last ones, are captured and cannot be read yet.
    hidden: usize,
    /// Edges that found the buffer full, by line.
    lost: BTreeMap<usize, u32>,
    broken: BTreeSet<usize>,
    /// Boards that are satellites, by their names.
    satellites: BTreeMap<String, Satellite>,
    /// Lines that are there.
    elsewhere: BTreeMap<usize, (Satellite, String)>,
    /// The outputs among them, each with its safe level.
    driven: Vec<(Satellite, String, Level)>,
    waker: Option<Waker>,
}

/// The lines of a satellite as the process has them: what it knows of them, and wants.
pub(crate) type Satellite = Rc<RefCell<Mirror>>;

/// What a process was told of an input that is a satellite's.
pub(crate) struct Told {
    /// As the program that runs has it.
    pub(crate) input: InputId,
    /// What the satellite calls it.
    pub(crate) name: String,
    pub(crate) at: Instant,
    pub(crate) level: Level,
    /// It moved, or else was found there.
    pub(crate) moved: bool,
    /// The record that told so, while that was young.
    pub(crate) record: Option<RecordId>,
}

/// What the kernel captured.
#[derive(Clone, Copy)]
struct Edge {
    at: Instant,
    line: usize,
    high: bool,
    what: What,
}

/// What came of a line.
#[derive(Clone, Copy)]
enum What {
    /// It moved.
    Moved,
    /// Instead of this edge, so many were lost.
    Lost(u32),
    /// It is there, and nobody knew.
    Found,
}

/// How a program sees a line.
#[derive(Clone, Copy)]
struct Wire {
    line: usize,
    active: Active,
}

impl Board {
    /// Points a program's ids at lines. Lines that nobody has moved yet are off. An image that nobody can read has none.
    pub fn wire(&self, House { image, symbols, .. }: &House) {
        let mut state = self.0.borrow_mut();
        let (inputs, outputs) = lines(image).unwrap_or_default();
        let inputs = inputs.into_iter().zip(&symbols.inputs);
        state.inputs = inputs.map(|(line, input)| state.solder(line, input.active)).collect();
        let outputs = outputs.into_iter().zip(&symbols.outputs);
        state.outputs = outputs.map(|(line, output)| state.solder(line, output.active)).collect();
        state.elsewhere.clear();
        let driven = std::mem::take(&mut state.driven);
        for (at, input) in state.inputs.clone().into_iter().zip(&symbols.inputs) {
            if let Some((lines, name)) = state.install(at, &input.board, &input.line) {
                lines.borrow_mut().open_input(&name);
            }
        }
        for (at, output) in state.outputs.clone().into_iter().zip(&symbols.outputs) {
            if let Some((lines, name)) = state.install(at, &output.board, &output.line) {
                lines.borrow_mut().open_output(&name, output.safe);
                state.driven.push((lines, name, output.safe));
            }
        }
        // As the daemon does: what nobody drives any more is safe.
        for (lines, name, safe) in driven {
            let is_kept =
                |(other, known, _): &(Satellite, String, Level)| Rc::ptr_eq(other, &lines) && *known == name;
            if !state.driven.iter().any(is_kept) {
                lines.borrow_mut().set(&name, safe);
            }
        }
    }

    /// The process that listened is gone, and its buffer with it; or another one listens from now on.
    pub fn listen(&self, open: bool) {
        let mut state = self.0.borrow_mut();
        state.open = open;
        state.forget();
        state.waker = None;
    }

    /// A process has a satellite behind a board from now on: its lines are there, and known as far as it has said.
    pub(crate) fn attach(&self, board: &str, lines: Satellite) {
        let mut state = self.0.borrow_mut();
        state.satellites.insert(board.to_owned(), lines);
    }

    /// A satellite has told of its inputs, and so is the program that runs. Gives what it was told.
    pub(crate) fn relay(&self, lines: &Satellite) -> Vec<Told> {
        let mut state = self.0.borrow_mut();
        let mut told = Vec::new();
        for (id, wire) in (0u8..).map(InputId).zip(state.inputs.clone()) {
            let Some((at_home, name)) = state.elsewhere.get(&wire.line).cloned() else { continue };
            if !Rc::ptr_eq(&at_home, lines) {
                continue;
            }
            let mut news = Vec::new();
            let lost = lines.borrow_mut().take(&name, |of| news.push(of));
            for of in news {
                let (at, level, record, what) = match of {
                    Move::Edge { at, level, record } => (at, level, record, What::Moved),
                    Move::Found { at, level } => (at, level, None, What::Found),
                };
                let moved = matches!(what, What::Moved);
                told.push(Told { input: id, name: name.clone(), at, level, moved, record });
                state.put(wire, at, level, what);
            }
            if lost > 0 {
                let level = state.level(wire);
                state.put(wire, Instant::from_micros(campanile_clock::now_us()), level, What::Lost(lost));
            }
        }
        state.wake();
        told
    }

    /// The power is gone: outputs fall to their low voltage.
    pub fn power_off(&self) {
        self.listen(false);
        let mut state = self.0.borrow_mut();
        let State { outputs, high, .. } = &mut *state;
        outputs.iter().for_each(|wire| high[wire.line] = false);
    }

    /// An input's line moves; the edge is captured if anybody listens. Says whether that was so.
    pub fn move_input(&self, at: Instant, input: InputId, to: Level) -> bool {
        let captured = self.capture(at, input, to);
        self.reveal(at);
        captured
    }

    /// As [`move_input`](Self::move_input), but that the edge cannot be read before [`reveal`](Self::reveal): a kernel
    /// takes some time from the stamp to the reader.
    pub fn capture(&self, at: Instant, input: InputId, to: Level) -> bool {
        let mut state = self.0.borrow_mut();
        let Some(line) = state.set_input(input, to).filter(|_| state.open) else { return false };
        if !state.lost.is_empty() || state.edges.len() >= KERNEL_BUFFER {
            // All edges are lost until the rest has been taken, so that what is lost has one place in the order.
            *state.lost.entry(line).or_default() += 1;
        } else {
            let high = state.high[line];
            state.edges.push_back(Edge { at, line, high, what: What::Moved });
            state.hidden += 1;
        }
        true
    }

    /// All edges captured up to `to` can be read.
    pub fn reveal(&self, to: Instant) {
        let mut state = self.0.borrow_mut();
        let later = state.edges.iter().rev().take_while(|edge| edge.at > to).count();
        state.hidden = state.hidden.min(later);
        state.wake();
    }

    /// An input's line moves, and the kernel has no room for its edges. Says whether anybody listens.
    pub fn lose(&self, at: Instant, input: InputId, lost: u32, to: Level) -> bool {
        let mut state = self.0.borrow_mut();
        let Some(line) = state.set_input(input, to).filter(|_| state.open) else { return false };
        let high = state.high[line];
        state.edges.push_back(Edge { at, line, high, what: What::Lost(lost) });
        state.hidden = 0;
        state.wake();
        true
    }

    /// The logical level of an input's line; of a satellite's, what the process was told last, `None` before that.
    #[must_use]
    pub fn input(&self, input: InputId) -> Option<Level> {
        let state = self.0.borrow();
        let wire = state.inputs.get(input.index())?;
        match state.elsewhere.get(&wire.line) {
            Some((lines, name)) => lines.borrow().told(name),
            None => Some(state.level(*wire)),
        }
    }

    /// The logical level of an output's line; of a satellite's, what it is to be.
    #[must_use]
    pub fn output(&self, output: OutputId) -> Option<Level> {
        let state = self.0.borrow();
        let wire = state.outputs.get(output.index())?;
        match state.elsewhere.get(&wire.line) {
            Some((lines, name)) => lines.borrow().wanted(name),
            None => Some(state.level(*wire)),
        }
    }

    /// An output's hardware breaks, or is mended.
    pub fn set_hardware(&self, output: OutputId, works: bool) {
        let mut state = self.0.borrow_mut();
        let Some(&Wire { line, .. }) = state.outputs.get(output.index()) else { return };
        if works {
            state.broken.remove(&line);
        } else {
            state.broken.insert(line);
        }
    }
}

impl State {
    /// A line on this board may be a satellite's: whose, and its name there.
    fn install(&mut self, wire: Wire, board: &str, line: &symbols::Line) -> Option<(Satellite, String)> {
        let elsewhere = (Rc::clone(self.satellites.get(board)?), line.to_string());
        self.elsewhere.insert(wire.line, elsewhere.clone());
        Some(elsewhere)
    }

    /// Somebody has captured this.
    fn put(&mut self, wire: Wire, at: Instant, level: Level, what: What) {
        self.set(wire, level);
        let high = self.high[wire.line];
        // Nothing is captured before what can be read already.
        self.hidden = 0;
        self.edges.push_back(Edge { at, line: wire.line, high, what });
    }

    /// The place of a line, which is off if it is new.
    fn solder(&mut self, line: u32, active: Active) -> Wire {
        let new = self.high.len();
        let line = *self.lines.entry(line).or_insert(new);
        if line == new {
            self.high.push(active == Active::Low);
        }
        Wire { line, active }
    }

    fn level(&self, wire: Wire) -> Level {
        Level::from_bool(self.high[wire.line] == (wire.active == Active::High))
    }

    fn set(&mut self, wire: Wire, to: Level) {
        self.high[wire.line] = to.is_on() == (wire.active == Active::High);
    }

    /// The line; `None` if the program has no such input.
    fn set_input(&mut self, input: InputId, to: Level) -> Option<usize> {
        let wire = *self.inputs.get(input.index())?;
        self.set(wire, to);
        Some(wire.line)
    }

    /// The program's input on a line.
    fn input_on(&self, line: usize) -> Option<(InputId, Wire)> {
        let place = self.inputs.iter().position(|wire| wire.line == line)?;
        Some((InputId(u8::try_from(place).ok()?), self.inputs[place]))
    }

    /// What the program makes of what was captured; nothing of a line that it does not watch.
    fn told(&self, Edge { at, line, high, what }: Edge) -> Option<Captured> {
        let (input, wire) = self.input_on(line)?;
        let level = Level::from_bool(high == (wire.active == Active::High));
        let input = match what {
            What::Moved => Input::Edge { input, level },
            What::Found => Input::Level { input, level, why: LevelWhy::Gap },
            What::Lost(lost) => Input::Overrun { input: Some(input), lost, why: OverrunWhy::Kernel },
        };
        Some(Captured { at, input })
    }

    fn forget(&mut self) {
        self.edges.clear();
        self.hidden = 0;
        self.lost.clear();
    }

    fn readable(&self) -> usize {
        self.edges.len() - self.hidden
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// What a program knows the lines of its inputs by, and those of its outputs: a hash of the hardware, whatever a file calls it.
fn lines(image: &[u8]) -> Result<(Vec<u32>, Vec<u32>), LoadError> {
    let mut image = Image::open(image)?;
    let counts = image.counts;
    let inputs = (0..counts.inputs).map(|_| Ok(image.item::<InputDef>()?.line)).collect::<Result<_, _>>()?;
    let outputs = (0..counts.outputs).map(|_| Ok(image.item::<OutputDef>()?.line));
    Ok((inputs, outputs.collect::<Result<_, _>>()?))
}

impl Edges for Board {
    fn next(&mut self) -> Option<Captured> {
        let mut state = self.0.borrow_mut();
        while state.readable() > 0 {
            let edge = state.edges.pop_front()?;
            if let Some(captured) = state.told(edge) {
                return Some(captured);
            }
        }
        if !state.edges.is_empty() {
            return None;
        }
        let at = Instant::from_micros(campanile_clock::now_us());
        while let Some((line, lost)) = state.lost.pop_first() {
            if let Some(captured) = state.told(Edge { at, line, high: false, what: What::Lost(lost) }) {
                return Some(captured);
            }
        }
        None
    }

    async fn ready(&mut self) {
        poll_fn(|context| {
            let mut state = self.0.borrow_mut();
            if state.readable() == 0 && (state.lost.is_empty() || !state.edges.is_empty()) {
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
        let wire = state.outputs.get(output.index()).copied().ok_or(Refused)?;
        if let Some((lines, name)) = state.elsewhere.get(&wire.line) {
            return if lines.borrow_mut().set(name, level) { Ok(()) } else { Err(Refused) };
        }
        if state.broken.contains(&wire.line) {
            return Err(Refused);
        }
        state.set(wire, level);
        Ok(())
    }

    fn read(&mut self, input: InputId) -> Option<Level> {
        let state = self.0.borrow();
        let wire = state.inputs.get(input.index())?;
        match state.elsewhere.get(&wire.line) {
            Some((lines, name)) => lines.borrow_mut().read(name),
            None => Some(state.level(*wire)),
        }
    }
}
