//! The bar of a swarm: how far, how fast, how long still.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::super::ticker::Ticker;
use super::tally::Tally;

const WIDTH: u64 = 24;

/// The bar.
pub(super) struct Progress {
    seeds: Range<u64>,
    deadline: Option<Instant>,
    ticker: Ticker,
    began: Instant,
}

impl Progress {
    pub(super) fn new(seeds: Range<u64>, deadline: Option<Instant>, on: bool) -> Self {
        Self { seeds, deadline, ticker: Ticker::new(on), began: Instant::now() }
    }

    /// Draws it, if it has not been drawn just now.
    pub(super) fn show(&self, tally: &Tally, began: Instant) {
        self.ticker.show(|| self.line(tally, began.elapsed()));
    }

    fn line(&self, tally: &Tally, took: Duration) -> String {
        let rate = tally.seeds as f64 / took.as_secs_f64().max(1e-9);
        let (mut part, mut left) = (None, None);
        if self.seeds.end != u64::MAX {
            let count = self.seeds.end - self.seeds.start;
            part = Some(tally.seeds as f64 / count as f64);
            left = Some((count - tally.seeds) as f64 / rate.max(1e-9));
        }
        if let Some(deadline) = self.deadline {
            let (whole, over) = (deadline - self.began, self.began.elapsed());
            let time_part = over.as_secs_f64() / whole.as_secs_f64().max(1e-9);
            part = Some(part.map_or(time_part, |part: f64| part.max(time_part)));
            let time_left = whole.saturating_sub(over).as_secs_f64();
            left = Some(left.map_or(time_left, |left: f64| left.min(time_left)));
        }
        // Seeds that were under way when the time was up are lived to their end.
        let bar = part.map(|part| part.min(1.0)).map_or_else(String::new, |part| {
            let full = ((part * WIDTH as f64) as u64).min(WIDTH);
            let cells = (0..WIDTH).map(|cell| if cell < full { '#' } else { '.' });
            format!("{} {:3.0} %  ", cells.collect::<String>(), part * 100.0)
        });
        let eta = left.map_or_else(String::new, |left| format!(", {} left", span((left * 1e6) as u64)));
        format!("{bar}{} seeds, {rate:.0}/s, {} of virtual time{eta}", tally.seeds, span(tally.lived))
    }

    /// Takes it away.
    pub(super) fn clear(&self) {
        self.ticker.clear();
    }
}

/// A span of microseconds for people.
pub(super) fn span(us: u64) -> String {
    let seconds = us as f64 / 1e6;
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        s if s < 63_072_000.0 => format!("{:.1} days", s / 86_400.0),
        s => format!("{:.1} years", s / 31_557_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_far_how_fast_and_how_long() {
        let progress = Progress::new(0..400, None, false);
        let tally = Tally { seeds: 100, lived: 7_200_000_000, ..Tally::default() };
        assert_eq!(
            progress.line(&tally, Duration::from_secs(2)),
            "######..................  25 %  100 seeds, 50/s, 2.0 h of virtual time, 6 s left"
        );
    }
}
