//! Which start a link offers: one after the other, from the oldest whose records nobody is known to have, and the one that
//! runs as the last.

use campanile_core::link::Source as _;

use crate::medium::Flash;
use crate::start_log::StartLog;
use crate::store::Store;

/// The start whose records are offered, and what the house calls it.
#[derive(Clone, Copy, Debug)]
pub struct Offered {
    /// The one that runs.
    runs: u64,
    boot: u64,
    number: u64,
}

impl Offered {
    /// The first that is offered in the start `runs`, which has [begun](Store::begin).
    pub fn first<F: Flash>(store: &Store<F>, runs: u64) -> Self {
        Self::from(store, runs, store.named().boot)
    }

    fn from<F: Flash>(store: &Store<F>, runs: u64, boot: u64) -> Self {
        let boot = store.start_from(boot);
        let named = store.named();
        let number = if named.boot == boot { named.number } else { boot };
        Self { runs, boot, number }
    }

    /// Its own number.
    pub const fn own(&self) -> u64 {
        self.boot
    }

    /// What the house calls it: its own number, unless another was [assigned](Self::assigned).
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Whether it is over: its records outlived it, and others are offered behind them.
    pub const fn is_over(&self) -> bool {
        self.boot != self.runs
    }

    /// Its records.
    pub const fn log<'a, F: Flash>(&self, store: &'a Store<F>) -> StartLog<'a, F> {
        store.log_of(self.boot)
    }

    /// The house calls it by this number. That is kept before anything goes out under it, so that it comes under no other
    /// after a restart; where the flash does not take it, it holds for as long as this start runs.
    pub fn assigned<F: Flash>(&mut self, store: &mut Store<F>, number: u64) {
        self.number = number;
        // Whoever wants to know how the flash is asks the store.
        let _ = store.name(self.boot, number);
    }

    /// The house has all of its records before this one. True if from here on the next start is offered.
    pub fn taken<F: Flash>(&mut self, store: &mut Store<F>, seq: u64) -> bool {
        store.fetched(self.boot, seq.saturating_sub(1));
        let is_done = self.is_over() && seq >= store.log_of(self.boot).head().seq;
        if is_done {
            *self = Self::from(store, self.runs, self.boot.saturating_add(1));
        }
        is_done
    }
}
