//! The timers of one thread: an ordered queue with one entry a waker.

use std::collections::BTreeMap;
use std::task::Waker;

/// Where an entry stands: its deadline, then the order in which it was scheduled.
type Place = (u64, u64);

/// Timers ordered by (deadline, order of scheduling).
///
/// A waker has at most one entry, the earliest deadline asked for since it last fired. That keeps memory bounded when
/// a task creates a timer at each poll, and loses nothing: a task that is woken polls all its timers, and those still
/// pending schedule themselves again.
#[derive(Default)]
pub(crate) struct Timers {
    queue: BTreeMap<Place, Waker>,
    /// The place of each waker in `queue`. Only looked up, never iterated: addresses must not decide an order.
    places: BTreeMap<(usize, usize), Place>,
    scheduled: u64,
}

/// What [`Waker::will_wake`] compares, as a key. It stays unique as long as the queue holds a clone of the waker.
fn identity(waker: &Waker) -> (usize, usize) {
    (waker.data().addr(), std::ptr::from_ref(waker.vtable()).addr())
}

impl Timers {
    /// Keeps `waker` for `deadline`, unless it is already kept for an earlier one.
    pub(crate) fn schedule(&mut self, deadline: u64, waker: &Waker) {
        let place = (deadline, self.scheduled);
        match self.places.get_mut(&identity(waker)) {
            Some(kept) if kept.0 <= deadline => return,
            Some(kept) => {
                let from = std::mem::replace(kept, place);
                if let Some(waker) = self.queue.remove(&from) {
                    self.queue.insert(place, waker);
                }
            }
            None => {
                self.places.insert(identity(waker), place);
                self.queue.insert(place, waker.clone());
            }
        }
        self.scheduled += 1;
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.queue.first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// Takes out the first waker that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<Waker> {
        let first = self.queue.first_entry()?;
        if first.key().0 > now {
            return None;
        }
        let waker = first.remove();
        self.places.remove(&identity(&waker));
        Some(waker)
    }

    /// How many wakers wait.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn waker() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count(AtomicUsize::new(0)));
        (count.clone(), count.into())
    }

    #[test]
    fn equal_deadlines_fire_in_the_order_of_scheduling() {
        let mut timers = Timers::default();
        let wakers: Vec<_> = (0..50).map(|_| waker().1).collect();
        for waker in &wakers {
            timers.schedule(7, waker);
        }
        assert!(timers.pop_due(6).is_none(), "never before its deadline");
        for waker in &wakers {
            assert!(timers.pop_due(7).expect("due").will_wake(waker));
        }
        assert!(timers.pop_due(u64::MAX).is_none());
    }

    #[test]
    fn a_waker_has_one_entry_at_its_earliest_deadline() {
        let mut timers = Timers::default();
        let (_, a) = waker();
        for deadline in (5..100).chain([3, 4]) {
            timers.schedule(deadline, &a.clone());
        }
        assert_eq!((timers.len(), timers.next_deadline()), (1, Some(3)));
        assert!(timers.pop_due(3).is_some());
        assert_eq!((timers.len(), timers.places.len()), (0, 0));
        timers.schedule(200, &a);
        assert_eq!(timers.next_deadline(), Some(200), "after it has fired it starts anew");
    }
}
