//! Waits between tries: doubling, bounded, and spread at random where several might try at once.

use campanile_core::time::Duration;

/// A random generator of 64 bits of state (SplitMix64): enough to spread retries, and the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator that this seed stands for.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The wait before each try.
#[derive(Clone, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    tries: u32,
}

impl Backoff {
    /// From this wait on, doubling up to that one.
    pub const fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, tries: 0 }
    }

    /// How many tries have failed in a row.
    pub(crate) const fn tries(&self) -> u32 {
        self.tries
    }

    /// After a success.
    pub const fn reset(&mut self) {
        self.tries = 0;
    }

    /// After a failure: how long to wait.
    pub(crate) fn next(&mut self) -> Duration {
        let doubled = self.min.micros().saturating_mul(1 << self.tries.min(32));
        self.tries = self.tries.saturating_add(1);
        Duration::from_micros(doubled.min(self.max.micros()))
    }

    /// After a failure: how long to wait, somewhere between half of it and the whole.
    pub fn next_spread(&mut self, random: &mut Random) -> Duration {
        let whole = self.next().micros();
        Duration::from_micros(whole - random.bits() % (whole / 2 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));
        let waits: Vec<u64> = (0..11).map(|_| backoff.next().micros() / 1000).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        backoff.tries = u32::MAX;
        assert_eq!(backoff.next(), Duration::from_secs(30));
        backoff.reset();
        let mut random = Random::new(1);
        let spread: Vec<u64> = (0..3).map(|_| backoff.next_spread(&mut random).micros()).collect();
        for (wait, whole) in spread.iter().zip([100_000, 200_000, 400_000]) {
            assert!((whole / 2..=whole).contains(wait), "{spread:?}");
        }
    }
}
