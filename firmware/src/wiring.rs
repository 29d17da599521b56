//! Which pin is which input or output of the program that runs: what its bundle says, in the words of this board.

use core::cell::RefCell;

use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::link::Verdict;
use campanile_core::link::bundle::{self, Bundle, Pull};
use campanile_core::program::image;
use critical_section::Mutex;
use heapless::Vec;

use crate::board::{Board, This};
use crate::edges::{self, EDGES};
use crate::{INPUTS, OUTPUTS, clock};

/// An input's pin.
#[derive(Clone, Copy)]
pub(crate) struct Input {
    pub(crate) pin: u8,
    pub(crate) active_low: bool,
    pub(crate) pull: Pull,
}

/// An output's pin.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) pin: u8,
    pub(crate) active_low: bool,
    /// The logical level that does no harm.
    pub(crate) safe: bool,
    /// It takes that level when the link dies over which it was switched.
    #[cfg_attr(
        not(feature = "link"),
        expect(dead_code, reason = "without a link nothing is switched over it")
    )]
    pub(crate) safe_without_link: bool,
}

/// A pin's bit in a set of pins.
pub(crate) const fn pin_bit(pin: u8) -> u64 {
    1 << pin
}

/// The pins of a program.
pub(crate) struct Wiring {
    /// The hash of its image.
    pub(crate) program: u64,
    pub(crate) inputs: Vec<Input, INPUTS>,
    pub(crate) outputs: Vec<Output, OUTPUTS>,
    /// How many programs had the pins before this one.
    pub(crate) generation: u32,
}

pub(crate) static WIRING: Mutex<RefCell<Wiring>> = Mutex::new(RefCell::new(Wiring::new()));

impl Wiring {
    const fn new() -> Self {
        Self { program: 0, inputs: Vec::new(), outputs: Vec::new(), generation: 0 }
    }

    /// What a bundle says, with this board's pins.
    ///
    /// # Errors
    /// It asks for what this board has not.
    pub(crate) fn of(bundle: &Bundle<'_>) -> Result<Self, Verdict> {
        let mut wiring = Self { program: image::hash(bundle.image), ..Self::new() };
        for bundle::Input { line, active_low, pull } in bundle.inputs() {
            if pull != Pull::None && !This::PULLS.contains(&pull) {
                return Err(Verdict::UnknownPull);
            }
            let input = Input { pin: wiring.free(pin(line)?)?, active_low, pull };
            wiring.inputs.push(input).map_err(|_| Verdict::NoRoom)?;
        }
        for bundle::Output { line, active_low, safe_on, safe_without_link } in bundle.outputs() {
            let output =
                Output { pin: wiring.free(pin(line)?)?, active_low, safe: safe_on, safe_without_link };
            wiring.outputs.push(output).map_err(|_| Verdict::NoRoom)?;
        }
        Ok(wiring)
    }

    /// A pin that nobody has: neither the board for itself, nor another line, which may be the same one by another name.
    fn free(&self, pin: u8) -> Result<u8, Verdict> {
        let mut used =
            self.inputs.iter().map(|input| input.pin).chain(self.outputs.iter().map(|out| out.pin));
        if This::RESERVED.contains(&pin) || used.any(|used| used == pin) {
            return Err(Verdict::TakenLine);
        }
        Ok(pin)
    }

    /// Sets up the pins: outputs have their safe levels from the first moment on. Those that were outputs before keep the
    /// level that they have; those that are no more stay at their safe levels, unless they are inputs now. Inputs that are no
    /// more interrupt no more.
    pub(crate) fn connect(mut self) {
        critical_section::with(|cs| {
            let before = &mut *WIRING.borrow_ref_mut(cs);
            self.generation = before.generation.wrapping_add(1);
            for old in &before.outputs {
                if !self.outputs.iter().any(|output| output.pin == old.pin) {
                    old.drive(old.safe);
                }
            }
            for old in &before.inputs {
                if !self.inputs.iter().any(|input| input.pin == old.pin) {
                    This::release(old.pin);
                }
            }
            for output in &self.outputs {
                if !before.outputs.iter().any(|old| old.pin == output.pin) {
                    This::output(output.pin, output.safe != output.active_low);
                }
            }
            for input in &self.inputs {
                This::input(input.pin, input.pull);
                if !before.inputs.iter().any(|old| old.pin == input.pin) {
                    edges::begin(input.pin);
                }
            }
            // An edge that waits is one of the new program's, if that has its line.
            EDGES.renumber(clock::now(), &before.inputs, &self.inputs, Input::is_same);
            *before = self;
        });
    }
}

impl Input {
    /// Whether two programs know a line in the same way: an edge of it is one for both.
    fn is_same(&self, other: &Self) -> bool {
        (self.pin, self.active_low) == (other.pin, other.active_low)
    }

    /// The logical level that its pin's is.
    pub(crate) fn level(&self, high: bool) -> Level {
        Level::from_bool(high != self.active_low)
    }
}

impl Output {
    pub(crate) fn drive(&self, on: bool) {
        This::drive(self.pin, on != self.active_low);
    }
}

/// The wiring of a program that is about to take over.
static NEXT: Mutex<RefCell<Option<Wiring>>> = Mutex::new(RefCell::new(None));

/// The program of this bundle is about to take over, if the board has its pins: gives its image.
pub(crate) fn prepare<'a>(bundle: Bundle<'a>) -> Option<&'a [u8]> {
    let next = Wiring::of(&bundle).ok()?;
    critical_section::with(|cs| NEXT.replace(cs, Some(next)));
    Some(bundle.image)
}

/// It has.
pub(crate) fn swap() {
    if let Some(next) = critical_section::with(|cs| NEXT.take(cs)) {
        next.connect();
    }
}

/// Nobody decides any more: takes all outputs to their safe levels. Called from anywhere, after a panic too.
pub(crate) fn make_safe() {
    critical_section::with(|cs| {
        if let Ok(wiring) = WIRING.borrow(cs).try_borrow() {
            wiring.outputs.iter().for_each(|output| output.drive(output.safe));
        }
    });
}

/// Looks at the pins of the program that runs.
pub(crate) fn with<T>(f: impl FnOnce(&Wiring) -> T) -> T {
    critical_section::with(|cs| f(&WIRING.borrow_ref(cs)))
}

pub(crate) fn input(id: InputId) -> Option<Input> {
    with(|wiring| wiring.inputs.get(id.index()).copied())
}

pub(crate) fn output(id: OutputId) -> Option<Output> {
    with(|wiring| wiring.outputs.get(id.index()).copied())
}

/// The pin of a line: a name that the board gives it, or its number.
fn pin(line: &str) -> Result<u8, Verdict> {
    let named = This::LINES.iter().find(|(name, _)| *name == line).map(|(_, pin)| *pin);
    let numbered = || line.parse().ok().filter(|pin| u32::from(*pin) < This::PINS);
    named.or_else(numbered).ok_or(Verdict::UnknownLine)
}
