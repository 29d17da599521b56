//! Schedules in local time: when `at` and `cron` fire, in integers, without a clock.
//!
//! The host asks [`Schedule::next_after`] with the time and a [`Zone`], sleeps, and feeds the engine a `Tick`. What
//! people write is parsed on the host; here is the table that it becomes, as part of the program image.
//!
//! Guarantees: the answer is after the time asked for, so a caller that goes on from the last answer never gets one
//! twice; work is bounded by the months of [`HORIZON_S`] plus the offset changes in it, never by minutes or days.
//!
//! # When the offset changes
//!
//! A schedule is *repeating* or *fixed* ([`Schedule::repeating`]; in cron text: whether the minute or the hour
//! begins with `*`). The rules are those of Vixie's cron, at any size of change:
//!
//! | local time | fixed (`at = "02:30"`, `30 2 * * *`) | repeating (`*/5 * * * *`) |
//! |---|---|---|
//! | does not exist (clocks go forward) | fires once, at the moment the gap ends, however many times fell into it | does not fire: the next real minute that matches does |
//! | exists twice (clocks go back) | fires the first time only | fires both times: every five real minutes stay five |
//!
//! If a fixed schedule also names the very time at which the gap ends, the two are one.

mod civil;
#[cfg(test)]
mod tests;
mod zone;

use serde::Serialize;

pub use civil::{LocalTime, local_fields};
pub(crate) use civil::{day_and_second, time_of_day};
pub use zone::{Change, Period, Zone, ZoneTable};

use crate::wire::wire_struct;
pub(crate) use civil::weekday_of;
use civil::{DAY_S, Date, civil_day, date_of, days_in_month};

/// How far [`Schedule::next_after`] looks, in seconds: a little over forty years, the longest that a valid schedule
/// keeps silent (a 29 February on one weekday, across a century that is no leap year).
pub const HORIZON_S: i64 = 41 * 366 * DAY_S;

/// The first and the last time that a calendar works with: the years 1 to 9999, less two days at each end for the
/// offset of a zone.
const TIME_RANGE: core::ops::RangeInclusive<i64> = civil::FIRST_S + 2 * DAY_S..=civil::LAST_S - 2 * DAY_S;

/// The local times at which a trigger fires: a time matches if each of its fields does.
///
/// In the masks, bit `v` stands for the value `v`. Built by hand or decoded, it may be wrong: see
/// [`check`](Self::check).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Schedule {
    /// Minutes, bits 0 to 59.
    pub minutes: u64,
    /// Hours, bits 0 to 23.
    pub hours: u32,
    /// Days of the month, bits 1 to 31.
    pub days: u32,
    /// Months, bits 1 (January) to 12.
    pub months: u16,
    /// Weekdays, bits 1 (Monday) to 7 (Sunday).
    pub weekdays: u8,
    /// The second of the minute, 0 to 59.
    pub second: u8,
    /// A date matches if its day of month *or* its weekday does: cron's rule when both are restricted. Otherwise both
    /// must.
    pub either_day: bool,
    /// Goes by real time when the offset changes; see the table in the [module](self).
    pub repeating: bool,
}

wire_struct!(Schedule { minutes, hours, days, months, weekdays, second, either_day, repeating });

/// Why a [`Schedule`] is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ScheduleError {
    /// `minutes` is empty or has a bit above 59.
    Minutes,
    /// `hours` is empty or has a bit above 23.
    Hours,
    /// `days` is empty or has a bit other than 1 to 31.
    Days,
    /// `months` is empty or has a bit other than 1 to 12.
    Months,
    /// `weekdays` is empty or has bit 0.
    Weekdays,
    /// `second` is above 59.
    Second,
    /// No month of `months` has a day of `days`: it would never fire.
    Never,
}

impl core::fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Minutes => "the minutes are not a choice from 0 to 59",
            Self::Hours => "the hours are not a choice from 0 to 23",
            Self::Days => "the days of the month are not a choice from 1 to 31",
            Self::Months => "the months are not a choice from 1 to 12",
            Self::Weekdays => "the weekdays are not a choice from 1 (Monday) to 7 (Sunday)",
            Self::Second => "the second is not from 0 to 59",
            Self::Never => "no chosen month has a chosen day, so it would never fire",
        })
    }
}

