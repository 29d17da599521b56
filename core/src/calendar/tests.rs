use core::cell::Cell;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::wire::{Reader, Wire, Writer};

/// Berlin in 2026: forward on 29 March, back on 25 October, both at 01:00 UTC.
const BERLIN: &[(i64, i32)] = &[(FORWARD, 7200), (BACK, 3600)];
const FORWARD: i64 = 1_774_746_000;
const BACK: i64 = 1_792_890_000;
const WORKDAYS: u8 = 0b0011_1110;

fn berlin() -> ZoneTable<'static> {
    ZoneTable::new(3600, BERLIN).unwrap()
}

fn every_minute() -> Schedule {
    Schedule {
        minutes: Schedule::ALL_MINUTES,
        hours: Schedule::ALL_HOURS,
        repeating: true,
        ..Schedule::at(0, 0, 0, Schedule::ALL_WEEKDAYS)
    }
}

fn daily(hour: u8, minute: u8) -> Schedule {
    Schedule::at(hour, minute, 0, Schedule::ALL_WEEKDAYS)
}

/// The first `n` times after `from`, as minutes relative to it.
fn minutes_after<const N: usize>(schedule: Schedule, from: i64, zone: &impl Zone) -> [i64; N] {
    let mut now = from;
    core::array::from_fn(|_| {
        now = schedule.next_after(now, zone).unwrap();
        assert_eq!((now - from) % 60, 0);
        (now - from) / 60
    })
}

#[test]
fn every_day_of_nine_millennia_has_its_date_and_weekday() {
    let mut date = Date { year: 1, month: 1, day: 1 };
    let mut weekday = 1; // 1 January of the year 1 is a Monday
    for day in FIRST_DAY..=civil::LAST_S / DAY_S {
        assert_eq!((date_of(day), civil_day(date), weekday_of(day)), (date, day, weekday));
        weekday = weekday % 7 + 1;
        date = if date.day < days_in_month(date) {
            Date { day: date.day + 1, ..date }
        } else {
            date.next_month()
        };
    }
    assert_eq!(date, Date { year: 10_000, month: 1, day: 1 });
}
const FIRST_DAY: i64 = civil::FIRST_S / DAY_S;

#[test]
fn local_fields_of_known_moments() {
    let fields = |s| {
        let t = local_fields(s);
        (t.year, t.month, t.day, t.hour, t.minute, t.second, t.weekday)
    };
    assert_eq!(fields(0), (1970, 1, 1, 0, 0, 0, 4));
    assert_eq!(fields(-1), (1969, 12, 31, 23, 59, 59, 3));
    assert_eq!(fields(951_782_400), (2000, 2, 29, 0, 0, 0, 2));
    assert_eq!(fields(1_795_246_205), (2026, 11, 21, 7, 30, 5, 6));
    assert_eq!(fields(i64::MIN), (1, 1, 1, 0, 0, 0, 1));
    assert_eq!(fields(i64::MAX), (9999, 12, 31, 23, 59, 59, 5));
}

#[test]
fn an_answer_is_after_the_time_asked_for() {
    let at_half_past_seven = 1_795_246_200; // Saturday, 21 November 2026, 07:30:00 UTC
    let schedule = daily(7, 30);
    assert_eq!(schedule.next_after(at_half_past_seven - 1, &ZoneTable::UTC), Some(at_half_past_seven));
    assert_eq!(schedule.next_after(at_half_past_seven, &ZoneTable::UTC), Some(at_half_past_seven + DAY_S));
    let workdays = Schedule { weekdays: WORKDAYS, ..schedule };
    assert_eq!(
        workdays.next_after(at_half_past_seven - 1, &ZoneTable::UTC),
        Some(at_half_past_seven + 2 * DAY_S)
    );
    let with_second = Schedule { second: 15, ..schedule };
    assert_eq!(with_second.next_after(at_half_past_seven, &ZoneTable::UTC), Some(at_half_past_seven + 15));
    assert_eq!(
        with_second.next_after(at_half_past_seven + 15, &ZoneTable::UTC),
        Some(at_half_past_seven + 15 + DAY_S)
    );
}

