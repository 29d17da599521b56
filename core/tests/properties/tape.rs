//! A tape of bytes as the source of all choices: proptest shortens it and turns its bytes to zero, so the first choice
//! of every kind is the simplest one.

use campanile_core::time::Duration;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

/// Reads choices; an empty tape reads as zeros.
pub(crate) struct Tape<'a> {
    bytes: &'a [u8],
}

impl<'a> Tape<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The next `n` bytes as a tape of their own.
    pub(crate) fn part(&mut self, n: usize) -> Self {
        let (part, rest) = self.bytes.split_at(n.min(self.bytes.len()));
        self.bytes = rest;
        Self::new(part)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        first
    }

    /// 0 to `n - 1`; 0 if there is no choice.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        if n < 2 { 0 } else { usize::from(self.byte()) % n }
    }

    pub(crate) fn id(&mut self, n: usize) -> u8 {
        u8::try_from(self.below(n)).unwrap()
    }

    /// True in `of` out of 16 cases, and never on an empty tape.
    pub(crate) fn chance(&mut self, of: usize) -> bool {
        self.below(16) >= 16 - of
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub(crate) fn u64(&mut self) -> u64 {
        (0..8).fold(0, |sum, _| sum << 8 | u64::from(self.byte()))
    }

    /// Small numbers, and the ones at the edges.
    pub(crate) fn number(&mut self) -> i32 {
        match self.below(8) {
            0..=4 => i32::from(self.byte() as i8) / 16,
            5 => i32::from(self.byte() as i8),
            6 => self.one(&[i32::MAX, i32::MIN, i32::MAX - 1, i32::MIN + 1]),
            _ => self.u64() as i32,
        }
    }

    /// Spans that often meet each other in one instant.
    pub(crate) fn span(&mut self) -> Duration {
        const SPANS: [u64; 12] =
            [0, 1_000, 5_000, 300, 20_000, 1, 10_000, 2_000, 100_000, 1_000_000, 61_000_000, 4_000];
        Duration::from_micros(self.one(&SPANS))
    }
}

/// Tapes of up to `max` bytes.
pub(crate) fn tapes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=max)
}

/// So many cases, times `CAMPANILE_CASES` from the environment; a failure is printed and not filed: it becomes a test.
pub(crate) fn cases(cases: u32) -> Config {
    let factor = std::env::var("CAMPANILE_CASES").map_or(1, |factor| factor.parse().expect("a factor"));
    Config { cases: cases * factor, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() }
}