impl core::error::Error for ScheduleError {}

impl Schedule {
    /// All minutes of an hour.
    pub const ALL_MINUTES: u64 = (1 << 60) - 1;
    /// All hours of a day.
    pub const ALL_HOURS: u32 = (1 << 24) - 1;
    /// All days of a month.
    pub const ALL_DAYS: u32 = !1;
    /// All months of a year.
    pub const ALL_MONTHS: u16 = (1 << 13) - 2;
    /// All days of a week.
    pub const ALL_WEEKDAYS: u8 = !1;

    /// Once on each of `weekdays` (bits 1 to 7), at one time of day. A time that does not exist gives a schedule that
    /// [`check`](Self::check) refuses.
    #[must_use]
    pub const fn at(hour: u8, minute: u8, second: u8, weekdays: u8) -> Self {
        Self {
            minutes: if minute < 64 { 1_u64.wrapping_shl(minute as u32) } else { 0 },
            hours: if hour < 32 { 1_u32.wrapping_shl(hour as u32) } else { 0 },
            days: Self::ALL_DAYS,
            months: Self::ALL_MONTHS,
            weekdays,
            second,
            either_day: false,
            repeating: false,
        }
    }

    /// Whether every field is in range and there is a date on which it fires.
    ///
    /// # Errors
    /// The first field that is wrong, or [`ScheduleError::Never`].
    pub const fn check(&self) -> Result<(), ScheduleError> {
        if self.minutes == 0 || self.minutes & !Self::ALL_MINUTES != 0 {
            return Err(ScheduleError::Minutes);
        }
        if self.hours == 0 || self.hours & !Self::ALL_HOURS != 0 {
            return Err(ScheduleError::Hours);
        }
        if self.days == 0 || self.days & !Self::ALL_DAYS != 0 {
            return Err(ScheduleError::Days);
        }
        if self.months == 0 || self.months & !Self::ALL_MONTHS != 0 {
            return Err(ScheduleError::Months);
        }
        if self.weekdays == 0 || self.weekdays & !Self::ALL_WEEKDAYS != 0 {
            return Err(ScheduleError::Weekdays);
        }
        if self.second > 59 {
            return Err(ScheduleError::Second);
        }
        if !self.either_day && !self.has_a_date() {
            return Err(ScheduleError::Never);
        }
        Ok(())
    }

