//! Shorter in time: whoever lives a plan again waits for nothing that it does not take.

use super::{Best, Shrinker};
use crate::swarm::plan::Plan;

/// What a wait, or a span, may become, in microseconds; besides half of it.
const SHORTER: [u64; 4] = [0, 1_000, 100_000, 1_000_000];

impl Shrinker<'_> {
    /// Less time before each item, for what each does, and behind the last.
    pub(super) fn sooner(&mut self, best: &mut Best) {
        for place in 0..best.0.items.len() {
            let before = place.checked_sub(1).map_or(0, |before| best.0.items[before].at);
            let wait = best.0.items[place].at.saturating_sub(before);
            for shorter in shorter(wait) {
                if self.try_plan(best, earlier(&best.0, place, wait - shorter)) {
                    break;
                }
            }
            let mut deed = best.0.items[place].deed.clone();
            let Some((_, span)) = deed.time() else { continue };
            for shorter in shorter(*span).filter(|shorter| *shorter > 0) {
                let mut plan = best.0.clone();
                span_of(&mut plan, place, shorter);
                if self.try_plan(best, plan) {
                    break;
                }
            }
        }
        let last = best.0.items.last().map_or(0, |item| item.at);
        for rest in shorter(best.0.until.saturating_sub(last)) {
            if self.try_plan(best, Plan { until: last + rest.max(1), ..best.0.clone() }) {
                break;
            }
        }
    }
}

/// The shortest first.
fn shorter(span: u64) -> impl Iterator<Item = u64> {
    SHORTER.into_iter().filter(move |shorter| *shorter < span / 2).chain((span > 1).then_some(span / 2))
}

/// All that comes from an item on comes so much earlier.
fn earlier(plan: &Plan, place: usize, by: u64) -> Plan {
    let mut plan = plan.clone();
    plan.items[place..].iter_mut().for_each(|item| item.at -= by);
    plan.until = plan.until.saturating_sub(by);
    plan
}

fn span_of(plan: &mut Plan, place: usize, to: u64) {
    if let Some((_, span)) = plan.items[place].deed.time() {
        *span = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::plan::{Deed, Item, NodePlan};

    #[test]
    fn an_item_takes_those_behind_it_along() {
        let item = |at| Item { at, node: 0, satellite: None, deed: Deed::Stall { span: 8 } };
        let nodes = vec![NodePlan::default()];
        let plan = Plan { seed: 1, until: 100, nodes, items: vec![item(10), item(40), item(50)] };
        let plan = earlier(&plan, 1, 25);
        let ats: Vec<u64> = plan.items.iter().map(|item| item.at).collect();
        assert_eq!((ats, plan.until), (vec![10, 15, 25], 75));
        assert_eq!(shorter(3).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(shorter(0).count() + shorter(1).count(), 0);
        assert_eq!(shorter(300_000).collect::<Vec<_>>(), [0, 1_000, 100_000, 150_000]);
    }
}
