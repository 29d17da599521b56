//! A clock of one's own: how a node of a simulated world sees the world's time.

/// A clock that was set at one moment and drifts from there. Monotonic, as the world's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lens {
    /// The moment in the world's time, microseconds.
    pub since: u64,
    /// What the clock showed then.
    pub showed: u64,
    /// How much faster it goes than the world, in millionths; from -500,000 to 500,000.
    pub drift_ppm: i32,
}

const MILLION: u128 = 1_000_000;

impl Lens {
    /// The world's own time.
    pub const CLEAR: Self = Self { since: 0, showed: 0, drift_ppm: 0 };

    /// What the clock shows at a moment of the world.
    #[must_use]
    pub fn local(&self, world: u64) -> u64 {
        let passed = world.saturating_sub(self.since);
        if self.drift_ppm == 0 {
            return self.showed.saturating_add(passed);
        }
        self.showed.saturating_add(narrow(u128::from(passed) * self.pace() / MILLION))
    }

    /// The first moment of the world at which the clock shows `local` or more.
    #[must_use]
    pub fn world(&self, local: u64) -> u64 {
        let passed = local.saturating_sub(self.showed);
        if self.drift_ppm == 0 {
            return self.since.saturating_add(passed);
        }
        self.since.saturating_add(narrow((u128::from(passed) * MILLION).div_ceil(self.pace())))
    }

    /// Ticks in a million microseconds of the world.
    fn pace(&self) -> u128 {
        (MILLION as i64 + i64::from(self.drift_ppm.clamp(-500_000, 500_000))).unsigned_abs().into()
    }
}

fn narrow(time: u128) -> u64 {
    u64::try_from(time).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_moment_is_neither_early_nor_late() {
        for drift_ppm in [0, 1, -1, 80, -80, 20_000, -20_000, 500_000, -500_000] {
            let lens = Lens { since: 1_000, showed: 77, drift_ppm };
            for local in (77..3_000).chain([86_400_000_000, 86_400_000_001]) {
                let world = lens.world(local);
                assert!(lens.local(world) >= local, "{drift_ppm} ppm, {local}: too early");
                assert!(
                    world <= lens.since || lens.local(world - 1) < local,
                    "{drift_ppm} ppm, {local}: too late"
                );
            }
        }
    }

    #[test]
    fn a_clock_that_does_not_drift_is_only_moved() {
        let lens = Lens { since: 500, showed: 0, drift_ppm: 0 };
        assert_eq!((lens.local(400), lens.local(500), lens.local(1_500)), (0, 0, 1_000));
        assert_eq!(Lens::CLEAR.local(u64::MAX), u64::MAX);
    }
}
