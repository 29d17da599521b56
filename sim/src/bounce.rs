//! How contacts bounce. The figures are Ganssle's for sixteen switches: 1.6 ms on average, 6.2 ms at worst; the first
//! edge is prompt, press and release differ, and the gaps shrink as the blade comes to rest.

use crate::prng::Prng;

/// A kind of contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// A push button or toggle: `"switch"`.
    Switch,
    /// A reed contact beside a magnet, as in doors and windows: `"reed"`. Many short bounces within a millisecond;
    /// rarely the magnet passes the threshold so slowly that it chatters for some more.
    Reed,
    /// Water or dirt between contacts: `"wet"`. Few edges, far apart, for up to a tenth of a second.
    Wet,
}

impl Model {
    /// Every model with the name that a script gives it.
    pub const NAMES: [(&'static str, Self); 3] =
        [("switch", Self::Switch), ("reed", Self::Reed), ("wet", Self::Wet)];

    /// The model that a script names.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, model)| *model)
    }

    /// Draws the edges that follow the first one, in microseconds after it. Their number is even, so that alternating
    /// levels end where the first edge went.
    #[must_use]
    pub fn draw(self, press: bool, prng: &mut Prng) -> Vec<u32> {
        let (span, pairs) = match self {
            Self::Switch => (switch_span(press, prng), prng.between(1, if press { 6 } else { 4 })),
            Self::Reed if prng.chance(1, 20) => (prng.between(2_000, 8_000), prng.between(4, 12)),
            Self::Reed => (prng.between(50, 800), prng.between(1, 5)),
            Self::Wet => (prng.between(5_000, 100_000), prng.between(1, 3)),
        };
        shrinking(span, 2 * pairs, prng)
    }
}

/// How long a switch bounces, in microseconds. Of sixteen, one rests almost at once and one is as bad as 6.2 ms; most
/// lie between 0.4 and 2.4 ms. Releases are shorter here, as for most of those measured.
fn switch_span(press: bool, prng: &mut Prng) -> u64 {
    let span = match prng.below(16) {
        0 => prng.between(20, 200),
        1 => prng.between(4_500, 6_200),
        2..=4 => prng.between(2_000, 3_500),
        _ => prng.between(400, 2_000),
    };
    if press { span } else { (span * 3 / 4).max(20) }
}

/// `count` edges over `span` microseconds, each gap about three quarters of the one before, give or take a quarter.
fn shrinking(span: u64, count: u64, prng: &mut Prng) -> Vec<u32> {
    let mut weight = 1_000_000u64;
    let gaps: Vec<u64> = (0..count)
        .map(|_| {
            let gap = weight * prng.between(75, 125) / 100;
            weight = weight * 3 / 4;
            gap.max(1)
        })
        .collect();
    let whole: u64 = gaps.iter().sum();
    let mut passed = 0;
    let mut last = 0;
    gaps.iter()
        .map(|gap| {
            passed += gap;
            // Two edges of one line are at least a microsecond apart.
            last = (span * passed / whole).max(last + 1);
            u32::try_from(last).unwrap_or(u32::MAX)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(model: Model, press: bool) -> Vec<u32> {
        let mut prng = Prng::new(1).fork("bounce");
        (0..4_000).filter_map(|_| model.draw(press, &mut prng).last().copied()).collect()
    }

    fn mean(spans: &[u32]) -> u32 {
        (spans.iter().map(|span| u64::from(*span)).sum::<u64>() / spans.len() as u64) as u32
    }

    #[test]
    fn a_switch_bounces_as_measured() {
        let press = spans(Model::Switch, true);
        assert!((1_500..1_700).contains(&mean(&press)), "mean {} us", mean(&press));
        let worst = press.iter().max().copied().unwrap_or(0);
        assert!((6_000..=6_200).contains(&worst), "worst {worst} us");
        assert!(mean(&spans(Model::Switch, false)) < mean(&press), "releases are shorter");
    }

    #[test]
    fn edges_come_in_pairs_and_in_order() {
        let mut prng = Prng::new(2);
        for (name, model) in Model::NAMES {
            for press in [true, false] {
                for _ in 0..500 {
                    let edges = model.draw(press, &mut prng);
                    assert!(edges.len() % 2 == 0 && !edges.is_empty(), "{name}: {edges:?}");
                    assert!(
                        edges[0] > 0 && edges.windows(2).all(|pair| pair[0] < pair[1]),
                        "{name}: {edges:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn gaps_shrink_on_the_whole() {
        let mut prng = Prng::new(3);
        let (mut early, mut late) = (0u64, 0u64);
        for _ in 0..500 {
            let edges = Model::Switch.draw(true, &mut prng);
            let half = edges[edges.len() / 2 - 1];
            early += u64::from(half);
            late += u64::from(edges[edges.len() - 1] - half);
        }
        assert!(late < early, "first halves {early} us, second halves {late} us");
    }

    #[test]
    fn every_model_has_a_name() {
        for (name, model) in Model::NAMES {
            assert_eq!(Model::named(name), Some(model));
        }
        assert_eq!(Model::named("rubber"), None);
    }
}
