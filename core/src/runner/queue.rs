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
    /// Of inputs that are those of another program now, or of none.
    retired: u32,
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
        let lost = Lost { at: Instant::ZERO, any: false, counts: [0; INPUTS], retired: 0 };
        Self { edges: Channel::new(), lost: Mutex::new(RefCell::new(lost)) }
    }

    /// An input moved to `level` at `at`. From an interrupt or anywhere. False if that is lost: then all that follows is, too,
    /// until [`next`](Edges::next) has given `None`.
    pub fn push(&self, at: Instant, input: InputId, level: Level) -> bool {
        let edge = Edge { at, input, level };
        self.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
            if lost.any || self.edges.try_send(edge).is_err() {
                lost.any = true;
                lost.at = at;
                match lost.counts.get_mut(input.index()) {
                    Some(count) => *count = count.saturating_add(1),
                    None => lost.retired = lost.retired.saturating_add(1),
                }
            }
            !lost.any
        })
    }

    /// Another program takes over at `at`, and the ids are other lines: those of `now`, and no more those of `before`. What
    /// waits goes on under the id that the `same` line has now. Of a line that has none it is nobody's, and counted as lost.
    pub fn renumber<L>(&self, at: Instant, before: &[L], now: &[L], same: impl Fn(&L, &L) -> bool) {
        let new_id = |old: InputId| {
            let old = before.get(old.index())?;
            (0..).map(InputId).zip(now).find(|(_, new)| same(old, new)).map(|(id, _)| id)
        };
        self.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
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
        self.lost.lock(|lost| {
            let waiting = self.edges.try_receive().ok();
            waiting.map(Captured::from).or_else(|| lost.borrow_mut().take())
        })
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
    use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
    use std::thread;

    use super::*;

    const fn at(us: u64) -> Instant {
        Instant::from_micros(us)
    }

    const fn lost(input: Option<InputId>, lost: u32) -> Input {
        Input::Overrun { input, lost, why: OverrunWhy::Queue }
    }

    const fn edge(input: u8, level: Level) -> Input {
        Input::Edge { input: InputId(input), level }
    }

    /// All that waits, with its times.
    fn all<const N: usize, const INPUTS: usize>(
        mut queue: &EdgeQueue<CriticalSectionRawMutex, N, INPUTS>,
    ) -> impl Iterator<Item = (u64, Input)> {
        core::iter::from_fn(move || queue.next().map(|taken| (taken.at.micros(), taken.input)))
    }

    #[test]
    fn edges_of_a_line_that_is_gone_are_counted_and_never_taken_for_those_of_another() {
        let queue = EdgeQueue::<_, 2, 1>::new();
        for us in 1..=3 {
            queue.push(at(us), InputId(0), Level::On);
        }
        queue.renumber(at(4), &["button"], &["mat"], PartialEq::eq);
        queue.push(at(5), InputId(0), Level::Off);
        let mut next = all(&queue);
        assert_eq!(next.next(), Some((5, lost(None, 3))), "two that waited, and one that found no room");
        assert_eq!(
            next.next(),
            Some((5, lost(Some(InputId(0)), 1))),
            "nothing comes in front of what is lost"
        );
        assert_eq!(next.next(), None);
        queue.push(at(6), InputId(0), Level::On);
        assert_eq!(next.next(), Some((6, edge(0, Level::On))));
        queue.push(at(7), InputId(0), Level::Off);
        queue.renumber(at(7), &["mat"], &["button"], PartialEq::eq);
        queue.renumber(at(8), &["button"], &["mat"], PartialEq::eq);
        assert_eq!(next.next(), Some((7, lost(None, 1))), "once, however often the program changes");
        assert_eq!(next.next(), None);
    }

    #[test]
    fn a_press_that_waits_while_programs_change_is_one_of_its_line_under_its_new_id() {
        let queue = EdgeQueue::<_, 4, 3>::new();
        for (us, input, level) in [(1, 0, Level::On), (2, 2, Level::On), (3, 0, Level::Off)] {
            queue.push(at(us), InputId(input), level);
        }
        queue.renumber(at(4), &["button", "bolt", "mat"], &["bolt", "button"], PartialEq::eq);
        let came = [(1, edge(1, Level::On)), (3, edge(1, Level::Off)), (4, lost(None, 1))];
        assert!(all(&queue).eq(came));
    }

    #[test]
    fn what_is_lost_of_a_line_is_told_under_its_new_id() {
        let queue = EdgeQueue::<_, 1, 2>::new();
        for us in 1..=3 {
            queue.push(at(us), InputId(0), Level::On);
        }
        queue.renumber(at(4), &["button"], &["bolt", "button"], PartialEq::eq);
        assert!(all(&queue).eq([(1, edge(1, Level::On)), (3, lost(Some(InputId(1)), 2))]));
    }

    #[test]
    fn nothing_that_waited_is_nothing_lost() {
        let queue = EdgeQueue::<_, 2, 1>::new();
        queue.renumber(at(1), &["button"], &[], PartialEq::eq);
        assert!(all(&queue).next().is_none());
    }

    #[test]
    fn an_edge_of_nobody_that_finds_no_room_is_counted_as_lost() {
        let queue = EdgeQueue::<_, 1, 1>::new();
        assert!(queue.push(at(1), InputId(7), Level::On));
        assert!(!queue.push(at(2), InputId(7), Level::On));
        assert!(all(&queue).eq([(1, edge(7, Level::On)), (2, lost(None, 1))]));
    }

    #[test]
    fn however_push_and_next_fall_together_times_ascend_and_every_edge_is_taken_or_counted() {
        // No more than the count of one input holds.
        const EDGES: u64 = 60_000;
        let queue = EdgeQueue::<_, 2, 1>::new();
        thread::scope(|scope| {
            let producer = scope.spawn(|| {
                for us in 1..=EDGES {
                    queue.push(at(us), InputId(0), Level::On);
                }
            });
            let (mut last, mut count) = (0, 0);
            loop {
                // What was pushed before it ended is taken in what follows.
                let is_last = producer.is_finished();
                for (us, input) in all(&queue) {
                    assert!(us >= last, "{input:?} at {us} came behind what was at {last}");
                    last = us;
                    count += if let Input::Overrun { lost, .. } = input { u64::from(lost) } else { 1 };
                }
                if is_last {
                    break;
                }
            }
            assert_eq!(count, EDGES);
        });
    }
}
