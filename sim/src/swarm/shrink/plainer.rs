//! Fewer nodes, and fewer peculiarities of each: every option by itself goes back to its default.

use super::{Best, Shrinker};
use crate::swarm::plan::{JournalPlan, NodePlan, Plan, Ring, SatellitePlan, SinkPlan};

/// Takes something back to what it is in the second.
type Change<T> = fn(&mut T, &T);

const NODE: [Change<NodePlan>; 9] = [
    |node, plain| node.size = plain.size,
    |node, plain| node.slack = plain.slack,
    |node, plain| node.capture = plain.capture,
    |node, plain| node.wake = plain.wake,
    |node, plain| node.clock = plain.clock,
    |node, plain| node.drift = plain.drift,
    |node, plain| node.zone = plain.zone.clone(),
    |node, _| node.zone.changes.clear(),
    |node, plain| node.satellites = plain.satellites.clone(),
];

const JOURNAL: [Change<JournalPlan>; 7] = [
    |journal, plain| *journal = plain.clone(),
    |journal, plain| journal.size = plain.size,
    |journal, plain| journal.sync = plain.sync,
    |journal, plain| journal.linger = plain.linger,
    |journal, plain| journal.memory = plain.memory,
    |journal, plain| journal.keep = plain.keep,
    |journal, plain| journal.age = plain.age,
];

const SINK: [Change<SinkPlan>; 7] = [
    |sink, plain| *sink = plain.clone(),
    |sink, plain| sink.wants = plain.wants,
    |sink, plain| sink.window = plain.window,
    |sink, plain| sink.retry = plain.retry,
    |sink, plain| sink.pace = plain.pace,
    |sink, plain| sink.latency = plain.latency,
    |sink, plain| sink.rings = plain.rings.clone(),
];

const SATELLITE: [Change<SatellitePlan>; 12] = [
    |satellite, plain| *satellite = plain.clone(),
    |satellite, plain| satellite.size = plain.size,
    |satellite, plain| satellite.drift = plain.drift,
    |satellite, plain| satellite.interrupt = plain.interrupt,
    |satellite, plain| satellite.waiting = plain.waiting,
    |satellite, plain| satellite.unmaskable = plain.unmaskable,
    |satellite, plain| satellite.wake = plain.wake,
    |satellite, plain| satellite.linked = plain.linked,
    |satellite, plain| satellite.flash = plain.flash.clone(),
    |satellite, _| satellite.flash.iter_mut().for_each(|flash| flash.endurance = 0),
    |satellite, plain| satellite.kept = plain.kept.clone(),
    |satellite, _| satellite.kept.iter_mut().for_each(|kept| kept.age = 0),
];

impl Shrinker<'_> {
    /// Fewer nodes.
    pub(super) fn nodes(&mut self, best: &mut Best) {
        for node in (0..best.0.nodes.len()).rev() {
            if best.0.nodes.len() > 1 {
                self.try_plan(best, without(&best.0, node));
            }
        }
    }

    /// Fewer peculiarities of the nodes.
    pub(super) fn options(&mut self, best: &mut Best) {
        for node in 0..best.0.nodes.len() {
            self.changes(best, &NODE, |plan| plan.nodes.get_mut(node));
            self.changes(best, &JOURNAL, |plan| Some(&mut plan.nodes.get_mut(node)?.journal));
            for sink in (0..best.0.nodes[node].sinks.len()).rev() {
                let mut plan = best.0.clone();
                plan.nodes[node].sinks.remove(sink);
                if !self.try_plan(best, plan) {
                    self.changes(best, &SINK, |plan| plan.nodes.get_mut(node)?.sinks.get_mut(sink));
                }
            }
            for place in 0..best.0.nodes[node].satellites.len() {
                self.changes(best, &SATELLITE, |plan| plan.nodes.get_mut(node)?.satellites.get_mut(place));
            }
        }
    }

    /// Tries each change by itself on one part of the plan.
    fn changes<T: Default>(
        &mut self,
        best: &mut Best,
        changes: &[Change<T>],
        part: impl Fn(&mut Plan) -> Option<&mut T>,
    ) {
        for change in changes {
            let mut plan = best.0.clone();
            if let Some(part) = part(&mut plan) {
                change(part, &T::default());
            }
            self.try_plan(best, plan);
        }
    }
}

