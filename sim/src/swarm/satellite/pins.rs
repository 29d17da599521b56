//! The pins of a satellite's inputs. They interrupt as the firmware's do (`firmware/src/edges.rs`), into the queue that ships;
//! like any interrupt somewhat after the pin has moved, and in the middle of what the loop does, too. In a storm that queue
//! disables them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use campanile_core::id::{InputId, Level, MAX_INPUTS};
use campanile_core::runner::{Captured, EdgeQueue, Edges, Interrupts, PinEdges};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::symbols::Active;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;

use super::programs::Programs;
use crate::board::Board;
use crate::node;
use crate::prng::Prng;
use crate::swarm::plan::{SatellitePlan, Waiting};

/// See the [module](self). Of one start.
pub(super) struct Pins {
    board: Board,
    programs: Rc<Programs>,
    queue: Box<dyn Queue>,
    state: RefCell<State>,
}

struct State {
    /// The inputs of the program that runs.
    inputs: Vec<Input>,
    /// Lines whose pins have moved, and nobody has looked. Those of disabled pins are seen when another pin interrupts.
    asking: BTreeSet<usize>,
    /// Lines whose pins do not interrupt.
    disabled: BTreeSet<usize>,
    /// No pin can be kept from it.
    unmaskable: bool,
    /// Then somebody looks, at the latest.
    due: Instant,
    /// That is at most so much later.
    latency: Duration,
    draws: Prng,
    pushed: Vec<Pushed>,
}

/// How a program sees a pin.
#[derive(Clone, Copy, PartialEq)]
struct Input {
    line: usize,
    active: Active,
}

/// An edge that an interrupt has seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pushed {
    pub(super) line: usize,
    pub(super) at: Instant,
    pub(super) level: Level,
}

impl Pins {
    /// The inputs of this program, of an engine that has room for so many.
    pub(super) fn new(
        board: &Board,
        programs: &Rc<Programs>,
        program: u64,
        (plan, room): (&SatellitePlan, u8),
        draws: Prng,
    ) -> Self {
        let state = State {
            inputs: inputs(programs, program),
            asking: BTreeSet::new(),
            disabled: BTreeSet::new(),
            unmaskable: plan.unmaskable,
            due: Instant::NEVER,
            latency: Duration::from_micros(plan.interrupt),
            draws,
            pushed: Vec::new(),
        };
        let queue = match room {
            0..=4 => queue::<4>(plan.waiting),
            5..=16 => queue::<16>(plan.waiting),
            _ => queue::<MAX_INPUTS>(plan.waiting),
        };
        Self { board: board.clone(), programs: Rc::clone(programs), queue, state: RefCell::new(state) }
    }

    /// A pin has moved, and asks for an interrupt.
    pub(super) fn moved(&self, line: usize) {
        let mut state = self.state.borrow_mut();
        let State { asking, disabled, due, latency, draws, .. } = &mut *state;
        asking.insert(line);
        if !disabled.contains(&line) {
            *due = (*due).min(node::now().plus(Duration::from_micros(draws.below(latency.micros() + 1))));
        }
    }

    /// When somebody looks at pins that ask.
    pub(super) fn due(&self) -> Instant {
        self.state.borrow().due
    }

    /// An interrupt, if some pin asks that may: looks at all that ask. One that moved there and back is an edge too, to the
    /// level that it has again.
    pub(super) fn interrupt(&self) {
        let (asking, inputs, at) = {
            let mut state = self.state.borrow_mut();
            state.due = Instant::NEVER;
            if !state.interrupts() {
                return;
            }
            (std::mem::take(&mut state.asking), state.inputs.clone(), node::now())
        };
        for (id, Input { line, .. }) in (0..).map(InputId).zip(inputs) {
            if asking.contains(&line) {
                let level = self.board.input(id).unwrap_or_default();
                self.queue.interrupt(at, id, level, self);
                self.state.borrow_mut().pushed.push(Pushed { line, at, level });
            }
        }
    }

    /// Another program takes over, whose ids the board knows already: the firmware's `Wiring::connect`.
    pub(super) fn installed(&self, program: u64) {
        let mut state = self.state.borrow_mut();
        let before = std::mem::replace(&mut state.inputs, inputs(&self.programs, program));
        // Every pin is set up anew.
        state.disabled.clear();
        state.asking.clear();
        self.queue.renumber(node::now(), &before, &state.inputs);
    }

