//! How nodes are built: capacities, options, clocks.

use super::SECOND;
use crate::house::House;
use crate::node::Size;
use crate::prng::Prng;
use crate::swarm::plan::{
    FlashPlan, JournalPlan, KeptPlan, NodePlan, SatellitePlan, SinkPlan, Waiting, Wants, ZonePlan,
};
use crate::swarm::ports;

/// The nights of 2026 and 2027 in which clocks change, in seconds since 1970.
const NIGHTS: [i64; 4] = [1_774_746_000, 1_792_890_000, 1_806_195_600, 1_824_944_400];

/// A node that begins with the first of these houses, and takes the others, too.
pub(super) fn node(prng: &mut Prng, houses: &[House]) -> NodePlan {
    let size = |prng: &mut Prng| size(prng, &Size::ALL, houses.iter().map(|house| house.image.as_slice()));
    let slack = *prng.pick(&[0, 500, 500, 2_000]);
    NodePlan {
        size: size(prng),
        slack,
        capture: match prng.below(4) {
            0 | 1 => 0,
            2 => slack,
            _ => slack * 3,
        },
        wake: *prng.pick(&[0, 0, 50, 1_000, 20_000, 90_000]),
        clock: *prng.pick(&[0, 1, 3 * SECOND, 86_400 * SECOND, 1 << 40]),
        drift: *prng.pick(&[0, 0, 20, -50, 400, -400]),
        zone: zone(&mut prng.fork("zone")),
        journal: journal(prng),
        sinks: (0..prng.between(1, 2)).map(|_| sink(prng)).collect(),
        satellites: ports::ports(houses).into_iter().map(|port| satellite(prng, houses, port)).collect(),
    }
}

fn journal(prng: &mut Prng) -> JournalPlan {
    JournalPlan {
        // A file may say 256 KiB: ten segments. These are shorter, and no fewer than what a receiver's refusals, all at
        // once, leave of them: with three, the last checkpoint went before the loop had its turn to make another.
        size: *prng.pick(&[24 * 1024, 40 * 1024, 120 * 1024, 400 * 1024]),
        sync: *prng.pick(&[0, 200_000, 200_000, 2 * SECOND]),
        linger: *prng.pick(&[0, 20_000, 20_000]),
        memory: *prng.pick(&[4 * 1024, 64 * 1024, 1 << 20]),
        keep: prng.chance(1, 4),
        age: *prng.fork("age").pick(&[0, 0, 0, 0, 2 * SECOND, 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND]),
    }
}

/// Without summer time, or as in the middle of Europe in two years.
fn zone(prng: &mut Prng) -> ZonePlan {
    let (winter, summer) = (3_600, 7_200);
    match prng.below(4) {
        0 => ZonePlan::default(),
        1 => ZonePlan {
            offset: *prng.pick(&[3_600, -18_000, 20_700, 45_900, -34_200, 50_400]),
            changes: Vec::new(),
        },
        _ => {
            ZonePlan { offset: winter, changes: NIGHTS.into_iter().zip([summer, winter].repeat(2)).collect() }
        }
    }
}

fn sink(prng: &mut Prng) -> SinkPlan {
    SinkPlan {
        wants: *prng.pick(&[Wants::Everything, Wants::Everything, Wants::Decisions, Wants::Events]),
        window: *prng.pick(&[1, 2, 16, 100]),
        retry: *prng.pick(&[10_000, 250_000, SECOND]),
        pace: *prng.pick(&[0, 0, 0, 500]),
        latency: *prng.pick(&[10, 2_000, 60_000, 400_000]),
        rings: None,
    }
}

fn satellite(prng: &mut Prng, houses: &[House], port: &str) -> SatellitePlan {
    let images = ports::at(houses, port).map(|house| house.image.as_slice());
    SatellitePlan {
        size: size(prng, &[Size::Small, Size::Brim, Size::Tiny], images),
        drift: *prng.pick(&[0, 20, -50, 2_000, -2_000]),
        linked: prng.below(4) as u8,
        flash: flash(&mut prng.fork("flash")),
        kept: kept(&mut prng.fork("kept")),
        ..edges(&mut prng.fork("edges"))
    }
}

/// How edges come in. An interrupt waits for critical sections, or for a page of flash that is erased meanwhile; so does the loop.
fn edges(prng: &mut Prng) -> SatellitePlan {
    SatellitePlan {
        interrupt: *prng.pick(&[0, 0, 5, 300, 21_000]),
        waiting: *prng.pick(&[Waiting::Firmware, Waiting::Firmware, Waiting::Few, Waiting::One]),
        wake: *prng.pick(&[0, 0, 50, 2_000, 21_000]),
        unmaskable: prng.chance(1, 3),
        ..SatellitePlan::default()
    }
}

/// Of one in three not everything is.
fn kept(prng: &mut Prng) -> Option<KeptPlan> {
    prng.chance(1, 3).then(|| KeptPlan {
        size: *prng.pick(&[24 * 1024, 24 * 1024, 120 * 1024]),
        age: *prng.pick(&[0, 2 * SECOND, 60 * SECOND, 600 * SECOND]),
    })
}

/// One of the sizes into which all these programs fit. What fits into none is for the run to say.
fn size<'a>(prng: &mut Prng, sizes: &[Size], programs: impl Iterator<Item = &'a [u8]> + Clone) -> Size {
    let fits = |size: &Size| programs.clone().all(|image| size.fits(image).is_ok());
    let sizes: Vec<Size> = sizes.iter().copied().filter(fits).collect();
    if sizes.is_empty() { Size::Room } else { *prng.pick(&sizes) }
}

/// Two in three have one.
fn flash(prng: &mut Prng) -> Option<FlashPlan> {
    prng.chance(2, 3).then(|| FlashPlan {
        pages: *prng.pick(&[4, 6, 12, 24]),
        endurance: *prng.pick(&[0, 0, 0, 0, 2, 5, 20]),
    })
}
