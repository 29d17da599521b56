//! What the host holds: the outputs that it was the last to switch. By their pins, as another program may know an output that it
//! takes over by another id.

use campanile_core::decision::{By, Origin};
use campanile_core::id::{Level, OutputId};
use campanile_core::restore::Restore;

use crate::port::Port;

/// See the [module](self). Of programs with `N` outputs at the most.
pub(super) struct Held<const N: usize> {
    /// The pins of the program whose records are looked at. The port's may be those of the next one already.
    outputs: [Option<u8>; N],
    /// A bit for each pin.
    pins: u64,
    /// Records that may have said otherwise are gone: a checkpoint has to tell.
    unsure: bool,
}

impl<const N: usize> Held<N> {
    /// Nothing yet, of the program that is about to start.
    pub(super) fn new(port: &impl Port) -> Self {
        Self { outputs: outputs(port), pins: 0, unsure: false }
    }

    /// An output was switched.
    pub(super) fn switched(&mut self, output: OutputId, by: By) {
        let pin = self.outputs.get(output.index()).map_or(0, |pin| pin.map_or(0, bit));
        if by == (By::Command { origin: Origin::Link }) { self.pins |= pin } else { self.pins &= !pin }
    }

    /// Another program has taken over: the host holds no pin that is no output any more.
    pub(super) fn rewired(&mut self, port: &impl Port) {
        self.outputs = outputs(port);
        self.pins &= self.outputs.iter().flatten().fold(0, |pins, pin| pins | bit(*pin));
    }

    /// Who has switched what is not known any more.
    pub(super) const fn doubt(&mut self) {
        self.unsure = true;
    }

    /// Whether it is.
    pub(super) const fn is_known(&self) -> bool {
        !self.unsure
    }

    /// Takes an item of a checkpoint, which begins with its [`Head`](Restore::Head).
    pub(super) fn checkpoint(&mut self, item: &Restore) {
        match *item {
            Restore::Head { .. } if self.unsure => self.pins = 0,
            Restore::Output { output, by, .. } if self.unsure => self.switched(output, by),
            _ => {}
        }
    }

    /// That was the last item.
    pub(super) const fn checkpoint_done(&mut self) {
        self.unsure = false;
    }

    /// An output that the host holds and that is to be safe without it, and that level; it is held no more.
    pub(super) fn take_unsafe(&mut self, port: &impl Port) -> Option<(OutputId, Level)> {
        let (id, pin, level) = (0..).map(OutputId).take(N).find_map(|id| {
            let output = port.output(id).filter(|output| self.pins & bit(output.pin) != 0)?;
            Some((id, output.pin, output.safe_without_link?))
        })?;
        self.pins &= !bit(pin);
        Some((id, level))
    }
}

/// The pins of the outputs that the program of now has.
fn outputs<const N: usize>(port: &impl Port) -> [Option<u8>; N] {
    let mut ids = (0..).map(OutputId);
    core::array::from_fn(|_| Some(port.output(ids.next()?)?.pin))
}

fn bit(pin: u8) -> u64 {
    1_u64.checked_shl(pin.into()).unwrap_or(0)
}
