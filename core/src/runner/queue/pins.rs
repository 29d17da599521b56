//! Pins that interrupt, and when they may. One that moves faster than the loop takes its edges interrupts no more until the
//! loop has caught up, and one that the storm guard has masked not before the mask is over: no wire, however it flickers,
//! takes the time of the rest.

use core::mem::take;

use embassy_sync::blocking_mutex::raw::RawMutex;

use super::{Edge, EdgeQueue};
use crate::bits::{bit, take_lowest};
use crate::id::{InputId, Level};
use crate::runner::{Captured, Edges};
use crate::time::Instant;

/// The interrupts of a port's pins, by the ids that the program has for them. Called with the queue locked, from an interrupt
/// and from the loop.
pub trait Interrupts {
    /// The pin interrupts when it moves from now on. What it did before is no reason to: the loop reads its level behind this.
    fn enable(&self, input: InputId);

    /// It does so no more, nor is about to. Nothing to do where that cannot be: edges that come all the same are counted.
    fn disable(&self, input: InputId);
}

impl<M: RawMutex, const N: usize, const INPUTS: usize> EdgeQueue<M, N, INPUTS> {
    /// As [`push`](Self::push), from the interrupt of the input's pin. If the edge is lost, the pin is disabled until
    /// [`PinEdges`] has told of the loss.
    pub fn interrupt(&self, at: Instant, input: InputId, level: Level, pins: &impl Interrupts) {
        self.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
            if !self.enter(&mut lost, Edge { at, input, level }) {
                lost.choked |= bit(input.0);
                pins.disable(input);
            }
        });
    }
}

/// What the loop takes as its [`Edges`] where pins [interrupt](EdgeQueue::interrupt).
pub struct PinEdges<'a, M: RawMutex, P, const N: usize, const INPUTS: usize> {
    queue: &'a EdgeQueue<M, N, INPUTS>,
    pins: &'a P,
}

impl<'a, M: RawMutex, P: Interrupts, const N: usize, const INPUTS: usize> PinEdges<'a, M, P, N, INPUTS> {
    /// Of all pins whose edges come by way of this queue.
    pub const fn new(queue: &'a EdgeQueue<M, N, INPUTS>, pins: &'a P) -> Self {
        Self { queue, pins }
    }
}

impl<M: RawMutex, P: Interrupts, const N: usize, const INPUTS: usize> Edges
    for PinEdges<'_, M, P, N, INPUTS>
{
    fn next(&mut self) -> Option<Captured> {
        self.queue.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
            let next = self.queue.leave(&mut lost);
            if next.is_none() {
                // What was lost is told, and there is room again. The loop reads these lines behind this.
                let mut heard = take(&mut lost.choked) & !lost.masked;
                while let Some(input) = take_lowest(&mut heard) {
                    self.pins.enable(InputId(input));
                }
            }
            next
        })
    }

    async fn ready(&mut self) {
        let mut queue = self.queue;
        queue.ready().await;
    }

    fn mask(&mut self, input: InputId, masked: bool) {
        self.queue.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
            if masked {
                lost.masked |= bit(input.0);
                self.pins.disable(input);
            } else {
                lost.masked &= !bit(input.0);
                if lost.choked & bit(input.0) == 0 {
                    self.pins.enable(input);
                }
            }
        });
    }
}
