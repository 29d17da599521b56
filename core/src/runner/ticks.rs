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
pub struct Wall {
    /// When it was fed.
    pub at: Instant,
    /// Microseconds since 1970 then.
    pub unix: i64,
    /// Seconds ahead of UTC.
    pub offset: i32,
    /// Whether it is synchronised.
    pub trusted: bool,
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
pub struct Ticks<'a> {
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
    /// Of no schedules yet; without a zone, local time is as far ahead as the last `Clock` said.
    pub const fn new(zone: Option<ZoneTable<'a>>) -> Self {
        Self { zone, wall: None, done_s: i64::MIN, once_s: i64::MIN, last: None, next: None }
    }

    /// When the next tick is due.
    pub fn due(&self) -> Instant {
        match (&self.wall, self.next) {
            (Some(wall), Some((unix_s, _))) => wall.moment(unix_s),
            _ => Instant::NEVER,
        }
    }

    /// Takes the next tick.
    pub fn take(
        &mut self,
        schedules: impl Iterator<Item = (TriggerId, Schedule)> + Clone,
    ) -> Option<TriggerId> {
        let (unix_s, trigger) = self.next.take()?;
        self.last = Some((unix_s, trigger));
        self.plan(schedules);
        Some(trigger)
    }

    /// The clock was set.
    pub fn set(&mut self, wall: Wall, schedules: impl Iterator<Item = (TriggerId, Schedule)> + Clone) {
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
    pub fn slept(&mut self, until: Instant) {
        if let Some(wall) = &self.wall {
            self.once_s = self.once_s.max(wall.unix_at(until).div_euclid(1_000_000));
        }
    }

    /// The program has changed: what the new one would have done before now is no business of its.
    pub fn swap(&mut self, now: Instant, schedules: impl Iterator<Item = (TriggerId, Schedule)> + Clone) {
        if let Some(wall) = &self.wall {
            let over = wall.unix_at(now).div_euclid(1_000_000).max(self.once_s);
            self.done_s = self.done_s.max(self.last.map_or(over, |(last_s, _)| over.max(last_s)));
            self.last = None;
        }
        self.plan(schedules);
    }

    /// Looks for the next tick.
    fn plan(&mut self, schedules: impl Iterator<Item = (TriggerId, Schedule)> + Clone) {
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

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;

    /// Saturday, 21 November 2026, 07:00 UTC.
    const SEVEN_S: i64 = 1_795_244_400;

    const HALF_PAST: (TriggerId, Schedule) = (TriggerId(0), Schedule::at(7, 30, 0, Schedule::ALL_WEEKDAYS));
    const EVERY_FIVE: (TriggerId, Schedule) = (
        TriggerId(1),
        Schedule {
            minutes: 0b1000_0100_0010_0001_0000_1000_0100_0010_0001_0000_1000_0100_0010_0001,
            hours: Schedule::ALL_HOURS,
            days: Schedule::ALL_DAYS,
            months: Schedule::ALL_MONTHS,
            weekdays: Schedule::ALL_WEEKDAYS,
            second: 0,
            either_day: false,
            repeating: true,
        },
    );

    struct Bench(Ticks<'static>, Vec<(TriggerId, Schedule)>);

    impl Bench {
        fn new(schedules: &[(TriggerId, Schedule)]) -> Self {
            Self(Ticks::new(None), schedules.to_vec())
        }

        /// The clock shows `s` seconds past seven at `at_s`.
        fn set(&mut self, at_s: u64, s: i64, trusted: bool) {
            let wall = Wall {
                at: Instant::from_micros(at_s * 1_000_000),
                unix: (SEVEN_S + s) * 1_000_000,
                offset: 0,
                trusted,
            };
            self.0.set(wall, self.1.iter().copied());
        }

        /// All ticks up to `at_s`, in seconds, with their triggers.
        fn until(&mut self, at_s: u64) -> Vec<(u64, u8)> {
            let mut ticks = Vec::new();
            while self.0.due() <= Instant::from_micros(at_s * 1_000_000) {
                let due = self.0.due().micros() / 1_000_000;
                let trigger = self.0.take(self.1.iter().copied()).unwrap();
                ticks.push((due, trigger.0));
            }
            ticks
        }
    }

    #[test]
    fn ticks_come_at_their_moments_and_those_of_one_moment_in_the_order_of_triggers() {
        let mut bench = Bench::new(&[EVERY_FIVE, HALF_PAST]);
        bench.set(100, 0, true);
        // The moment at which the clock was set counts.
        assert_eq!(
            bench.until(100 + 1_900),
            [(100, 1), (400, 1), (700, 1), (1_000, 1), (1_300, 1), (1_600, 1), (1_900, 0), (1_900, 1)]
        );
    }

    #[test]
    fn nothing_comes_while_the_clock_is_not_trusted() {
        let mut bench = Bench::new(&[EVERY_FIVE]);
        bench.set(0, 1, false);
        assert_eq!(bench.until(10_000), []);
        bench.set(10_000, 1, true);
        assert_eq!(bench.until(10_300), [(10_299, 1)]);
    }

    #[test]
    fn a_clock_that_is_set_back_a_little_repeats_nothing() {
        let mut bench = Bench::new(&[EVERY_FIVE]);
        bench.set(0, 1, true);
        assert_eq!(bench.until(310), [(299, 1)]);
        bench.set(310, 291, true);
        assert_eq!(bench.until(900), [(310 + 309, 1)]);
    }

    #[test]
    fn a_clock_that_is_set_on_a_little_leaves_nothing_out_and_does_not_burst() {
        let mut bench = Bench::new(&[EVERY_FIVE, HALF_PAST]);
        bench.set(0, 1_201, true);
        assert_eq!(bench.until(10), []);
        // From 07:20:11 to 07:41: half past once, and the three of every five minutes once.
        bench.set(10, 2_460, true);
        assert_eq!(bench.until(200), [(10, 1), (10, 0)]);
        assert_eq!(bench.until(260), [(250, 1)]);
    }

    #[test]
    fn a_clock_that_was_altogether_wrong_starts_anew() {
        let mut bench = Bench::new(&[HALF_PAST]);
        bench.set(0, 0, true);
        bench.set(10, 86_400 + 3_600, true);
        assert_eq!(bench.until(20), []);
        bench.set(20, 0, true);
        assert_eq!(bench.until(1_820), [(1_820, 0)]);
    }

    /// Found by the swarm's judge of schedules: whoever reloaded at noon had the morning's scenario go off at once.
    #[test]
    fn a_program_that_takes_over_does_not_make_up_for_what_was_before_it() {
        let mut bench = Bench::new(&[]);
        bench.set(0, 0, true);
        bench.1 = vec![EVERY_FIVE, HALF_PAST];
        bench.0.swap(Instant::from_micros(2_000_000_000), bench.1.iter().copied());
        assert_eq!(bench.until(2_400), [(2_100, 1), (2_400, 1)]);
        bench.0.swap(Instant::from_micros(2_400_000_000), bench.1.iter().copied());
        assert_eq!(bench.until(2_700), [(2_700, 1)], "and repeats nothing");
    }

    #[test]
    fn what_fell_into_a_sleep_comes_once_a_trigger() {
        let mut bench = Bench::new(&[EVERY_FIVE, HALF_PAST]);
        bench.set(0, 1, true);
        bench.0.slept(Instant::from_micros(3_610_000_000));
        assert_eq!(bench.until(3_610), [(299, 1), (1_799, 0)]);
        assert_eq!(bench.until(4_000), [(3_899, 1)]);
    }

    #[test]
    fn a_table_of_offset_changes_comes_before_the_offset_of_the_clock() {
        let changes = [(SEVEN_S + 60, 3_600)];
        let mut ticks = Ticks::new(ZoneTable::new(0, &changes));
        let wall = Wall { at: Instant::ZERO, unix: SEVEN_S * 1_000_000, offset: 0, trusted: true };
        ticks.set(wall, [HALF_PAST].into_iter());
        // A minute past seven the clocks go forward to a minute past eight: half past seven falls into the gap.
        assert_eq!(ticks.due(), Instant::from_micros(60_000_000));
    }
}
