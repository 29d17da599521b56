//! What satellites see, and what goes wrong with them and on the wires to them.

use campanile_core::program::image::hash;

use super::{SECOND, Scene};
use crate::node::House;
use crate::prng::Prng;
use crate::swarm::house::Rulebook;
use crate::swarm::plan::{Deed, Item, Leaves, WireFault};

/// Both ends say every second that they are there: a longer life costs much and shows nothing more.
pub(super) const LONGEST: u64 = 1_200 * SECOND;

impl Scene<'_> {
    /// The satellites' part of a node's life.
    pub(super) fn satellites(&self, prng: &Prng, items: &mut Vec<Item>) {
        for (place, satellite) in (0u8..).zip(&self.house.satellites) {
            let house = House::new(satellite.image.clone(), satellite.symbols.clone());
            let Ok(book) = Rulebook::new(std::slice::from_ref(&house)) else { continue };
            let Some(rules) = book.of(hash(&house.image)) else { continue };
            let there = Scene {
                node: self.node,
                satellite: Some(place),
                until: self.until,
                house: &house,
                houses: self.houses,
                rules,
                spans: book.spans(),
            };
            let prng = prng.fork(&format!("satellite {place}"));
            there.life(&mut prng.fork("stimuli"), items);
            there.accidents(&mut prng.fork("faults"), items);
        }
    }

    fn life(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        self.visits(prng, items);
        if prng.chance(1, 3) {
            self.trouble(prng, items);
        }
    }

    fn accidents(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        // Over a wire that works, to a satellite that works, nothing may be missing at all.
        if prng.chance(1, 4) {
            return;
        }
        self.some(prng, items, 1, 2, |prng| Deed::Kill { off: self.off(prng) });
        self.some(prng, items, 1, 3, |prng| Deed::Cut { off: self.off(prng), leaves: Leaves::Nothing });
        if !self.house.symbols.outputs.is_empty() {
            self.some(prng, items, 1, 4, |prng| Deed::Jam {
                output: prng.pick(&self.house.symbols.outputs).name.clone(),
                span: self.span(prng, 20 * SECOND),
            });
        }
        for _ in 0..2 {
            self.some(prng, items, 4, 5, |prng| Deed::Wire {
                fault: wire_fault(prng),
                span: self.span(prng, 60 * SECOND),
            });
        }
        // Where there is no flash, nothing comes of it.
        self.some(prng, items, 2, 3, |prng| Deed::Break {
            bytes: prng.below(400) as u32,
            off: self.off(prng),
            power: Some(Leaves::Nothing),
        });
    }
}

fn wire_fault(prng: &mut Prng) -> WireFault {
    match prng.below(6) {
        0 | 1 => WireFault::Out,
        2 => WireFault::Noise(*prng.pick(&[1, 2, 3, 10])),
        3 => WireFault::Late(*prng.pick(&[5_000, 400_000, 5_000_000])),
        4 => WireFault::Deaf,
        _ => WireFault::Dumb,
    }
}
