//! How far a swarm is, how fast it goes, and how long it goes on.

use std::ops::Range;
use std::time::{Duration, Instant};

use campanile_sim::span::span;

use super::super::progress::{self, line};
use super::tally::{Tally, a_second};

/// The line of a swarm.
pub(super) struct Progress {
    seeds: Range<u64>,
    deadline: Option<Instant>,
    began: Instant,
    shown: progress::Progress,
}

impl Progress {
    pub(super) fn new(seeds: Range<u64>, deadline: Option<Instant>, on: bool) -> Self {
        Self { seeds, deadline, began: Instant::now(), shown: progress::Progress::new(on) }
    }

    /// Draws it, if it has not been drawn just now.
    pub(super) fn show(&self, tally: &Tally) {
        self.shown.show(|spent| self.line(tally, spent));
    }

    /// What ends it is whatever comes first: the last seed, or the time.
    fn line(&self, tally: &Tally, spent: Duration) -> String {
        let rate = tally.rate(spent);
        let (mut part, mut left) = (None, None);
        if self.seeds.end != u64::MAX {
            let count = self.seeds.end - self.seeds.start;
            part = Some(tally.seeds as f64 / count as f64);
            left = progress::left((count - tally.seeds) as f64 / rate);
        }
        if let Some(deadline) = self.deadline {
            let whole = deadline - self.began;
            let time_part = spent.as_secs_f64() / whole.as_secs_f64().max(1e-9);
            part = Some(part.map_or(time_part, |part: f64| part.max(time_part)));
            // What is under way when the time is up is given up, and that takes a moment too.
            let time_left = whole.saturating_sub(spent);
            left = Some(left.map_or(time_left, |left: Duration| left.min(time_left)));
        }
        let lived = span(tally.lived);
        let what = format!("{} seeds, {}/s, {lived} of virtual time", tally.seeds, a_second(rate));
        line(part, &what, left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_that_takes_its_time_is_no_house_that_stands_still() {
        let progress = Progress::new(0..u64::MAX, None, false);
        let line = progress.line(&Tally { seeds: 3, ..Tally::default() }, Duration::from_secs(10));
        assert_eq!(line, "3 seeds, 0.3/s, 0 µs of virtual time");
    }

    #[test]
    fn the_bar_says_how_far_how_fast_and_how_long() {
        let progress = Progress::new(0..400, None, false);
        let tally = Tally { seeds: 100, lived: 7_200_000_000, ..Tally::default() };
        let spent = Duration::from_secs(2);
        assert_eq!(
            progress.line(&tally, spent),
            "######..................  25 %  100 seeds, 50/s, 2 h of virtual time, 6 s left"
        );
        let in_time = Progress::new(0..400, Some(Instant::now() + Duration::from_secs(4)), false);
        let line = in_time.line(&tally, spent);
        assert!(line.starts_with("############") && line.ends_with(", 1.9 s left"), "{line}");
        let said = "100 seeds, 50/s, 2 h of virtual time";
        let without_end = Progress::new(0..u64::MAX, None, false);
        assert_eq!(without_end.line(&tally, spent), said);
        let nearly = Progress::new(0..u64::MAX - 1, None, false);
        assert_eq!(
            nearly.line(&tally, spent),
            format!("........................   0 %  {said}, 584542 years left")
        );
    }
}
