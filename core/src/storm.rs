//! The storm guard: a token bucket for each input, so that a broken contact can neither fill the log nor starve the
//! rest. Kept as one point in time (the generic cell rate algorithm), not as a count that someone has to refill.

use crate::slots::Empty;
use crate::time::{Duration, Instant};

/// So many edges pass at once after a quiet time.
pub const BURST: u64 = 256;

/// A line that has used up its bucket is masked for this long.
pub const MASKED: Duration = Duration::from_millis(100);

/// The bucket of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// When the bucket is full again.
    full: Instant,
    /// Edges thrown away under the mask.
    lost: u32,
}

impl Empty for Guard {
    const EMPTY: Self = Self { full: Instant::ZERO, lost: 0 };
}

impl Guard {
    /// Whether an edge at `at` may pass, at `rate` edges a second; a rate of 0 lets all pass. If not, the line is to
    /// be masked until [`masked_until`](Self::masked_until).
    pub fn admit(&mut self, at: Instant, rate: u16) -> bool {
        let Some(gap) = gap(rate) else { return true };
        let most = span(gap, BURST.saturating_sub(1));
        let from = self.full.max(at);
        if from.since(at) > most {
            // Exactly full, so that the end of the mask can be told from it.
            self.full = at.plus(most);
            self.lost = 1;
            return false;
        }
        self.full = from.plus(gap);
        true
    }

    /// An edge of a masked line was thrown away.
    pub fn lose(&mut self) {
        self.lost = self.lost.saturating_add(1);
    }

    /// When the mask that [`admit`](Self::admit) asked for is over.
    #[must_use]
    pub fn masked_until(&self, rate: u16) -> Instant {
        let most = gap(rate).map_or(Duration::ZERO, |gap| span(gap, BURST.saturating_sub(1)));
        self.full.minus(most).plus(MASKED)
    }

    /// The line is heard again: how many edges were thrown away.
    pub fn unmask(&mut self) -> u32 {
        core::mem::take(&mut self.lost)
    }
}

/// From one edge to the next at a steady `rate`.
fn gap(rate: u16) -> Option<Duration> {
    1_000_000_u64.checked_div(u64::from(rate)).map(Duration::from_micros)
}

const fn span(gap: Duration, times: u64) -> Duration {
    Duration::from_micros(gap.micros().saturating_mul(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn us(us: u64) -> Instant {
        Instant::from_micros(us)
    }

    const fn fresh() -> Guard {
        Guard::EMPTY
    }

    /// How many of `count` edges, `gap` microseconds apart, pass before the first that does not.
    fn passed(guard: &mut Guard, from: u64, gap: u64, rate: u16, count: u64) -> u64 {
        (0..count).take_while(|n| guard.admit(us(from + n * gap), rate)).count() as u64
    }

    #[test]
    fn a_burst_passes_and_no_more() {
        assert_eq!(passed(&mut fresh(), 5_000, 0, 500, 1_000), BURST);
    }

    #[test]
    fn the_rate_itself_passes_for_ever_and_twice_the_rate_does_not() {
        assert_eq!(passed(&mut fresh(), 0, 2_000, 500, 100_000), 100_000);
        let twice = passed(&mut fresh(), 0, 1_000, 500, 100_000);
        assert!((510..=514).contains(&twice), "{twice} edges at twice the rate");
    }

    #[test]
    fn after_the_mask_there_is_room_for_what_the_rate_gave_meanwhile() {
        let mut guard = fresh();
        let passed_first = passed(&mut guard, 0, 10, 500, 1_000);
        guard.lose();
        let until = guard.masked_until(500);
        assert_eq!(until, us(passed_first * 10).plus(MASKED));
        assert_eq!(guard.unmask(), 2);
        assert_eq!(guard.unmask(), 0);
        // 50 for the 100 ms, and the one for which there was no room.
        assert_eq!(passed(&mut guard, until.micros(), 0, 500, 1_000), 51);
    }

    #[test]
    fn no_rate_is_no_guard() {
        assert_eq!(passed(&mut fresh(), 0, 0, 0, 10_000), 10_000);
    }
}