    /// What interrupts have seen since the last call.
    pub(super) fn pushed(&self) -> Vec<Pushed> {
        std::mem::take(&mut self.state.borrow_mut().pushed)
    }

    /// Whether there is an interrupt while the loop is at work.
    fn interrupts_now(&self) -> bool {
        let mut state = self.state.borrow_mut();
        state.interrupts() && state.draws.chance(1, 2)
    }
}

impl State {
    /// Whether a pin asks for an interrupt that may.
    fn interrupts(&self) -> bool {
        !self.asking.is_subset(&self.disabled)
    }
}

impl Interrupts for Pins {
    fn enable(&self, input: InputId) {
        let State { inputs, asking, disabled, .. } = &mut *self.state.borrow_mut();
        if let Some(Input { line, .. }) = inputs.get(input.index())
            && disabled.remove(line)
        {
            asking.remove(line);
        }
    }

    fn disable(&self, input: InputId) {
        let State { inputs, asking, disabled, unmaskable, .. } = &mut *self.state.borrow_mut();
        if let Some(Input { line, .. }) = inputs.get(input.index()).filter(|_| !*unmaskable) {
            disabled.insert(*line);
            asking.remove(line);
        }
    }
}

/// One program takes over from another.
pub(super) struct Takeover {
    before: Vec<Input>,
    now: Vec<Input>,
}

impl Takeover {
    pub(super) fn of(programs: &Programs, before: u64, now: u64) -> Self {
        Self { before: inputs(programs, before), now: inputs(programs, now) }
    }

    /// The id that an input has from now on, if it is one still.
    pub(super) fn new_id(&self, old: InputId) -> Option<InputId> {
        let place = self.now.iter().position(|new| Some(new) == self.before.get(old.index()))?;
        u8::try_from(place).ok().map(InputId)
    }

    /// The lines of those that are none any more.
    pub(super) fn gone(&self) -> impl Iterator<Item = usize> {
        self.before.iter().filter(|old| !self.now.contains(old)).map(|old| old.line)
    }
}

/// The inputs of a program.
fn inputs(programs: &Programs, program: u64) -> Vec<Input> {
    let lines = programs.rules(program).map_or(&[][..], |rules| &rules.lines);
    let symbols = programs.symbols(program).map_or(&[][..], |symbols| &symbols.inputs);
    lines.iter().zip(symbols).map(|(line, input)| Input { line: *line, active: input.active }).collect()
}

impl Edges for &Pins {
    fn next(&mut self) -> Option<Captured> {
        let next = self.queue.next(self);
        // While the loop is at work on what it has taken, or right behind its last look.
        if self.interrupts_now() {
            self.interrupt();
        }
        next
    }

    async fn ready(&mut self) {
        poll_fn(|context| self.queue.poll_ready(context)).await;
    }

    fn mask(&mut self, input: InputId, masked: bool) {
        self.queue.mask(input, masked, self);
    }
}

/// The queue, whatever it has room for.
trait Queue {
    fn interrupt(&self, at: Instant, input: InputId, level: Level, pins: &Pins);
    fn renumber(&self, at: Instant, before: &[Input], now: &[Input]);
    fn next(&self, pins: &Pins) -> Option<Captured>;
    fn mask(&self, input: InputId, masked: bool, pins: &Pins);
    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()>;
}

impl<const N: usize, const INPUTS: usize> Queue for EdgeQueue<NoopRawMutex, N, INPUTS> {
    fn interrupt(&self, at: Instant, input: InputId, level: Level, pins: &Pins) {
        self.interrupt(at, input, level, pins);
    }

    fn renumber(&self, at: Instant, before: &[Input], now: &[Input]) {
        self.renumber(at, before, now, PartialEq::eq);
    }

    fn next(&self, pins: &Pins) -> Option<Captured> {
        PinEdges::new(self, pins).next()
    }

    fn mask(&self, input: InputId, masked: bool, pins: &Pins) {
        PinEdges::new(self, pins).mask(input, masked);
    }

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        pin!(Edges::ready(&mut &*self)).poll(context)
    }
}

fn queue<const INPUTS: usize>(waiting: Waiting) -> Box<dyn Queue> {
    match waiting {
        Waiting::Firmware => Box::new(EdgeQueue::<_, { Waiting::Firmware.edges() }, INPUTS>::new()),
        Waiting::Few => Box::new(EdgeQueue::<_, { Waiting::Few.edges() }, INPUTS>::new()),
        Waiting::One => Box::new(EdgeQueue::<_, { Waiting::One.edges() }, INPUTS>::new()),
    }
}
