//! Days, dates and times of day in the Gregorian calendar, without zones.

use crate::time::div_rem_floor;

/// Seconds of a day.
const DAY: u32 = 86_400;
/// As a signed number.
pub(super) const DAY_S: i64 = DAY as i64;
/// 1 January of the year 1, seconds since 1970.
pub(super) const FIRST_S: i64 = -62_135_596_800;
/// The last second of the year 9999, seconds since 1970.
pub(super) const LAST_S: i64 = 253_402_300_799;

/// Days from 1 March of the year 0 to 1 January 1970. Years that begin in March have their leap day at the end.
const MARCH_0_TO_1970: i64 = 719_468;
const DAYS_OF_400_YEARS: i64 = 146_097;
const DAYS_OF_100_YEARS: i64 = 36_524;
const DAYS_OF_4_YEARS: i64 = 1_461;

/// A time as a clock on the wall and a calendar show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LocalTime {
    /// Year, 1 to 9999.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
    /// Weekday, 1 (Monday) to 7 (Sunday).
    pub weekday: u8,
}

/// The fields of a local time, given as seconds since 1970 plus the offset of the zone. What lies outside the years
/// 1 to 9999 becomes their first or last second.
#[must_use]
pub fn local_fields(local_s: i64) -> LocalTime {
    let (day, second) = day_and_second(local_s);
    let (date, time) = (date_of(day), time_of_day(second));
    LocalTime {
        year: date.year,
        month: date.month,
        day: date.day,
        hour: time.hour,
        minute: time.minute,
        second: time.second,
        weekday: weekday_of(day),
    }
}

/// The day, counted from 1970, and the second of that day.
pub(crate) fn day_and_second(local_s: i64) -> (i64, u32) {
    div_rem_floor(local_s.clamp(FIRST_S, LAST_S), DAY)
}

/// What a clock on the wall shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeOfDay {
    /// 0 to 23.
    pub(crate) hour: u8,
    /// 0 to 59.
    pub(crate) minute: u8,
    /// 0 to 59.
    pub(crate) second: u8,
}

/// The time at a second of the day. In 32 bits: a microcontroller divides them in a tenth of the time.
pub(crate) fn time_of_day(second: u32) -> TimeOfDay {
    let narrow = |value: u32| u8::try_from(value).unwrap_or(u8::MAX);
    TimeOfDay { hour: narrow(second / 3600), minute: narrow(second / 60 % 60), second: narrow(second % 60) }
}

/// A date of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i32,
    /// 1 to 12.
    pub(super) month: u8,
    /// 1 to 31.
    pub(super) day: u8,
}

impl Date {
    /// The first of the month after this one.
    pub(super) fn next_month(self) -> Self {
        if self.month >= 12 {
            Self { year: self.year.saturating_add(1), month: 1, day: 1 }
        } else {
            Self { year: self.year, month: self.month.saturating_add(1), day: 1 }
        }
    }
}

/// The date of a day, counted from 1970. Exact for the years 1 to 9999 and some around them.
pub(super) fn date_of(day: i64) -> Date {
    let since = day.saturating_add(MARCH_0_TO_1970);
    let (cycles, rest) = (since.div_euclid(DAYS_OF_400_YEARS), since.rem_euclid(DAYS_OF_400_YEARS));
    // The last century of a cycle and the last year of four are a day longer: that day must not begin a new one.
    let centuries = rest.div_euclid(DAYS_OF_100_YEARS).min(3);
    let rest = rest.saturating_sub(centuries.saturating_mul(DAYS_OF_100_YEARS));
    let (fours, rest) = (rest.div_euclid(DAYS_OF_4_YEARS), rest.rem_euclid(DAYS_OF_4_YEARS));
    let ones = rest.div_euclid(365).min(3);
    let day_of_year = rest.saturating_sub(ones.saturating_mul(365));
    let march_year = cycles
        .saturating_mul(400)
        .saturating_add(centuries.saturating_mul(100))
        .saturating_add(fours.saturating_mul(4))
        .saturating_add(ones);
    // From March on the months run 31 30 31 30 31 | 31 30 31 30 31 | 31 ..: 153 days every five.
    let month = day_of_year.saturating_mul(5).saturating_add(2).div_euclid(153);
    let day = day_of_year.saturating_sub(days_before(month));
    let (month, year) = if month < 10 {
        (month.saturating_add(3), march_year)
    } else {
        (month.saturating_sub(9), march_year.saturating_add(1))
    };
    Date {
        year: i32::try_from(year).unwrap_or(i32::MAX),
        month: small(month),
        day: small(day.saturating_add(1)),
    }
}

/// The day of a date, counted from 1970.
pub(super) fn civil_day(date: Date) -> i64 {
    let month = i64::from(date.month);
    let (month, year) = if month >= 3 {
        (month.saturating_sub(3), i64::from(date.year))
    } else {
        (month.saturating_add(9), i64::from(date.year).saturating_sub(1))
    };
    let leap_days =
        year.div_euclid(4).saturating_sub(year.div_euclid(100)).saturating_add(year.div_euclid(400));
    year.saturating_mul(365)
        .saturating_add(leap_days)
        .saturating_add(days_before(month))
        .saturating_add(date.day.into())
        .saturating_sub(1)
        .saturating_sub(MARCH_0_TO_1970)
}

/// Days of a year that begins in March before its month number `month` (0 is March).
fn days_before(month: i64) -> i64 {
    month.saturating_mul(153).saturating_add(2).div_euclid(5)
}

/// The weekday of a day counted from 1970 (a Thursday): 1 (Monday) to 7 (Sunday).
pub(crate) fn weekday_of(day: i64) -> u8 {
    let (_, since_monday) = div_rem_floor(day.saturating_add(3), 7);
    small(i64::from(since_monday).saturating_add(1))
}

/// How many days the month of `date` has.
pub(super) fn days_in_month(date: Date) -> u8 {
    let leap =
        date.year.rem_euclid(4) == 0 && (date.year.rem_euclid(100) != 0 || date.year.rem_euclid(400) == 0);
    match date.month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A number that its caller has bounded to a few dozen.
fn small(value: i64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}
