//! From a seed to a plan. A seed draws first what kinds of things happen at all and how often, and then the things:
//! lives that differ in kind find more than lives that are all an average of everything.

mod build;
mod faults;
mod satellites;
mod stimuli;

use super::rules::{Rulebook, Rules};
use campanile_core::program::image::hash;

use super::plan::{Deed, Item, Plan, Ring};
use crate::house::House;
use crate::prng::Prng;

const SECOND: u64 = 1_000_000;

/// The plan of a seed for a house; the first of `houses` runs at the beginning, the others may be swapped in.
///
/// A house whose images cannot be read gives an empty plan, whose run says so.
#[must_use]
pub fn draw(seed: u64, houses: &[House]) -> Plan {
    let root = Prng::new(seed);
    let mut plan = Plan { seed, until: 0, nodes: Vec::new(), items: Vec::new() };
    let (Some(house), Ok(book)) = (houses.first(), Rulebook::new(houses)) else { return plan };
    let Some(rules) = book.of(hash(&house.image)) else { return plan };
    let mut shape = root.fork("shape");
    let count = if shape.chance(1, 6) { shape.between(2, 3) } else { 1 };
    // What only recurs is no longer interesting after some hundred times.
    plan.until = length(&mut shape).min(book.busiest.saturating_mul(300)).max(2 * SECOND);
    if houses.iter().any(|house| !house.satellites.is_empty()) {
        plan.until = plan.until.min(satellites::LONGEST);
    }
    plan.nodes = (0..count).map(|_| build::node(&mut shape, houses)).collect();
    for node in 0..count {
        let prng = root.fork(&format!("node {node}"));
        let (until, spans) = (plan.until, book.spans());
        let nights = plan.nodes[node as usize].zone.changes.iter().map(|(at, _)| *at).collect();
        let scene = Scene { node: node as u8, satellite: None, until, house, houses, rules, spans, nights };
        scene.stimuli(&mut prng.fork("stimuli"), &mut plan.items);
        scene.faults(&mut prng.fork("faults"), &plan.nodes[node as usize], &mut plan.items);
        scene.satellites(&prng, &mut plan.items);
        if count > 1 {
            let mut prng = prng.fork("rings");
            for sink in &mut plan.nodes[node as usize].sinks {
                let ask = if prng.chance(1, 2) { scene.an_ask(&mut prng) } else { None };
                sink.rings = ask.map(|ask| Ring { node: ((node + 1) % count) as u8, ask });
            }
        }
    }
    // What comes first of an instant is drawn too.
    shuffle(&mut root.fork("order"), &mut plan.items);
    plan.items.sort_by_key(|item| item.at);
    plan
}

fn shuffle<T>(prng: &mut Prng, items: &mut [T]) {
    for place in (1..items.len()).rev() {
        items.swap(place, prng.below(place as u64 + 1) as usize);
    }
}

/// From seconds to months; the short ones are dense, and the long ones cheap where little recurs.
fn length(prng: &mut Prng) -> u64 {
    match prng.below(8) {
        0 => prng.between(2, 10) * SECOND,
        1..=3 => prng.between(10, 120) * SECOND,
        4 | 5 => prng.between(120, 1_800) * SECOND,
        6 => prng.between(1_800, 14_400) * SECOND,
        _ => prng.between(1, 90) * 86_400 * SECOND,
    }
}

/// One node's part of a plan.
struct Scene<'a> {
    node: u8,
    /// It is about this satellite of the node.
    satellite: Option<u8>,
    until: u64,
    house: &'a House,
    houses: &'a [House],
    /// Of the house.
    rules: &'a Rules,
    /// Spans that mean something to the house: what happens just then is what goes wrong.
    spans: Vec<u64>,
    /// When clocks change there, in seconds since 1970.
    nights: Vec<i64>,
}

impl Scene<'_> {
    fn put(&self, items: &mut Vec<Item>, at: u64, deed: Deed) {
        self.put_on(self.satellite, items, at, deed);
    }

    /// It befalls a satellite, or the node itself.
    fn put_on(&self, satellite: Option<u8>, items: &mut Vec<Item>, at: u64, deed: Deed) {
        if at < self.until {
            items.push(Item { at, node: self.node, satellite, deed });
        }
    }

    /// Some moment; often a round one, so that things meet.
    fn moment(&self, prng: &mut Prng) -> u64 {
        let at = prng.below(self.until.max(1));
        match prng.below(4) {
            0 => at,
            1 | 2 => at / 1_000 * 1_000,
            _ => at / 50_000 * 50_000,
        }
    }

    /// A span: one of the house's own, to the microsecond or nearly so, or any.
    fn span(&self, prng: &mut Prng, most: u64) -> u64 {
        if !self.spans.is_empty() && prng.chance(1, 2) {
            let span = *prng.pick(&self.spans);
            match prng.below(4) {
                0 => return span.saturating_sub(1).min(most),
                1 => return (span + 1).min(most),
                _ => return span.min(most),
            }
        }
        // Of all orders of magnitude alike.
        let digits = prng.below(u64::from(most.max(2).ilog2())) as u32;
        (prng.between(1, 2) << digits).min(most) + prng.below(1 << digits.min(20))
    }
}
