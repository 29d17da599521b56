//! A life that fails is shortened before the eyes of whoever waits for it, and no longer than they do.

use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use campanile_sim::swarm::shrink::{Shrunk, Step, shrink};
use campanile_sim::swarm::{Finding, Plan};
use campanile_sim::world::House;

use super::super::progress::span;
use super::super::ticker::Ticker;

/// Shortens a plan in at most so many tries, until `stop` is set; says how far it is if it is to be `shown`.
pub(in crate::cli) fn shorten(
    (plan, finding): (Plan, Finding),
    houses: &[House],
    tries: u32,
    stop: &AtomicBool,
    shown: bool,
) -> Shrunk {
    if shown {
        let _ = writeln!(io::stderr(), "shortening; Ctrl-C gives the shortest so far");
    }
    let (of, began, ticker) = (plan.items.len(), Instant::now(), Ticker::new(shown));
    let shrunk = shrink(plan, finding, houses, tries, &mut |step| {
        ticker.show(|| line(step, of, tries, began.elapsed()));
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    ticker.clear();
    shrunk
}

fn line(step: Step, of: usize, most: u32, took: Duration) -> String {
    format!("{} of {of} items left, {} of at most {most} tries, {}", step.items, step.tries, span(took))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_left_and_how_long_it_took() {
        let line = line(Step { tries: 87, items: 12 }, 214, 600, Duration::from_secs(23));
        assert_eq!(line, "12 of 214 items left, 87 of at most 600 tries, 23 s");
    }
}
