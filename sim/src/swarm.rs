//! The swarm: lives of a house, each drawn from a seed, under faults at every layer, before judges who know the truth.
//!
//! A seed gives a [`Plan`]; running the plan is a pure function of it. The nodes run what ships: engine, loop, journal,
//! outbox and cursors. Every run ends in a phase without faults, in which everything must settle. Each runs
//! twice, and the first difference between the two is a finding as well. A plan that fails is shortened to one that
//! cannot be shortened any more and still fails.

mod courier;
mod draw;
mod judge;
mod line;
pub mod plan;
mod ports;
mod receiver;
mod rules;
mod satellite;
pub mod shrink;
mod station;
mod talk;
mod tape;
#[cfg(test)]
mod tests;
mod turns;
mod wire;
mod world;

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use campanile_clock::Virtual;
pub use draw::draw;
pub use plan::Plan;

use crate::house::House;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// When, in microseconds of the world's time.
    pub at: u64,
    /// About which node, if it is about one.
    pub node: Option<usize>,
    /// In words.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}  ", self.at / 1_000_000, self.at % 1_000_000)?;
        if let Some(node) = self.node {
            write!(f, "node {node}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What was wrong, first of all.
    pub finding: Option<Finding>,
    /// Microseconds of virtual time, of all nodes together.
    pub lived: u64,
    /// Records that the engines wrote.
    pub records: u64,
    /// Records that some receiver wants and has not, each with a word on it.
    pub accounted: u64,
    /// A print of the history after each step, with the time.
    trail: Vec<(u64, u64)>,
}

/// Runs a plan, twice: the second run must be as the first.
#[must_use]
pub fn run(plan: &Plan, houses: &[House]) -> Outcome {
    run_unless(plan, houses, &|| false).unwrap_or_default()
}

/// The same, unless nobody waits for it any more: `is_over` is asked at every step, and a life that it ends has no outcome. What
/// has been found is not given up any more.
#[must_use]
pub fn run_unless(plan: &Plan, houses: &[House], is_over: &dyn Fn() -> bool) -> Option<Outcome> {
    let first = once(plan, houses, true, is_over)?;
    if let Some(finding) = &first.finding {
        let second = once(plan, houses, true, &|| false)?.finding;
        if second.as_ref() == Some(finding) {
            return Some(first);
        }
        let second = second.map_or_else(|| "finds nothing".to_owned(), |second| format!("finds: {second}"));
        let what = format!("{}; and a second run of the same plan {second}", finding.what);
        return Some(Outcome { finding: Some(Finding { what, ..finding.clone() }), ..first });
    }
    // A history that is the same has been judged already.
    let second = once(plan, houses, false, is_over)?;
    if let Some(finding) = second.finding {
        let what = format!("in a second run of the same plan, and not in the first: {}", finding.what);
        return Some(Outcome { finding: Some(Finding { what, ..finding }), ..first });
    }
    let differs = first.trail.iter().zip(&second.trail).find(|(one, other)| one != other);
    let at = differs.map(|(one, _)| one.0).or_else(|| {
        (first.trail.len() != second.trail.len()).then(|| first.trail.last().map_or(0, |last| last.0))
    });
    let finding = at.map(|at| Finding {
        at,
        node: None,
        what: "a second run of the same plan goes another way from here on".to_owned(),
    });
    Some(Outcome { finding, ..first })
}

/// Runs a plan once, unless it is given up. A panic is a finding.
fn once(plan: &Plan, houses: &[House], thorough: bool, is_over: &dyn Fn() -> bool) -> Option<Outcome> {
    hush();
    QUIET.set(true);
    let clock = Virtual::enter(0);
    let outcome = catch_unwind(AssertUnwindSafe(|| world::run(&clock, plan, houses, thorough, is_over)));
    QUIET.set(false);
    outcome.unwrap_or_else(|payload| {
        let words = payload.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no words");
        let what = format!("panicked: {words}");
        let finding = Some(Finding { at: clock.now(), node: None, what });
        Some(Outcome { finding, ..Outcome::default() })
    })
}

thread_local! {
    /// This thread says itself what becomes of its panics.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Panics of a run are findings, told once, and not noise on the terminal as well.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
}
