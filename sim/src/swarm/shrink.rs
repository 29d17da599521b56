//! Shortens a plan that fails to one that still fails and cannot be shortened any more: delta debugging over its items,
//! then each item made simpler, then every option taken back to its default.

mod plainer;
mod sooner;

use std::cell::RefCell;
use std::ops::ControlFlow;

use super::plan::{Deed, Plan};
use super::{Finding, run_unless};
use crate::house::House;

/// What is left of a plan.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The shorter plan.
    pub plan: Plan,
    /// What is wrong with it.
    pub finding: Finding,
    /// How many plans were tried.
    pub tries: u32,
    /// It cannot be shortened any more; else the tries were used up, or somebody had seen enough.
    pub is_shortest: bool,
}

/// How far it has come, before a try or in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many plans were tried.
    pub tries: u32,
    /// How many items the shortest so far has.
    pub items: usize,
}

/// Shortens `plan`, whose run ends with `finding`, in at most `tries` runs. `watch` is shown each step, over and over
/// while that is tried, and ends it when it has seen enough. What is found on the way may be another thing than at
/// first, but is a finding of the same sort: its words begin alike.
#[must_use]
pub fn shrink(
    plan: Plan,
    finding: Finding,
    houses: &[House],
    tries: u32,
    watch: &mut dyn FnMut(Step) -> ControlFlow<()>,
) -> Shrunk {
    let mut shrinker = Shrinker { houses, kind: kind(&finding), tries: 0, most: tries, over: false, watch };
    let mut best = (plan, finding);
    loop {
        let before = best.0.clone();
        shrinker.nodes(&mut best);
        shrinker.items(&mut best);
        shrinker.simpler(&mut best);
        shrinker.sooner(&mut best);
        shrinker.options(&mut best);
        if best.0 == before || shrinker.over {
            let (plan, finding) = best;
            return Shrunk { plan, finding, tries: shrinker.tries, is_shortest: !shrinker.over };
        }
    }
}

/// The words of a finding without its numbers.
fn kind(finding: &Finding) -> String {
    let words = finding.what.split_whitespace().filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
    words.take(4).collect::<Vec<_>>().join(" ")
}

struct Shrinker<'a> {
    houses: &'a [House],
    kind: String,
    tries: u32,
    /// So many tries at most.
    most: u32,
    /// Nothing is tried any more.
    over: bool,
    watch: &'a mut dyn FnMut(Step) -> ControlFlow<()>,
}

type Best = (Plan, Finding);

impl Shrinker<'_> {
    /// Takes `plan` if it fails as the best one does.
    fn try_plan(&mut self, best: &mut Best, plan: Plan) -> bool {
        if plan == best.0 || self.over {
            return false;
        }
        let step = Step { tries: self.tries, items: best.0.items.len() };
        self.over = self.tries == self.most || (self.watch)(step).is_break();
        if self.over {
            return false;
        }
        let watch = RefCell::new(&mut self.watch);
        let Some(outcome) = run_unless(&plan, self.houses, &|| (watch.borrow_mut())(step).is_break()) else {
            self.over = true;
            return false;
        };
        self.tries += 1;
        match outcome.finding {
            Some(finding) if kind(&finding) == self.kind => {
                *best = (plan, finding);
                true
            }
            _ => false,
        }
    }

    /// Fewer items: halves first, then smaller and smaller parts.
    fn items(&mut self, best: &mut Best) {
        let mut size = best.0.items.len();
        while size > 0 && !self.over {
            let mut from = 0;
            while from < best.0.items.len() {
                let mut plan = best.0.clone();
                let to = (from + size).min(plan.items.len());
                plan.items.drain(from..to);
                if !self.try_plan(best, plan) {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    /// Simpler items, and an earlier end.
    fn simpler(&mut self, best: &mut Best) {
        let end = best.0.items.last().map_or(0, |item| item.at + 1_000_000);
        self.try_plan(best, Plan { until: end, ..best.0.clone() });
        for place in 0..best.0.items.len() {
            for deed in simpler(&best.0.items[place].deed) {
                let mut plan = best.0.clone();
                plan.items[place].deed = deed;
                if self.try_plan(best, plan) {
                    break;
                }
            }
        }
    }
}

/// What could stand in the place of a deed, the simplest first.
fn simpler(deed: &Deed) -> Vec<Deed> {
    match deed {
        Deed::Touch { input, on, bounce } if !bounce.is_empty() => {
            let cut =
                |len: usize| Deed::Touch { input: input.clone(), on: *on, bounce: bounce[..len].to_vec() };
            vec![cut(0), cut(bounce.len() / 4 * 2), cut(bounce.len() - 1)]
        }
        Deed::Edges { input, count, every } if *count > 1 => [2, 4, count / 4, count / 2, count - 1]
            .into_iter()
            .filter(|fewer| fewer < count && *fewer > 0)
            .map(|count| Deed::Edges { input: input.clone(), count, every: *every })
            .collect(),
        _ => Vec::new(),
    }
}