#[test]
fn a_fixed_time_in_a_gap_fires_once_when_the_gap_ends() {
    let midnight = FORWARD - 2 * 3600; // 00:00 in Berlin
    // 02:30 does not exist; 120 minutes after midnight the clocks go from 02:00 to 03:00.
    assert_eq!(minutes_after(daily(2, 30), midnight, &berlin()), [120, 1440 + 90]);
    // 02:00 itself is in the gap, 03:00 is its end.
    assert_eq!(minutes_after(daily(2, 0), midnight, &berlin()), [120, 1440 + 60]);
    assert_eq!(minutes_after(daily(3, 0), midnight, &berlin()), [120, 1440 + 120]);
    assert_eq!(minutes_after(daily(1, 59), midnight, &berlin()), [119, 1440 + 59]);
    // Twelve times in the gap, and the end named too: once.
    let often = Schedule { minutes: 0b1_0000_1000_0100_0010_0001, hours: 0b1100, ..daily(0, 0) };
    assert_eq!(minutes_after(often, midnight, &berlin()), [120, 125, 130, 135, 140, 1440 + 60]);
    // Asked from within: what fired at the end of the gap is past.
    assert_eq!(daily(2, 30).next_after(FORWARD, &berlin()), Some(FORWARD + DAY_S - 1800));
}

#[test]
fn a_fixed_time_that_comes_twice_fires_the_first_time() {
    let midnight = BACK - 3 * 3600;
    assert_eq!(minutes_after(daily(2, 30), midnight, &berlin()), [150, 1440 + 210]);
    assert_eq!(minutes_after(daily(3, 0), midnight, &berlin()), [240, 1440 + 240]);
    // Asked between the two half past two: tomorrow.
    assert_eq!(daily(2, 30).next_after(BACK, &berlin()), Some(BACK + DAY_S + 1800));
    let [first, second, third] =
        minutes_after(Schedule { hours: 0b1110, ..daily(0, 0) }, midnight, &berlin());
    assert_eq!([first, second, third], [60, 120, 240]);
}

#[test]
fn a_repeating_schedule_goes_by_real_time_across_both() {
    let five = Schedule { minutes: 0x0084_2108_4210_8421 & Schedule::ALL_MINUTES, ..every_minute() };
    for change in [FORWARD, BACK] {
        assert_eq!(
            minutes_after(five, change - 600, &berlin()),
            core::array::from_fn::<_, 40, _>(|n| 5 * (n as i64 + 1))
        );
    }
    // Restricted to the hour that does not exist it keeps silent that day, and runs twice as long on the other.
    let two_o_clock = Schedule { hours: 0b100, minutes: 1 | 1 << 30, ..five };
    assert_eq!(minutes_after(two_o_clock, FORWARD - 7200, &berlin()), [1440 + 60, 1440 + 90]);
    assert_eq!(minutes_after(two_o_clock, BACK - 10_800, &berlin()), [120, 150, 180, 210, 1440 + 180]);
}

#[test]
fn a_gap_of_a_day_is_a_gap() {
    // Samoa had no 30 December 2011.
    const CHANGE: i64 = 1_325_239_200;
    let samoa = ZoneTable::new(-36_000, &[(CHANGE, 50_400)]).unwrap();
    let shown = local_fields(CHANGE + 50_400);
    assert_eq!((shown.year, shown.month, shown.day, shown.hour), (2011, 12, 31, 0));
    assert_eq!(daily(12, 0).next_after(CHANGE - DAY_S, &samoa), Some(CHANGE - DAY_S / 2));
    assert_eq!(daily(12, 0).next_after(CHANGE - DAY_S / 2, &samoa), Some(CHANGE));
    assert_eq!(daily(12, 0).next_after(CHANGE, &samoa), Some(CHANGE + DAY_S / 2));
}

#[test]
fn day_of_month_or_weekday_when_both_are_restricted() {
    let days = |either_day| {
        let schedule = Schedule { days: 1 << 13, weekdays: 1 << 5, either_day, ..daily(0, 0) };
        let mut now = 1_769_904_000; // Sunday, 1 February 2026
        core::array::from_fn(|_| {
            now = schedule.next_after(now, &ZoneTable::UTC).unwrap();
            let date = local_fields(now);
            (date.month, date.day)
        })
    };
    assert_eq!(days(true), [(2, 6), (2, 13), (2, 20), (2, 27), (3, 6), (3, 13)]);
    assert_eq!(days(false), [(2, 13), (3, 13), (11, 13), (8, 13), (10, 13), (4, 13)], "Fridays the 13th");
}

#[test]
fn the_rarest_valid_schedule_is_within_the_horizon() {
    // 29 February on each weekday, asked for at every turn of a century: 2100, 2200 and 2300 are no leap years.
    let mut longest = 0;
    for weekday in 1..=7 {
        let schedule = Schedule { days: 1 << 29, months: 1 << 2, weekdays: 1 << weekday, ..daily(0, 0) };
        assert_eq!(schedule.check(), Ok(()));
        let mut now = 1_795_246_200;
        while local_fields(now).year < 2500 {
            let next = schedule.next_after(now, &ZoneTable::UTC).unwrap();
            let date = local_fields(next);
            assert_eq!((date.month, date.day, date.weekday), (2, 29, weekday));
            longest = longest.max(next - now);
            now = next;
        }
    }
    assert_eq!(longest / DAY_S, 14_609, "forty years less a day");
}

