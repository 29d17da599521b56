//! The place where the loop leaves its waker for lines that have no descriptor.

use std::sync::{Mutex, PoisonError};
use std::task::Waker;

/// Holds the waker of the task that waits for edges. One task waits; any thread wakes.
#[derive(Debug, Default)]
pub struct WakeSlot(Mutex<Option<Waker>>);

impl WakeSlot {
    /// The task that is to be woken from now on.
    pub fn register(&self, waker: &Waker) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *slot {
            Some(old) => old.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }

    /// Wakes it, if there is one.
    pub fn wake(&self) {
        // Woken outside the lock: a waker may run code of its own.
        let waker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
