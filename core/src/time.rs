//! Time as the engine knows it: microseconds since an epoch the host chose, handed in with every input.
//!
//! The types saturate instead of wrapping or panicking. They are neither embassy's ticks (whose length differs
//! between boards) nor std's `Instant` (which cannot be made up, as a replay has to).

use serde::{Deserialize, Serialize};

/// A point in monotonic time, in microseconds. Aligned as the words of a microcontroller are: there is no padding
/// around it in tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(Rust, packed(4))]
pub struct Instant(u64);

/// A span of monotonic time, in microseconds; aligned as [`Instant`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(Rust, packed(4))]
pub struct Duration(u64);

#[cfg(feature = "defmt")]
impl defmt::Format for Instant {
    fn format(&self, fmt: defmt::Formatter<'_>) {
        defmt::write!(fmt, "{=u64:us}", self.micros());
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Duration {
    fn format(&self, fmt: defmt::Formatter<'_>) {
        defmt::write!(fmt, "{=u64} us", self.micros());
    }
}

impl Instant {
    /// The epoch.
    pub const ZERO: Self = Self(0);
    /// Later than everything: a deadline that is not set.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point `us` microseconds after the epoch.
    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// This point and `span` later; `NEVER` where that is out of range.
    #[must_use]
    pub const fn plus(self, span: Duration) -> Self {
        Self(sum(self.0, span.0))
    }

    /// This point and `span` earlier; the epoch where that is out of range.
    #[must_use]
    pub const fn minus(self, span: Duration) -> Self {
        Self(difference(self.0, span.0))
    }

    /// The time from `earlier` to this point; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(difference(self.0, earlier.0))
    }

    /// Whether this is a point at all, or a deadline that is not set.
    pub const fn is_set(self) -> bool {
        self.0 != u64::MAX
    }

    /// From `now` to this deadline, if it is set.
    #[cfg_attr(feature = "small", inline(never))]
    pub(crate) fn left_at(self, now: Self) -> Option<Duration> {
        self.to_option().map(|due| due.since(now))
    }

    /// `None` for a deadline that is not set.
    pub const fn to_option(self) -> Option<Self> {
        if self.is_set() { Some(self) } else { None }
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `us` microseconds.
    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    /// A span of `ms` milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000))
    }

    /// A span of `s` seconds.
    pub const fn from_secs(s: u64) -> Self {
        Self(s.saturating_mul(1_000_000))
    }

    /// The span in microseconds.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Whether the span is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Both spans in a row, saturating.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(sum(self.0, other.0))
    }

    /// This span less the other, zero at the least.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(difference(self.0, other.0))
    }
}

/// Quotient and remainder of a division by what is not zero. With little flash it goes bit by bit: the library that a
/// microcontroller divides 64 bits with takes 700 bytes, and an engine divides for the time of day alone.
pub(crate) fn div_rem(n: u64, by: u64) -> (u64, u64) {
    if cfg!(feature = "small") {
        return div_rem_bits(n, by);
    }
    (n.checked_div(by).unwrap_or(0), n.checked_rem(by).unwrap_or(0))
}

/// As [`div_rem`], bit by bit.
#[cfg_attr(feature = "small", inline(never))]
fn div_rem_bits(mut n: u64, by: u64) -> (u64, u64) {
    // The bits of `n` go into the rest from above, those of the quotient take their places.
    let mut rest = 0u64;
    for _ in 0..u64::BITS {
        rest = rest << 1 | n >> 63;
        n <<= 1;
        if rest >= by {
            rest = rest.wrapping_sub(by);
            n |= 1;
        }
    }
    (n, rest)
}

/// As [`div_rem`], rounded down: the rest is never negative.
pub(crate) fn div_rem_floor(n: i64, by: u32) -> (i64, u32) {
    let (below, n) = (n < 0, if n < 0 { !n } else { n }.cast_unsigned());
    let (quotient, rest) = div_rem(n, by.into());
    let (quotient, rest) = (quotient.cast_signed(), (rest & 0xffff_ffff) as u32);
    if below { (!quotient, by.wrapping_sub(1).wrapping_sub(rest)) } else { (quotient, rest) }
}

// Of plain numbers, as these travel in registers; what is packed goes through memory.

#[cfg_attr(feature = "small", inline(never))]
const fn sum(a: u64, b: u64) -> u64 {
    a.saturating_add(b)
}

#[cfg_attr(feature = "small", inline(never))]
const fn difference(a: u64, b: u64) -> u64 {
    a.saturating_sub(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn divides(n: u64, by: u64, less: u32, shift in 0u32..64) {
            let (n, by) = (n >> (less % 64), (by >> shift).max(1));
            prop_assert_eq!(div_rem(n, by), (n / by, n % by));
            prop_assert_eq!(div_rem_bits(n, by), (n / by, n % by));
        }

        #[test]
        fn rounds_down(n: i64, by in 1u32.., shift in 0u32..64) {
            let (n, divisor) = (n >> shift, i64::from(by));
            let (quotient, rest) = div_rem_floor(n, by);
            prop_assert_eq!((quotient, i64::from(rest)), (n.div_euclid(divisor), n.rem_euclid(divisor)));
        }
    }
}
