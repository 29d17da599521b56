//! Edges between pins that interrupt and the loop, against a board that remembers all that its interrupts have seen: each edge
//! comes in order and with its stamp or is counted as lost, a pin interrupts unless its edges find no room or it is masked,
//! and behind what was lost the loop knows each level.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};

use campanile_core::id::{InputId, Level};
use campanile_core::input::{Input, OverrunWhy};
use campanile_core::runner::{Captured, EdgeQueue, Edges as _, Interrupts, PinEdges};
use campanile_core::time::{Duration, Instant};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use proptest::prelude::*;

use crate::tape::{Tape, cases, tapes};

/// Edges that the queue has room for.
const ROOM: usize = 3;
/// Pins of the board, and the most inputs of a program.
const PINS: usize = 4;

type Queue = EdgeQueue<NoopRawMutex, ROOM, PINS>;

#[derive(Clone, Default)]
struct Pin {
    level: Cell<Level>,
    /// It has moved, whether it may interrupt or not, and nobody has looked.
    asks: Cell<bool>,
    enabled: Cell<bool>,
}

/// The hardware, and the program's inputs on it.
struct Board {
    pins: [Pin; PINS],
    inputs: RefCell<Vec<usize>>,
}

impl Board {
    fn pin(&self, input: InputId) -> &Pin {
        &self.pins[self.inputs.borrow()[input.index()]]
    }
}

impl Interrupts for Board {
    fn enable(&self, input: InputId) {
        let pin = self.pin(input);
        if !pin.enabled.replace(true) {
            pin.asks.set(false);
        }
    }

    fn disable(&self, input: InputId) {
        let pin = self.pin(input);
        pin.enabled.set(false);
        pin.asks.set(false);
    }
}

/// What an interrupt has seen.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    at: Instant,
    pin: usize,
    level: Level,
}

/// The board, the loop, and who remembers.
struct Bench<'a> {
    queue: &'a Queue,
    board: &'a Board,
    now: Instant,
    last: Instant,
    /// What the loop has not been told of.
    seen: VecDeque<Seen>,
    /// So many of them, the first ones, found room; since one did not, none does.
    waiting: usize,
    full: bool,
    /// Pins whose edges found no room since the loop had taken everything.
    choked: BTreeSet<usize>,
    /// Edges of lines that were gone before the loop was told of them.
    retired: u32,
    /// Pins that the storm guard has masked.
    masked: BTreeSet<usize>,
    /// What the loop takes the pins' levels to be.
    known: [Level; PINS],
    /// Pins that the loop has to read.
    owed: BTreeSet<usize>,
    /// Interrupts since the loop had taken everything, and edges that it has taken since.
    interrupts: usize,
    taken: usize,
}

impl<'a> Bench<'a> {
    fn new(queue: &'a Queue, board: &'a Board) -> Self {
        Self {
            queue,
            board,
            now: Instant::ZERO,
            last: Instant::ZERO,
            seen: VecDeque::new(),
            waiting: 0,
            full: false,
            choked: BTreeSet::new(),
            retired: 0,
            masked: BTreeSet::new(),
            known: [Level::Off; PINS],
            owed: BTreeSet::new(),
            interrupts: 0,
            taken: 0,
        }
    }

