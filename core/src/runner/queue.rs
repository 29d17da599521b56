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
    /// Of inputs that are those of another program now.
    retired: u32,
}

impl<M: RawMutex, const N: usize, const INPUTS: usize> EdgeQueue<M, N, INPUTS> {
    /// An empty queue.
    pub const fn new() -> Self {
        let lost = Lost { at: Instant::ZERO, any: false, counts: [0; INPUTS], retired: 0 };
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

    /// Another program takes over at `at`, and the ids are other lines: what waits is nobody's, and counted as lost. Its lines are
    /// read anew then.
    pub fn retire(&self, at: Instant) {
        self.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
            let counted = lost.counts.iter_mut().map(|count| u32::from(core::mem::take(count))).sum::<u32>();
            let waiting = core::iter::from_fn(|| self.edges.try_receive().ok()).map(|_| 1).sum::<u32>();
            let retired = lost.retired.saturating_add(counted).saturating_add(waiting);
            (lost.at, lost.any, lost.retired) = (at, retired > 0, retired);
        });
    }

    /// What was lost of one input, as long as something was.
    fn take_lost(&self) -> Option<Captured> {
        self.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
            let at = lost.at;
            let retired = core::mem::take(&mut lost.retired);
            if retired > 0 {
                let input = Input::Overrun { input: None, lost: retired, why: OverrunWhy::Queue };
                return Some(Captured { at, input });
            }
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

#[cfg(test)]
mod tests {
    use embassy_sync::blocking_mutex::raw::NoopRawMutex;

    use super::*;

    #[test]
    fn edges_of_another_program_are_counted_and_never_taken_for_those_of_this_one() {
        let queue = EdgeQueue::<NoopRawMutex, 2, 1>::new();
        let at = Instant::from_micros;
        (1..=3).for_each(|us| queue.push(at(us), InputId(0), Level::On));
        queue.retire(at(4));
        queue.push(at(5), InputId(0), Level::Off);
        let mut edges = &queue;
        let lost = |input, lost| Input::Overrun { input, lost, why: OverrunWhy::Queue };
        let mut next = || edges.next().map(|taken| (taken.at.micros(), taken.input));
        assert_eq!(next(), Some((5, lost(None, 3))), "two that waited, and one that found no room");
        assert_eq!(next(), Some((5, lost(Some(InputId(0)), 1))), "nothing comes in front of what is lost");
        assert_eq!(next(), None);
        queue.push(at(6), InputId(0), Level::On);
        assert_eq!(next(), Some((6, Input::Edge { input: InputId(0), level: Level::On })));
        queue.push(at(7), InputId(0), Level::Off);
        queue.retire(at(7));
        queue.retire(at(8));
        assert_eq!(next(), Some((8, lost(None, 1))));
        assert_eq!(next(), None);
    }

    #[test]
    fn nothing_that_waited_is_nothing_lost() {
        let queue = EdgeQueue::<NoopRawMutex, 2, 1>::new();
        queue.retire(Instant::from_micros(1));
        assert!((&queue).next().is_none());
    }
}
