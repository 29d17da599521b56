//! What satellites see, and what goes wrong with them and on the wires to them.

use campanile_core::program::image::hash;

use super::{SECOND, Scene};
use crate::house::House;
use crate::prng::Prng;
use crate::swarm::plan::{Ask, Deed, FlashFault, Item, Leaves, Rots, WireFault};
use crate::swarm::ports;
use crate::swarm::rules::Rulebook;

/// Both ends say every second that they are there: a longer life costs much and shows nothing more.
pub(super) const LONGEST: u64 = 1_200 * SECOND;

impl Scene<'_> {
    /// The satellites' part of a node's life.
    pub(super) fn satellites(&self, prng: &Prng, items: &mut Vec<Item>) {
        for (place, port) in (0u8..).zip(ports::ports(self.houses)) {
            let Some(satellite) = ports::at(self.houses, port).next() else { continue };
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
                nights: Vec::new(),
            };
            let prng = prng.fork(&format!("satellite {place}"));
            there.life(&mut prng.fork("stimuli"), items);
            there.accidents(&mut prng.fork("faults"), items);
            there.requests(&mut prng.fork("requests"), items);
            there.takeovers(&mut prng.fork("takeovers"), items);
        }
    }

    fn life(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        self.visits(prng, items);
        if prng.chance(1, 3) {
            self.trouble(prng, items);
        }
    }

    /// People ask its program for something, by way of the house.
    fn requests(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        for id in 0..prng.below(8) as u32 {
            let Some(ask) = self.an_ask(prng) else { return };
            // Its outputs are the house's to set, and its inputs nobody's to play.
            if !matches!(ask, Ask::Set(..) | Ask::Press(..)) {
                let late = if prng.chance(1, 8) { prng.between(20, 31) * SECOND } else { 0 };
                self.put(items, self.moment(prng), Deed::Command { ask, id, late });
            }
        }
    }

    /// Lines are restless while another program comes over and takes over.
    fn takeovers(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        if self.houses.len() < 2 || !prng.chance(1, 3) {
            return;
        }
        for _ in 0..prng.between(1, 3) {
            let at = self.moment(prng);
            self.put_on(None, items, at, Deed::Swap { house: prng.below(256) as u8 });
            for input in &self.house.symbols.inputs {
                let (count, every) = (prng.between(20, 200) as u32, prng.between(300, 10_000) as u32);
                self.put(items, at, Deed::Edges { input: input.name.clone(), count, every });
            }
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
        for _ in 0..2 {
            self.some(prng, items, 2, 3, |prng| Deed::Break {
                bytes: prng.below(400) as u32,
                off: self.off(prng),
                power: Some(Leaves::Nothing),
            });
        }
        if prng.chance(1, 8) {
            self.some(prng, items, 1, 1, |prng| Deed::Flash { fault: flash_fault(prng) });
        }
        if prng.chance(1, 8) {
            self.some(prng, items, 1, 1, |prng| Deed::Exchange { off: self.off(prng) });
        }
        if prng.chance(1, 2) {
            self.squeeze(prng, items);
        }
        if prng.chance(1, 2) {
            self.echo(prng, items);
        }
        // What its house has of it.
        if prng.chance(1, 6) {
            self.some(prng, items, 1, 1, |prng| Deed::Rot {
                of: *prng.pick(&[Rots::Segment, Rots::Segment, Rots::Boot, Rots::Program]),
                segment: prng.below(1 << 16) as u32,
                byte: prng.below(1 << 20) as u32,
            });
        }
    }

    /// For a moment little of what it says gets over, and more happens than its memory holds; both ends stay with each other.
    /// Gone by then is what happened first: an input moved, and rests since.
    fn squeeze(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        for _ in 0..prng.between(1, 3) {
            let at = self.moment(prng);
            let (Some(rests), Some(storms)) = (self.an_input(prng), self.an_input(prng)) else { return };
            let fault =
                *prng.pick(&[WireFault::Dumb, WireFault::Deaf, WireFault::Noise(1), WireFault::Noise(2)]);
            self.put(items, at, Deed::Wire { fault, span: prng.between(SECOND / 20, 2 * SECOND) });
            let on = prng.chance(1, 2);
            for (at, on) in [(at.saturating_sub(2 * SECOND), !on), (at + prng.below(SECOND / 10), on)] {
                self.put(items, at, Deed::Touch { input: rests.clone(), on, bounce: Vec::new() });
            }
            let count = 2 * prng.between(60, 200) as u32;
            let at = at + prng.between(SECOND / 50, SECOND / 5);
            self.put(items, at, Deed::Edges { input: storms, count, every: prng.between(5, 1_000) as u32 });
        }
    }

    /// What is said arrives late, and a second time: behind resets of either end.
    fn echo(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        let (from, most) = (self.moment(prng), *prng.pick(&[600_000, 2_000_000, 5_000_000]));
        self.put(items, from, Deed::Wire { fault: WireFault::Late(most), span: 10 * SECOND });
        for _ in 0..prng.between(1, 4) {
            let at = from + prng.below(10 * SECOND);
            if let Some(input) = self.an_input(prng) {
                self.put(items, at, Deed::Touch { input, on: prng.chance(1, 2), bounce: Vec::new() });
            }
            let at = at + prng.below(SECOND);
            let of = self.satellite.filter(|_| prng.chance(1, 2));
            self.put_on(of, items, at, Deed::Kill { off: prng.between(1, SECOND) });
        }
    }
}

fn flash_fault(prng: &mut Prng) -> FlashFault {
    if prng.chance(1, 3) { FlashFault::Dead } else { FlashFault::Page(prng.below(128) as u8) }
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
