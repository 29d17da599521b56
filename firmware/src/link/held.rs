//! What the host holds: the outputs that it was the last to switch. By their pins, as another program may know an output that it
//! takes over by another id.

use campanile_core::id::{Level, OutputId};
use heapless::Vec;

use crate::OUTPUTS;
use crate::wiring::{self, pin_bit};

/// See the [module](self).
pub(super) struct Held {
    /// The outputs of the program whose records are looked at. The wiring may be that of the next one already.
    outputs: Vec<u8, OUTPUTS>,
    /// A bit for each pin.
    pins: u64,
}

impl Held {
    /// Nothing yet, of the program that is about to start.
    pub(super) fn new() -> Self {
        Self { outputs: outputs(), pins: 0 }
    }

    /// An output was switched, by the host or by somebody else.
    pub(super) fn switched(&mut self, output: OutputId, by_host: bool) {
        let pin = self.outputs.get(output.index()).map_or(0, |pin| pin_bit(*pin));
        if by_host { self.pins |= pin } else { self.pins &= !pin }
    }

    /// Another program has taken over: the host holds no pin that is no output any more.
    pub(super) fn rewired(&mut self) {
        self.outputs = outputs();
        self.pins &= self.outputs.iter().fold(0, |pins, pin| pins | pin_bit(*pin));
    }

    /// An output that the host holds and that is to be safe without it, and that level; it is held no more.
    pub(super) fn take_unsafe(&mut self) -> Option<(OutputId, Level)> {
        let (id, output) = wiring::with(|wiring| {
            let mut outputs = (0..).map(OutputId).zip(&wiring.outputs);
            let is_held = |pin| self.pins & pin_bit(pin) != 0;
            let found = outputs.find(|(_, output)| output.safe_without_link && is_held(output.pin));
            found.map(|(id, output)| (id, *output))
        })?;
        self.pins &= !pin_bit(output.pin);
        Some((id, Level::from_bool(output.safe)))
    }
}

/// The pins of the outputs that the program of now has.
fn outputs() -> Vec<u8, OUTPUTS> {
    wiring::with(|wiring| wiring.outputs.iter().map(|output| output.pin).collect())
}
