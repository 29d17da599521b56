//! A queue of edges between an interrupt and the loop.

use core::cell::RefCell;

use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_sync::channel::Channel;

use super::{Captured, Edges};
use crate::id::{InputId, Level};
use crate::input::{Input, OverrunWhy};
use crate::time::Instant;

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
}

impl<M: RawMutex, const N: usize, const INPUTS: usize> EdgeQueue<M, N, INPUTS> {
    /// An empty queue.
    pub const fn new() -> Self {
        let lost = Lost { at: Instant::ZERO, any: false, counts: [0; INPUTS] };
        Self { edges: Channel::new(), lost: Mutex::new(RefCell::new(lost)) }
    }

    /// An input moved to `level` at `at`. From an interrupt or anywhere.
    pub fn push(&self, at: Instant, input: InputId, level: Level) {
        let edge = Edge { at, input, level };
        self.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
            if lost.any || self.edges.try_send(edge).is_err() {
                lost.any = true;
                lost.at = at;
                if let Some(count) = lost.counts.get_mut(input.index()) {
                    *count = count.saturating_add(1);
                }
            }
        });
    }

    /// What was lost of one input, as long as something was.
    fn take_lost(&self) -> Option<Captured> {
        self.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
            let at = lost.at;
            let found = lost.counts.iter_mut().enumerate().find(|(_, count)| **count > 0);
            let Some((index, count)) = found else {
                lost.any = false;
                return None;
            };
            let (input, count) = (u8::try_from(index).ok()?, core::mem::take(count));
            let input = Input::Overrun {
                input: Some(InputId(input)),
                lost: u32::from(count),
                why: OverrunWhy::Queue,
            };
            Some(Captured { at, input })
        })
    }
}

impl<M: RawMutex, const N: usize, const INPUTS: usize> Default for EdgeQueue<M, N, INPUTS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: RawMutex, const N: usize, const INPUTS: usize> Edges for &EdgeQueue<M, N, INPUTS> {
    fn next(&mut self) -> Option<Captured> {
        self.edges.try_receive().ok().map(Captured::from).or_else(|| self.take_lost())
    }

    async fn ready(&mut self) {
        // What is lost waits behind a queue that was full; nothing enters before it has been taken.
        if self.edges.is_empty() && self.lost.lock(|lost| lost.borrow().any) {
            return;
        }
        self.edges.ready_to_receive().await;
    }
}
