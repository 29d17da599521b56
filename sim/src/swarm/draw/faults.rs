//! What goes wrong: with the process, the machine, the disk, and the way to the receivers.

use super::{SECOND, Scene};
use crate::prng::Prng;
use crate::swarm::plan::{Deed, DiskFault, Item, Leaves, NetFault, NodePlan, Rots};

impl Scene<'_> {
    pub(super) fn faults(&self, prng: &mut Prng, node: &NodePlan, items: &mut Vec<Item>) {
        // One life in four is calm: there, nothing may be missing at all.
        if prng.chance(1, 4) {
            return;
        }
        self.some(prng, items, 2, 3, |prng| Deed::Kill { off: self.off(prng) });
        self.some(prng, items, 1, 2, |prng| Deed::Stop { off: self.off(prng) });
        self.some(prng, items, 2, 3, |prng| Deed::Cut { off: self.off(prng), leaves: leaves(prng) });
        for most in [4_000, 300] {
            self.some(prng, items, 1, 2, |prng| Deed::Break {
                bytes: self.span(prng, most) as u32,
                off: self.off(prng),
                power: prng.chance(1, 2).then(|| leaves(prng)),
            });
        }
        self.some(prng, items, 1, 3, |prng| Deed::Stall { span: self.span(prng, 10 * SECOND) });
        self.some(prng, items, 1, 3, |prng| Deed::Lag {
            span: self.span(prng, 20 * SECOND),
            room: *prng.pick(&[0, 300, 2_000, 128 * 1024]),
        });
        if !self.house.symbols.outputs.is_empty() {
            self.some(prng, items, 1, 3, |prng| Deed::Jam {
                output: prng.pick(&self.house.symbols.outputs).name.clone(),
                span: self.span(prng, 20 * SECOND),
            });
        }
        if self.houses.len() > 1 {
            self.some(prng, items, 1, 2, |prng| Deed::Swap { house: prng.below(256) as u8 });
        }
        if prng.chance(1, 2) {
            self.some(prng, items, 2, 3, |prng| Deed::Disk {
                fault: disk_fault(prng),
                span: self.span(prng, 60 * SECOND),
            });
        }
        self.some(prng, items, 1, 3, |prng| Deed::Rot {
            of: *prng.pick(&[
                Rots::Segment,
                Rots::Segment,
                Rots::Checkpoint,
                Rots::Cursor,
                Rots::Boot,
                Rots::Program,
            ]),
            segment: prng.below(1 << 16) as u32,
            byte: prng.below(1 << 20) as u32,
        });
        if !node.sinks.is_empty() && prng.chance(2, 3) {
            self.some(prng, items, 4, 5, |prng| Deed::Net {
                sink: prng.below(4) as u8,
                fault: net_fault(prng),
                // In a long life a receiver may be away for days.
                span: self.span(prng, (30 * SECOND).max(self.until / 8)),
            });
        }
    }

    /// Up to six of a kind, in so many lives; one in three close behind some other item.
    pub(super) fn some(
        &self,
        prng: &mut Prng,
        items: &mut Vec<Item>,
        part: u64,
        whole: u64,
        deed: impl Fn(&mut Prng) -> Deed,
    ) {
        if !prng.chance(part, whole) {
            return;
        }
        let most = *prng.pick(&[1, 2, 6]);
        for _ in 0..prng.between(1, most) {
            let mut at = self.moment(prng);
            if !items.is_empty() && prng.chance(1, 3) {
                at = prng.pick(items).at + self.span(prng, SECOND);
            }
            let deed = deed(prng);
            self.put(items, at, deed);
        }
    }

    /// How long it is gone.
    pub(super) fn off(&self, prng: &mut Prng) -> u64 {
        self.span(prng, (20 * SECOND).max(self.until / 50)).max(1)
    }
}

fn leaves(prng: &mut Prng) -> Leaves {
    match prng.below(3) {
        0 => Leaves::Nothing,
        1 => Leaves::Bytes(prng.below(600) as u32),
        _ => Leaves::Sectors,
    }
}

fn disk_fault(prng: &mut Prng) -> DiskFault {
    match prng.below(7) {
        0 => DiskFault::Full,
        1 => DiskFault::ReadOnly,
        2 => DiskFault::Tears(prng.below(2_000) as u32),
        3 => DiskFault::Syncs,
        4 => DiskFault::Reads,
        5 => DiskFault::Forgets,
        _ => DiskFault::Flaky(prng.between(2, 20) as u8),
    }
}

fn net_fault(prng: &mut Prng) -> NetFault {
    match prng.below(8) {
        0 => NetFault::Partition,
        1 => NetFault::Dead,
        2 => NetFault::Forgets,
        3 => NetFault::Mute,
        4 => NetFault::Twice,
        5 => NetFault::Dies,
        6 => NetFault::Slow(prng.between(1_000, 3_000_000) as u32),
        _ => NetFault::Refuses(prng.between(1, 9) as u8),
    }
}