#[test]
fn check_names_the_field_and_finds_what_never_fires() {
    let good = every_minute();
    assert_eq!(good.check(), Ok(()));
    let wrong = [
        (Schedule { minutes: 0, ..good }, ScheduleError::Minutes),
        (Schedule { minutes: 1 << 60, ..good }, ScheduleError::Minutes),
        (Schedule { hours: 1 << 24, ..good }, ScheduleError::Hours),
        (Schedule { days: 1, ..good }, ScheduleError::Days),
        (Schedule { months: 1 << 13, ..good }, ScheduleError::Months),
        (Schedule { weekdays: 1, ..good }, ScheduleError::Weekdays),
        (Schedule { second: 60, ..good }, ScheduleError::Second),
        (Schedule { days: 1 << 31, months: 1 << 2 | 1 << 4, ..good }, ScheduleError::Never),
        (Schedule { days: 1 << 30, months: 1 << 2, ..good }, ScheduleError::Never),
        (Schedule::at(24, 0, 0, Schedule::ALL_WEEKDAYS), ScheduleError::Hours),
        (Schedule::at(32, 0, 0, Schedule::ALL_WEEKDAYS), ScheduleError::Hours),
        (Schedule::at(0, 60, 0, Schedule::ALL_WEEKDAYS), ScheduleError::Minutes),
        (Schedule::at(0, 255, 0, Schedule::ALL_WEEKDAYS), ScheduleError::Minutes),
    ];
    for (schedule, error) in wrong {
        assert_eq!(schedule.check(), Err(error), "{schedule:?}");
    }
    // A day that the month lacks is no harm where the weekday alone will do.
    let either = Schedule { days: 1 << 31, months: 1 << 2, weekdays: WORKDAYS, either_day: true, ..good };
    assert_eq!(either.check(), Ok(()));
    assert!(either.next_after(0, &ZoneTable::UTC).is_some());
}

#[test]
fn the_ends_of_time_are_quiet() {
    for from in [i64::MIN, civil::FIRST_S - 1, civil::LAST_S - 60, civil::LAST_S, i64::MAX - 1, i64::MAX] {
        let next = every_minute().next_after(from, &berlin());
        assert!(
            next.is_none_or(|next| next > from && (civil::FIRST_S..=civil::LAST_S).contains(&next)),
            "{from}"
        );
    }
    assert_eq!(every_minute().next_after(i64::MAX, &ZoneTable::UTC), None);
    assert!(every_minute().next_after(i64::MIN, &ZoneTable::UTC).is_some());
}

#[test]
fn a_zone_table_refuses_what_no_zone_is() {
    assert!(ZoneTable::new(0, &[(5, 0), (6, 3600)]).is_some());
    assert!(ZoneTable::new(0, &[(5, 0), (5, 3600)]).is_none(), "two at one time");
    assert!(ZoneTable::new(0, &[(6, 0), (5, 3600)]).is_none(), "falling");
    assert!(ZoneTable::new(93_601, &[]).is_none());
    assert!(ZoneTable::new(0, &[(0, i32::MIN)]).is_none());
}

#[test]
fn a_zone_that_does_not_move_on_ends_the_search() {
    struct Stuck;
    impl Zone for Stuck {
        fn period_at(&self, unix_s: i64) -> Period {
            Period { offset_s: 0, since: None, until: Some(unix_s) }
        }
    }
    assert_eq!(daily(0, 0).next_after(0, &Stuck), Some(DAY_S));
}

#[test]
fn work_follows_the_changes_in_the_horizon_not_the_minutes() {
    struct Counting<'a>(ZoneTable<'a>, Cell<u32>);
    impl Zone for Counting<'_> {
        fn period_at(&self, unix_s: i64) -> Period {
            self.1.set(self.1.get() + 1);
            self.0.period_at(unix_s)
        }
    }
    let half_years: [_; 2000] = core::array::from_fn(|n| (n as i64 * 15_778_800, (n as i32 % 2) * 3600));
    let zone = Counting(ZoneTable::new(0, &half_years).unwrap(), Cell::new(0));
    let never = Schedule { days: 1 << 31, months: 1 << 2, ..every_minute() };
    assert_eq!(never.next_after(0, &zone), None);
    assert_eq!(zone.1.get(), 83, "two a year for 41 years, and the first");
}

