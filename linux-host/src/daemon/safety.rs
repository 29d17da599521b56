//! The safety net under the outputs: whatever ends the loop, they take their safe levels.
//!
//! The engine does it at a regular stop, with records. This net does it when the engine cannot any more: on a panic
//! of the loop's thread, and when the loop's lines are dropped. It needs nothing but the open lines themselves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use campanile_core::id::Level;

use crate::boards::OutputLine;

/// The outputs that are held now, with their safe levels.
#[derive(Clone, Default)]
pub struct SafetyNet(Arc<Mutex<Held>>);

/// Lines and their safe levels.
type Held = Vec<(Arc<dyn OutputLine>, Level)>;

impl SafetyNet {
    /// From now on it is these.
    pub fn hold(&self, outputs: Held) {
        *self.lock() = outputs;
    }

    /// Sets every output to its safe level and forgets it.
    pub fn release(&self) {
        // A thread that panics while it holds the lock must not keep the net from its work.
        let mut held = match self.0.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(held)) => held.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        for (line, safe) in held.drain(..) {
            if let Err(error) = line.set(safe) {
                tracing::error!("an output cannot be set to its safe level: {error}");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs before the message of a panic on the thread of this name is printed.
    pub fn on_panic_of(&self, thread: &'static str) {
        let net = self.clone();
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() == Some(thread) {
                net.release();
            }
            print(info);
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::{Active, Board as _, Drive, Line, OutputSpec, VirtualBoard};
    use campanile_core::time::Instant;

    #[test]
    fn a_panic_of_the_loop_leaves_the_outputs_safe_and_one_elsewhere_does_not_touch_them() {
        let board = VirtualBoard::new();
        let spec = OutputSpec {
            line: Line::Name("relay".into()),
            active: Active::High,
            drive: Drive::PushPull,
            safe: Level::Off,
        };
        let line: Arc<dyn OutputLine> = Arc::from(board.open_output(&spec).unwrap());
        let net = SafetyNet::default();
        net.hold(vec![(line.clone(), Level::Off)]);
        net.on_panic_of("test-loop");
        line.set(Level::On).unwrap();
        let panic_on = |name: &str| {
            std::thread::Builder::new()
                .name(name.into())
                .spawn(|| panic!("on purpose"))
                .unwrap()
                .join()
                .unwrap_err()
        };
        panic_on("elsewhere");
        assert!(board.level("relay", Instant::ZERO));
        panic_on("test-loop");
        assert!(!board.level("relay", Instant::ZERO));
    }
}
