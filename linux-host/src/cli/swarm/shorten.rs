//! A life that fails is shortened before the eyes of whoever waits for it, and no longer than they do.

use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use campanile_sim::swarm::shrink::{Shrunk, Step, shrink};
use campanile_sim::swarm::{Finding, Plan};
use campanile_sim::world::House;

use super::super::progress::{Progress, took};

/// So many runs at most, unless `shrink` is asked for more: enough for most plans to become the shortest.
pub(in crate::cli) const TRIES: u32 = 5_000;

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
    let (of, progress) = (plan.items.len(), Progress::new(shown));
    shrink(plan, finding, houses, tries, &mut |step| {
        progress.show(|spent| line(step, of, tries, spent));
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

fn line(step: Step, of: usize, most: u32, spent: Duration) -> String {
    format!("{} of {of} items left, {} of at most {most} tries, {}", step.items, step.tries, took(spent))
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