    fn edges(&self) -> PinEdges<'a, NoopRawMutex, Board, ROOM, PINS> {
        PinEdges::new(self.queue, self.board)
    }

    fn moves(&self, pin: usize) {
        let Pin { level, asks, .. } = &self.board.pins[pin];
        level.set(level.get().opposite());
        asks.set(true);
    }

    /// Looks at the pins, if some pin asks that may.
    fn interrupt(&mut self) -> Result<(), TestCaseError> {
        let inputs = self.board.inputs.borrow().clone();
        let pins = &self.board.pins;
        if !inputs.iter().any(|pin| pins[*pin].asks.get() && pins[*pin].enabled.get()) {
            return Ok(());
        }
        self.interrupts += 1;
        for (id, pin) in (0..).map(InputId).zip(inputs) {
            if pins[pin].asks.take() {
                let (at, level) = (self.now, pins[pin].level.get());
                self.seen.push_back(Seen { at, pin, level });
                self.full |= self.waiting == ROOM;
                if self.full {
                    self.choked.insert(pin);
                } else {
                    self.waiting += 1;
                }
                self.queue.interrupt(at, id, level, self.board);
            }
        }
        // As long as there is room each of them brings an edge, and then each disables a pin.
        prop_assert!(self.interrupts <= ROOM + self.taken + PINS, "{} interrupts", self.interrupts);
        Ok(())
    }

    /// The loop asks for an edge. False if there is none.
    fn take(&mut self) -> Result<bool, TestCaseError> {
        let Some(Captured { at, input }) = self.edges().next() else {
            prop_assert_eq!((&self.seen, self.retired), (&VecDeque::new(), 0), "in silence");
            // The loop reads behind this.
            for pin in std::mem::take(&mut self.owed) {
                self.known[pin] = self.board.pins[pin].level.get();
            }
            (self.interrupts, self.taken, self.full) = (0, 0, false);
            self.choked.clear();
            return Ok(false);
        };
        prop_assert!(at >= self.last, "{:?} before {:?}", at, self.last);
        self.last = at;
        self.taken += 1;
        let pin = |input: InputId| self.board.inputs.borrow()[input.index()];
        match input {
            Input::Edge { input, level } => {
                prop_assert_eq!(self.seen.pop_front(), Some(Seen { at, pin: pin(input), level }));
                self.known[pin(input)] = level;
                self.waiting -= 1;
            }
            Input::Overrun { input: Some(input), lost, why: OverrunWhy::Queue } => {
                let pin = pin(input);
                let before = self.seen.len();
                self.seen.retain(|seen| seen.pin != pin);
                prop_assert_eq!(before - self.seen.len(), lost as usize, "of pin {}", pin);
                self.owed.insert(pin);
            }
            Input::Overrun { input: None, lost, why: OverrunWhy::Queue } => {
                prop_assert_eq!(lost, std::mem::take(&mut self.retired));
            }
            other => prop_assert!(false, "{:?}", other),
        }
        Ok(true)
    }

    fn mask(&mut self, input: InputId, masked: bool) {
        let pin = self.board.inputs.borrow()[input.index()];
        self.edges().mask(input, masked);
        if masked {
            self.masked.insert(pin);
        } else {
            self.masked.remove(&pin);
            self.owed.insert(pin);
        }
    }

    fn unmask_all(&mut self) {
        for (id, pin) in (0..).map(InputId).zip(self.board.inputs.borrow().clone()) {
            if self.masked.contains(&pin) {
                self.mask(id, false);
            }
        }
    }

    /// Another program takes over, as in the firmware: all its pins are set up anew, and read.
    fn install(&mut self, inputs: Vec<usize>) {
        self.unmask_all();
        let before = self.board.inputs.replace(inputs.clone());
        for (pin, Pin { asks, enabled, .. }) in self.board.pins.iter().enumerate() {
            let stays = enabled.get() && before.contains(&pin);
            enabled.set(inputs.contains(&pin));
            asks.set(asks.get() && stays && enabled.get());
        }
        self.queue.renumber(self.now, &before, &inputs, PartialEq::eq);
        let before = self.seen.len();
        self.waiting = self.seen.iter().take(self.waiting).filter(|seen| inputs.contains(&seen.pin)).count();
        self.seen.retain(|seen| inputs.contains(&seen.pin));
        let retired = before - self.seen.len();
        self.retired += retired as u32;
        self.full |= retired > 0;
        self.choked.clear();
        self.owed = inputs.into_iter().collect();
    }

    /// A pin interrupts unless its edges find no room, or it is masked.
    fn check(&self) -> Result<(), TestCaseError> {
        for pin in self.board.inputs.borrow().iter() {
            let silent = self.masked.contains(pin) || self.choked.contains(pin);
            prop_assert_eq!(self.board.pins[*pin].enabled.get(), !silent, "pin {} interrupts", pin);
        }
        Ok(())
    }
}

fn every_edge_comes_in_order_or_is_counted(tape: &[u8]) -> Result<(), TestCaseError> {
    let mut tape = Tape::new(tape);
    let board = Board { pins: Default::default(), inputs: RefCell::default() };
    let queue = Queue::new();
    let mut bench = Bench::new(&queue, &board);
    bench.install((0..PINS).collect());
    while !tape.is_empty() {
        bench.now = bench.now.plus(Duration::from_micros(tape.below(3) as u64));
        let inputs = board.inputs.borrow().len();
        match tape.below(16) {
            0..=4 => bench.moves(tape.below(PINS)),
            5..=9 => bench.interrupt()?,
            10..=12 => {
                bench.take()?;
            }
            13 => while bench.take()? {},
            14 if inputs > 0 => bench.mask(InputId(tape.id(inputs)), tape.chance(8)),
            _ if tape.chance(4) => {
                let mut pins: Vec<usize> = (0..PINS).collect();
                let program = (0..tape.below(PINS + 1)).map(|_| pins.remove(tape.below(pins.len())));
                bench.install(program.collect());
            }
            _ => {}
        }
        bench.check()?;
    }
    // Everything comes to rest.
    bench.unmask_all();
    while bench.take()? {}
    bench.interrupt()?;
    while bench.take()? {}
    bench.check()?;
    for pin in board.inputs.borrow().iter() {
        prop_assert_eq!(bench.known[*pin], board.pins[*pin].level.get(), "pin {}", pin);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn edges(tape in tapes(400)) {
        every_edge_comes_in_order_or_is_counted(&tape)?;
    }
}