#[test]
fn the_image_of_a_schedule_is_as_released() {
    let schedule = Schedule { second: 15, ..Schedule::at(7, 30, 0, WORKDAYS) };
    let mut buffer = [0; 40];
    let mut w = Writer::new(&mut buffer);
    schedule.put(&mut w);
    let len = w.finish().unwrap();
    assert_eq!(
        buffer[..len],
        [0x80, 0x80, 0x80, 0x80, 0x04, 0x80, 0x01, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0xfe, 0x3f, 0x3e, 15, 0, 0]
    );
    assert_eq!(Schedule::get(&mut Reader::new(&buffer)), Some(schedule));
}

/// The definition, by walking: the first second after `from`, within `limit`, at which the schedule fires.
fn walk(schedule: &Schedule, from: i64, limit: i64, zone: &ZoneTable<'_>) -> Option<i64> {
    let matches = |local: i64| {
        let t = local_fields(local);
        let on_day = schedule.days >> t.day & 1 == 1;
        let on_weekday = schedule.weekdays >> t.weekday & 1 == 1;
        let date = if schedule.either_day { on_day || on_weekday } else { on_day && on_weekday };
        date && schedule.months >> t.month & 1 == 1
            && schedule.hours >> t.hour & 1 == 1
            && schedule.minutes >> t.minute & 1 == 1
            && schedule.second == t.second
    };
    (from + 1..from + limit).find(|&now| {
        let period = zone.period_at(now);
        let local = now + i64::from(period.offset_s);
        let Some(change) = period.since.filter(|_| !schedule.repeating) else {
            return matches(local);
        };
        let shown = change.at + i64::from(change.before_s);
        let in_gap = now == change.at && (shown..local).any(matches);
        in_gap || local >= shown && matches(local)
    })
}

prop_compose! {
    /// Any schedule that passes the check, dense enough to fire within days.
    fn dense()(
        minutes in 1..=Schedule::ALL_MINUTES,
        hours in 1..=Schedule::ALL_HOURS,
        days in (1..=Schedule::ALL_DAYS).prop_map(|bits| bits & !1 | 2),
        months in (1..=Schedule::ALL_MONTHS).prop_map(|bits| bits & !1 | 1 << 7),
        weekdays in (1..=Schedule::ALL_WEEKDAYS).prop_map(|bits| bits & !1 | 8),
        second in 0..60_u8,
        either_day: bool,
        repeating: bool,
    ) -> Schedule {
        Schedule { minutes, hours, days, months, weekdays, second, either_day, repeating }
    }
}

prop_compose! {
    /// Changes some hours to days apart, by up to a day, odd seconds included; around July 2026.
    fn changes()(steps in prop::collection::vec((3_600 * 25..400_000_i64, -86_400..=50_400_i32), 0..5)) -> Vec<(i64, i32)> {
        let mut at = 1_782_900_000;
        steps.into_iter().map(|(step, offset)| { at += step; (at, offset) }).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn jumping_agrees_with_walking(
        schedule in dense(), table in changes(), first in -86_400..=50_400_i32, start in 0..600_000_i64,
    ) {
        const LIMIT: i64 = 3 * 86_400;
        prop_assert_eq!(schedule.check(), Ok(()));
        let zone = ZoneTable::new(first, &table).unwrap();
        let from = 1_782_900_000 + start;
        let jumped = schedule.next_after(from, &zone);
        prop_assert!(jumped.is_some());
        let walked = walk(&schedule, from, LIMIT, &zone);
        prop_assert_eq!(jumped.filter(|next| *next < from + LIMIT), walked);
    }

    #[test]
    fn any_bits_at_any_time_neither_panic_nor_go_back(
        (minutes, hours, days, months) in any::<(u64, u32, u32, u16)>(),
        (weekdays, second, either_day, repeating) in any::<(u8, u8, bool, bool)>(),
        from: i64, at: i64, before: i32, after: i32,
    ) {
        struct Any(Change, i32);
        impl Zone for Any {
            fn period_at(&self, unix_s: i64) -> Period {
                if unix_s < self.0.at {
                    Period { offset_s: self.0.before_s, since: None, until: Some(self.0.at) }
                } else {
                    Period { offset_s: self.1, since: Some(self.0), until: None }
                }
            }
        }
        let schedule = Schedule { minutes, hours, days, months, weekdays, second, either_day, repeating };
        let zone = Any(Change { at, before_s: before }, after);
        if let Some(next) = schedule.next_after(from, &zone) {
            prop_assert!(next > from);
        }
        let _ = schedule.check();
    }
}
