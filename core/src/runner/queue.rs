//! A queue of edges between an interrupt and the loop.

mod pins;
#[cfg(test)]
mod tests;

use core::cell::RefCell;

use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_sync::channel::Channel;

use super::{Captured, Edges};
use crate::bits::{Bits, MOST};
use crate::id::{InputId, Level};
use crate::input::{Input, OverrunWhy};
use crate::time::Instant;

pub use pins::{Interrupts, PinEdges};

/// Edges of `INPUTS` inputs, `N` at a time. Lives in a static; the interrupt pushes, the loop takes `&queue` as its
/// [`Edges`].
///
/// When it is full, edges are lost: all of them, until the loop has taken the rest. So the `Overrun` of each input
/// concerned stands behind everything older and in front of everything newer.
pub struct EdgeQueue<M: RawMutex, const N: usize, const INPUTS: usize> {
    edges: Channel<M, Edge, N>,
    lost: Mutex<M, RefCell<Lost<INPUTS>>>,
}

/// What [`Captured`] is made of: that has room for any input, and is four times as large.
#[derive(Clone, Copy)]
struct Edge {
    at: Instant,
    input: InputId,
    level: Level,
}

impl From<Edge> for Captured {
    fn from(Edge { at, input, level }: Edge) -> Self {
        Self { at, input: Input::Edge { input, level } }
    }
}

struct Lost<const INPUTS: usize> {
    /// Of the last one.
    at: Instant,
    any: bool,
    /// By input.
    counts: [u16; INPUTS],
    /// Of inputs that are those of another program now, or of none.
    retired: u32,
    /// Inputs whose pins interrupt no more, as their edges were lost; a bit each.
    choked: Bits,
    /// Inputs whose pins interrupt no more, as the storm guard does not want to hear of them; a bit each.
    masked: Bits,
}

impl<const INPUTS: usize> Lost<INPUTS> {
    /// What was lost of one input, as long as something was.
    fn take(&mut self) -> Option<Captured> {
        let at = self.at;
        let retired = core::mem::take(&mut self.retired);
        if retired > 0 {
            let input = Input::Overrun { input: None, lost: retired, why: OverrunWhy::Queue };
            return Some(Captured { at, input });
        }
        let found = self.counts.iter_mut().enumerate().find(|(_, count)| **count > 0);
        let Some((index, count)) = found else {
            self.any = false;
            return None;
        };
        let (input, count) = (u8::try_from(index).ok()?, core::mem::take(count));
        let input =
            Input::Overrun { input: Some(InputId(input)), lost: u32::from(count), why: OverrunWhy::Queue };
        Some(Captured { at, input })
    }
}

impl<M: RawMutex, const N: usize, const INPUTS: usize> EdgeQueue<M, N, INPUTS> {
    /// An empty queue.
    pub const fn new() -> Self {
        const { assert!(INPUTS <= MOST as usize, "a set of inputs has no room for so many") };
        let lost =
            Lost { at: Instant::ZERO, any: false, counts: [0; INPUTS], retired: 0, choked: 0, masked: 0 };
        Self { edges: Channel::new(), lost: Mutex::new(RefCell::new(lost)) }
    }

    /// An input moved to `level` at `at`. From an interrupt or anywhere. False if that is lost: then all that follows is, too,
    /// until [`next`](Edges::next) has given `None`.
    pub fn push(&self, at: Instant, input: InputId, level: Level) -> bool {
        self.lost.lock(|lost| self.enter(&mut lost.borrow_mut(), Edge { at, input, level }))
    }

    /// See [`push`](Self::push).
    fn enter(&self, lost: &mut Lost<INPUTS>, edge: Edge) -> bool {
        if lost.any || self.edges.try_send(edge).is_err() {
            lost.any = true;
            lost.at = edge.at;
            match lost.counts.get_mut(edge.input.index()) {
                Some(count) => *count = count.saturating_add(1),
                None => lost.retired = lost.retired.saturating_add(1),
            }
        }
        !lost.any
    }

    /// See [`next`](Edges::next).
    fn leave(&self, lost: &mut Lost<INPUTS>) -> Option<Captured> {
        self.edges.try_receive().ok().map(Captured::from).or_else(|| lost.take())
    }

    /// Another program takes over at `at`, and the ids are other lines: those of `now`, and no more those of `before`. What
    /// waits goes on under the id that the `same` line has now. Of a line that has none it is nobody's, and counted as lost.
    /// Where pins interrupt, all of `now` do from here on: whoever calls has set them up.
    pub fn renumber<L>(&self, at: Instant, before: &[L], now: &[L], same: impl Fn(&L, &L) -> bool) {
        let new_id = |old: InputId| {
            let old = before.get(old.index())?;
            (0..).map(InputId).zip(now).find(|(_, new)| same(old, new)).map(|(id, _)| id)
        };
        self.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
            (lost.choked, lost.masked) = (0, 0);
            let mut retired = 0_u32;
            for _ in 0..self.edges.len() {
                let Ok(edge) = self.edges.try_receive() else { break };
                // It has the room that it had.
                let stays = new_id(edge.input)
                    .is_some_and(|input| self.edges.try_send(Edge { input, ..edge }).is_ok());
                retired = retired.saturating_add(u32::from(!stays));
            }
            let counts = core::mem::replace(&mut lost.counts, [0; INPUTS]);
            for (input, count) in (0..).map(InputId).zip(counts).filter(|(_, count)| *count > 0) {
                match new_id(input).and_then(|input| lost.counts.get_mut(input.index())) {
                    Some(new) => *new = count,
                    None => retired = retired.saturating_add(count.into()),
                }
            }
            if retired > 0 {
                (lost.at, lost.any) = (at, true);
                lost.retired = lost.retired.saturating_add(retired);
            }
        });
    }
}

impl<M: RawMutex, const N: usize, const INPUTS: usize> Default for EdgeQueue<M, N, INPUTS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: RawMutex, const N: usize, const INPUTS: usize> Edges for &EdgeQueue<M, N, INPUTS> {
    fn next(&mut self) -> Option<Captured> {
        // Both in one: edges that came in between would be told of behind what was lost after them.
        self.lost.lock(|lost| self.leave(&mut lost.borrow_mut()))
    }

    async fn ready(&mut self) {
        // What is lost waits behind a queue that was full; nothing enters before it has been taken.
        if self.edges.is_empty() && self.lost.lock(|lost| lost.borrow().any) {
            return;
        }
        self.edges.ready_to_receive().await;
    }
}