    /// Whether [`check`](Self::check) finds nothing wrong.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.check().is_ok()
    }

    /// Whether a chosen month has a chosen day. Every such date falls on each weekday in time, a 29 February too.
    const fn has_a_date(&self) -> bool {
        const LONG: u16 = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 12;
        const FEBRUARY: u16 = 1 << 2;
        let first_day = self.days.trailing_zeros();
        first_day <= 29
            || first_day == 30 && self.months & !FEBRUARY != 0
            || first_day == 31 && self.months & LONG != 0
    }

    /// The first time after `unix_s` (seconds since 1970, UTC) at which this schedule fires in `zone`.
    ///
    /// `None` if there is none within [`HORIZON_S`] or the years 1 to 9999; for a schedule that passed
    /// [`check`](Self::check) this means the end of the year 9999.
    #[must_use]
    pub fn next_after(&self, unix_s: i64, zone: &impl Zone) -> Option<i64> {
        let mut from = unix_s.saturating_add(1).max(*TIME_RANGE.start());
        let end = from.saturating_add(HORIZON_S).min(*TIME_RANGE.end());
        while from < end {
            let period = zone.period_at(from);
            let offset = i64::from(period.offset_s);
            let mut local = from.saturating_add(offset);
            if !self.repeating
                && let Some(change) = period.since
            {
                // What the clocks showed when this period began. If they went forward, the times from there on are
                // the gap; if back, all times before it have been.
                let shown = change.at.saturating_add(i64::from(change.before_s));
                let gap_end = change.at.saturating_add(offset);
                if from == change.at && self.first_match(shown, gap_end).is_some() {
                    return Some(change.at);
                }
                local = local.max(shown);
            }
            // A zone that does not move on has no further period.
            let until = period.until.filter(|until| *until > from).map_or(end, |until| until.min(end));
            if let Some(found) = self.first_match(local, until.saturating_add(offset)) {
                return Some(found.saturating_sub(offset));
            }
            from = until;
        }
        None
    }

    /// The first local time in `from..until` that matches.
    fn first_match(&self, from: i64, until: i64) -> Option<i64> {
        let from_day = from.div_euclid(DAY_S);
        let today = date_of(from_day);
        let at = |day: i64, time: i64| {
            let found = day.saturating_mul(DAY_S).saturating_add(time);
            (found < until).then_some(found)
        };
        if bit(self.dates(today).into(), today.day)
            && let Some(time) = self.first_time(from.rem_euclid(DAY_S))
        {
            return at(from_day, time);
        }
        let time = self.first_time(0)?;
        let mut month = Date { day: 1, ..today };
        let mut dates = self.dates(today) & from_bit(today.day.saturating_add(1));
        loop {
            let first_day = civil_day(month);
            if dates != 0 {
                return at(
                    first_day.saturating_add(i64::from(dates.trailing_zeros())).saturating_sub(1),
                    time,
                );
            }
            if first_day.saturating_mul(DAY_S) >= until {
                return None;
            }
            month = month.next_month();
            dates = self.dates(month);
        }
    }

    /// The days of the month of `date` on which this fires, bits 1 to 31.
    fn dates(&self, date: Date) -> u32 {
        /// A bit at the start of each of the five weeks that a month touches.
        const WEEKS: u64 = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28;
        if !bit(self.months.into(), date.month) {
            return 0;
        }
        let first = weekday_of(civil_day(Date { day: 1, ..date }));
        // One week, seen from the first of the month: its weekday comes to bit 0.
        let week = u64::from(self.weekdays >> 1) & 0x7f;
        let turn = u32::from(first).saturating_sub(1);
        let turned = (week | week.wrapping_shl(7)).wrapping_shr(turn) & 0x7f;
        let on_weekdays = turned.wrapping_mul(WEEKS).wrapping_shl(1);
        let on_days = u64::from(self.days);
        let dates = if self.either_day { on_days | on_weekdays } else { on_days & on_weekdays };
        let exist = !from_bit(days_in_month(date).saturating_add(1)) & Self::ALL_DAYS;
        u32::try_from(dates & u64::from(exist)).unwrap_or(0)
    }

    /// The first matching time of day from `from` on, both in seconds since midnight.
    fn first_time(&self, from: i64) -> Option<i64> {
        let second = i64::from(self.second);
        // A time with this schedule's second is at or after `from` if its minute is at or after this one.
        let minute_of_day = from.saturating_sub(second).saturating_add(59).div_euclid(60);
        let [hour, minute] = [minute_of_day.div_euclid(60), minute_of_day.rem_euclid(60)]
            .map(|part| u32::try_from(part).unwrap_or(0));
        let in_this_hour = self.minutes & u64::MAX.wrapping_shl(minute);
        let hours = u64::from(self.hours);
        let (hour, minutes) = if hour < 24 && hours.wrapping_shr(hour) & 1 == 1 && in_this_hour != 0 {
            (hour, in_this_hour)
        } else {
            let later = hours & (u64::MAX - 1).wrapping_shl(hour);
            (later.trailing_zeros(), self.minutes)
        };
        if hour >= 24 || minutes == 0 {
            return None;
        }
        let minute_of_day =
            i64::from(hour).saturating_mul(60).saturating_add(minutes.trailing_zeros().into());
        Some(minute_of_day.saturating_mul(60).saturating_add(second))
    }
}

/// Whether `mask` has bit `index`.
fn bit(mask: u64, index: u8) -> bool {
    index < 64 && mask.wrapping_shr(index.into()) & 1 == 1
}

/// The bits from `index` on.
fn from_bit(index: u8) -> u32 {
    u32::MAX.checked_shl(index.into()).unwrap_or(0)
}
