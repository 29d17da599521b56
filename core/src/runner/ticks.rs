//! When the program's schedules come next, on the engine's clock.
//!
//! While the clock is not trusted nothing comes. A clock that is set by less than an hour neither repeats a moment nor
//! leaves one out; one that is set further starts anew from there. Moments that fell into a stall come once a trigger.

use crate::calendar::{Schedule, ZoneTable};
use crate::id::TriggerId;
use crate::time::{Duration, Instant};

/// A clock set by less than this went wrong a little; by more, it was wrong altogether.
const A_LITTLE_S: u64 = 3600;

/// The wall clock, as the last `Clock` had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wall {
    /// When it was fed.
    pub(super) at: Instant,
    /// Microseconds since 1970 then.
    pub(super) unix: i64,
    /// Seconds ahead of UTC.
    pub(super) offset: i32,
    pub(super) trusted: bool,
}

impl Wall {
    /// Microseconds since 1970.
    fn unix_at(&self, now: Instant) -> i64 {
        self.unix.saturating_add_unsigned(now.since(self.at).micros())
    }

    /// When the clock shows this second; now, if it has.
    fn moment(&self, unix_s: i64) -> Instant {
        let ahead = unix_s.saturating_mul(1_000_000).saturating_sub(self.unix);
        self.at.plus(Duration::from_micros(u64::try_from(ahead).unwrap_or(0)))
    }
}

/// The next tick of all schedules.
pub(super) struct Ticks<'a> {
    zone: Option<ZoneTable<'a>>,
    wall: Option<Wall>,
    /// All moments up to this second have had their ticks.
    done_s: i64,
    /// Of moments up to this second, each trigger has its first only.
    once_s: i64,
    /// The last tick behind `done_s`: second and trigger.
    last: Option<(i64, TriggerId)>,
    next: Option<(i64, TriggerId)>,
}

impl<'a> Ticks<'a> {
    pub(super) const fn new(zone: Option<ZoneTable<'a>>) -> Self {
        Self { zone, wall: None, done_s: i64::MIN, once_s: i64::MIN, last: None, next: None }
    }

    /// When the next tick is due.
    pub(super) fn due(&self) -> Instant {
        match (&self.wall, self.next) {
            (Some(wall), Some((unix_s, _))) => wall.moment(unix_s),
            _ => Instant::NEVER,
        }
    }

    /// Takes the next tick.
    pub(super) fn take(
        &mut self,
        schedules: impl Iterator<Item = (TriggerId, Schedule)> + Clone,
    ) -> Option<TriggerId> {
        let (unix_s, trigger) = self.next.take()?;
        self.last = Some((unix_s, trigger));
        self.plan(schedules);
        Some(trigger)
    }

    /// The clock was set.
    pub(super) fn set(&mut self, wall: Wall, schedules: impl Iterator<Item = (TriggerId, Schedule)> + Clone) {
        let before = self.wall.replace(wall).filter(|before| before.trusted);
        let a_little = before.is_some_and(|before| {
            before.unix_at(wall.at).abs_diff(wall.unix) < A_LITTLE_S.saturating_mul(1_000_000)
        });
        if !a_little {
            // A moment that is just now is still to come.
            self.done_s = wall.unix.saturating_sub(1).div_euclid(1_000_000);
            self.last = None;
        }
        self.once_s = self.done_s.max(wall.unix.div_euclid(1_000_000));
        self.plan(schedules);
    }

    /// The loop slept until `until`.
    pub(super) fn slept(&mut self, until: Instant) {
        if let Some(wall) = &self.wall {
            self.once_s = self.once_s.max(wall.unix_at(until).div_euclid(1_000_000));
        }
    }

    /// Looks for the next tick. To be called too when the program has changed.
    pub(super) fn plan(&mut self, schedules: impl Iterator<Item = (TriggerId, Schedule)> + Clone) {
        self.next = None;
        let Some(wall) = self.wall.filter(|wall| wall.trusted) else { return };
        let fixed = [];
        let local = ZoneTable::new(wall.offset, &fixed).unwrap_or(ZoneTable::UTC);
        let zone = self.zone.unwrap_or(local);
        // The first round looks for a tick that belongs to the moments under way, the second one behind these.
        for _ in 0..2 {
            let next = schedules
                .clone()
                .filter_map(|(trigger, schedule)| Some((schedule.next_after(self.done_s, &zone)?, trigger)))
                .filter(|tick| self.last.is_none_or(|last| *tick > last))
                .min();
            let Some((last_s, _)) = self.last else {
                self.next = next;
                return;
            };
            let under_way = last_s.max(self.once_s);
            if next.is_some_and(|(unix_s, _)| unix_s <= under_way) {
                self.next = next;
                return;
            }
            self.done_s = under_way;
            self.last = None;
        }
    }
}
