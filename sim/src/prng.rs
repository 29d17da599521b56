//! The simulator's own random numbers: a seed that showed a bug shows it for ever, whatever the libraries do.
//!
//! SplitMix64 (Steele, Lea, Flood 2014): a counter and a mixer, 64 bits of state, any seed is good. Integers only;
//! the golden numbers are in the tests, and changing them is a break of every seed that was ever written down.

/// A stream of random numbers. Streams of different [`fork`](Self::fork)s do not disturb each other: a visitor who
/// draws one number more does not change the order in which tasks run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prng {
    state: u64,
}

/// The odd constant nearest to 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Prng {
    /// The stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A stream of its own for one purpose; equal names give equal streams.
    #[must_use]
    pub fn fork(&self, purpose: &str) -> Self {
        // FNV-1a over the name, then mixed with the seed.
        let name = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { state: mix(self.state ^ name) }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number below `bound`, all equally likely; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // The high half of the product is even but for a bias of bound / 2^64; the few draws of the uneven part are
        // thrown away.
        let uneven = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            if product as u64 >= uneven {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number from `low` to `high`, both included.
    ///
    /// # Panics
    /// If `low` is more than `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "a range from {low} to {high} is empty");
        match (high - low).checked_add(1) {
            Some(span) => low + self.below(span),
            None => self.bits(),
        }
    }

    /// True `part` times out of `whole`.
    pub fn chance(&mut self, part: u64, whole: u64) -> bool {
        self.below(whole) < part
    }

    /// One of `items`.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "nothing to pick from");
        &items[self.below(items.len() as u64) as usize]
    }
}

/// The mixer: every bit of the counter reaches every bit of the number.
const fn mix(state: u64) -> u64 {
    let mut z = state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        // The reference implementation's output for the seed 1234567.
        let mut prng = Prng::new(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| prng.bits()).collect();
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn forks_are_golden_and_independent() {
        let mut whole = Prng::new(1);
        let bounce = whole.fork("bounce");
        whole.bits();
        assert_ne!(bounce, whole.fork("bounce"), "a fork depends on where it was taken");
        assert_eq!(bounce, Prng::new(1).fork("bounce"));
        assert_ne!(bounce, Prng::new(1).fork("order"));
        assert_eq!(Prng::new(1).fork("bounce").bits(), 15_050_228_665_088_524_672);
    }

    #[test]
    fn every_number_below_a_bound_comes_and_no_other() {
        let mut prng = Prng::new(7);
        let mut seen = [0u32; 6];
        for _ in 0..6_000 {
            seen[prng.below(6) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
        assert_eq!(prng.below(0), 0);
        assert_eq!(prng.between(5, 5), 5);
        prng.between(0, u64::MAX);
    }
}
