//! How nodes are built: capacities, options, clocks.

use super::SECOND;
use crate::node::{House, SatelliteHouse, Size};
use crate::prng::Prng;
use crate::swarm::plan::{FlashPlan, JournalPlan, NodePlan, SatellitePlan, SinkPlan, Wants};

pub(super) fn node(prng: &mut Prng, house: &House) -> NodePlan {
    let sizes: Vec<Size> = Size::ALL.into_iter().filter(|size| size.fits(&house.image).is_ok()).collect();
    let slack = *prng.pick(&[0, 500, 500, 2_000]);
    NodePlan {
        size: if sizes.is_empty() { Size::Room } else { *prng.pick(&sizes) },
        slack,
        capture: match prng.below(4) {
            0 | 1 => 0,
            2 => slack,
            _ => slack * 3,
        },
        wake: *prng.pick(&[0, 0, 50, 1_000, 20_000, 90_000]),
        clock: *prng.pick(&[0, 1, 3 * SECOND, 86_400 * SECOND, 1 << 40]),
        drift: *prng.pick(&[0, 0, 20, -50, 400, -400]),
        journal: journal(prng),
        sinks: (0..prng.between(1, 2)).map(|_| sink(prng)).collect(),
        satellites: house.satellites.iter().map(|satellite| self::satellite(prng, satellite)).collect(),
    }
}

fn journal(prng: &mut Prng) -> JournalPlan {
    JournalPlan {
        size: *prng.pick(&[12 * 1024, 40 * 1024, 120 * 1024, 400 * 1024]),
        sync: *prng.pick(&[0, 200_000, 200_000, 2 * SECOND]),
        linger: *prng.pick(&[0, 20_000, 20_000]),
        memory: *prng.pick(&[4 * 1024, 64 * 1024, 1 << 20]),
        keep: prng.chance(1, 4),
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

fn satellite(prng: &mut Prng, house: &SatelliteHouse) -> SatellitePlan {
    // What fits into no small one is no satellite's, but that is for the run to say.
    let small = [Size::Small, Size::Brim, Size::Tiny];
    let sizes: Vec<Size> = small.into_iter().filter(|size| size.fits(&house.image).is_ok()).collect();
    SatellitePlan {
        size: if sizes.is_empty() { Size::Room } else { *prng.pick(&sizes) },
        drift: *prng.pick(&[0, 20, -50, 2_000, -2_000]),
        linked: prng.below(4) as u8,
        flash: flash(&mut prng.fork("flash")),
    }
}

/// Two in three have one.
fn flash(prng: &mut Prng) -> Option<FlashPlan> {
    prng.chance(2, 3).then(|| FlashPlan { pages: *prng.pick(&[4, 6, 12, 24]), endurance: 0 })
}