/// Nothing happens to that node any more, and nobody rings there; those behind it have other numbers.
fn without(plan: &Plan, gone: usize) -> Plan {
    let mut plan = plan.clone();
    plan.nodes.remove(gone);
    plan.items.retain(|item| usize::from(item.node) != gone);
    let sinks = plan.nodes.iter_mut().flat_map(|node| &mut node.sinks);
    let rings: Vec<&mut Option<Ring>> = sinks.map(|sink| &mut sink.rings).collect();
    let mut numbers: Vec<&mut u8> = plan.items.iter_mut().map(|item| &mut item.node).collect();
    for rings in rings {
        rings.take_if(|ring| usize::from(ring.node) == gone);
        numbers.extend(rings.as_mut().map(|ring| &mut ring.node));
    }
    numbers.into_iter().filter(|node| usize::from(**node) > gone).for_each(|node| *node -= 1);
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::House;
    use crate::swarm::plan::{Ask, Deed, FlashPlan, Item, KeptPlan, Waiting, Wants, ZonePlan};
    use crate::swarm::shrink::shrink;
    use crate::swarm::{Finding, run};
    use crate::testing::doorbell;
    use std::ops::ControlFlow;

    fn sink_that_rings(node: u8) -> SinkPlan {
        SinkPlan { rings: Some(Ring { node, ask: Ask::Let("rings".into(), 0) }), ..SinkPlan::default() }
    }

    #[test]
    fn who_rang_at_a_node_behind_rings_there_still() {
        let node = |rings| NodePlan { sinks: vec![sink_that_rings(rings)], ..NodePlan::default() };
        let item = |node| Item { at: 1, node, satellite: None, deed: Deed::Stall { span: 8 } };
        let (nodes, items) = (vec![node(1), node(2), node(0)], vec![item(0), item(1), item(2)]);
        let plan = without(&Plan { seed: 1, until: 9, nodes, items }, 1);
        let rings = |node: &NodePlan| node.sinks[0].rings.as_ref().map(|ring| ring.node);
        assert_eq!(plan.nodes.iter().map(rings).collect::<Vec<_>>(), [None, Some(0)]);
        assert_eq!(plan.items.iter().map(|item| item.node).collect::<Vec<_>>(), [0, 1]);
    }

    /// With all that a node can be. A house whose program is no program fails always.
    #[test]
    fn nothing_stays_that_is_not_needed_for_a_failure() {
        let flash = Some(FlashPlan { pages: 4, endurance: 9 });
        let journal = JournalPlan { size: 1 << 16, sync: 1, linger: 1, memory: 1, keep: true, age: 1 };
        let (latency, pace, retry, window) = (1, 1, 1, 1);
        let peculiar = NodePlan {
            size: crate::node::Size::Tiny,
            slack: 1,
            capture: 1,
            wake: 1,
            clock: 1,
            drift: 1,
            zone: ZonePlan { offset: 3_600, changes: vec![(9, 7_200)] },
            journal,
            sinks: vec![SinkPlan {
                wants: Wants::Events,
                window,
                retry,
                pace,
                latency,
                ..sink_that_rings(0)
            }],
            satellites: vec![SatellitePlan { drift: 1, linked: 1, flash, ..SatellitePlan::default() }],
        };
        let plan = Plan { seed: 1, until: 9, nodes: vec![peculiar; 2], items: Vec::new() };
        let broken = [House::new(vec![1, 2, 3], doorbell().symbols)];
        let finding: Finding = run(&plan, &broken).finding.expect("no image");
        let shrunk = shrink(plan, finding, &broken, 500, &mut |_| ControlFlow::Continue(()));
        assert_eq!(shrunk.plan.nodes, [NodePlan::default()]);
        assert!(shrunk.is_shortest);
    }

    /// No entry of a table does nothing, or what another does.
    #[test]
    fn each_option_is_tried_by_itself() {
        fn apart<T: Default + Clone + PartialEq>(full: &T, changes: &[Change<T>]) -> usize {
            let changed = |change: &Change<T>| {
                let mut one = full.clone();
                change(&mut one, &T::default());
                one
            };
            let results: Vec<T> = changes.iter().map(changed).collect();
            let differs = |(place, one): (usize, &T)| one != full && !results[..place].contains(one);
            results.iter().enumerate().filter(|one| differs(*one)).count()
        }
        let journal = JournalPlan { size: 1, sync: 1, linger: 1, memory: 1, keep: true, age: 1 };
        assert_eq!(apart(&journal, &JOURNAL), JOURNAL.len());
        let (flash, kept) = (FlashPlan { pages: 4, endurance: 1 }, KeptPlan { size: 1, age: 1 });
        let (flash, kept) = (Some(flash), Some(kept));
        let (interrupt, waiting, unmaskable, wake) = (1, Waiting::Few, true, 1);
        let (size, drift, linked) = (crate::node::Size::Tiny, 1, 1);
        let satellite =
            SatellitePlan { size, drift, interrupt, waiting, unmaskable, wake, linked, flash, kept };
        assert_eq!(apart(&satellite, &SATELLITE), SATELLITE.len());
        let (latency, pace, retry, window) = (1, 1, 1, 1);
        let sink = SinkPlan { wants: Wants::Events, window, retry, pace, latency, ..sink_that_rings(0) };
        assert_eq!(apart(&sink, &SINK), SINK.len());
    }
}
