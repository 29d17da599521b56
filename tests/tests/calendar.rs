//! The calendar, from the text to the second, against two oracles.
//!
//! `cronexpr`, another implementation, for random cron texts in zones with and without summer time. It knows no rule
//! for offset changes: what matches on the wall fires, and a time in a gap is lost. That is our rule for repeating
//! schedules, compared everywhere but on Lord Howe, whose change of half an hour sends it round for ever; there, and for
//! fixed schedules, it is asked away from changes only.
//!
//! Around changes both kinds are compared with a walk: jiff says what the clocks show at each minute, and the rule is
//! spelt out minute by minute.

use campanile::schedule_text::{parse_at, parse_cron};
use campanile::zone::ZoneOffsets;
use campanile_core::calendar::Schedule;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan, civil};
use proptest::prelude::*;

const ZONES: [&str; 5] = ["Europe/Berlin", "America/New_York", LORD_HOWE, "UTC", "Asia/Kathmandu"];
const LORD_HOWE: &str = "Australia/Lord_Howe";
const FOUR_YEARS: SignedDuration = SignedDuration::from_hours(24 * 365 * 4);
/// 2026-01-01 to 2036-01-01.
const SPAN: std::ops::Range<i64> = 1_767_225_600..2_082_758_400;

/// A time zone, by jiff and as the table that core reads.
struct Place {
    zone: TimeZone,
    offsets: ZoneOffsets,
}

impl Place {
    /// For times at `from` or later.
    fn new(name: &str, from: Timestamp) -> Self {
        let zone = TimeZone::get(name).expect("the system has a time zone database");
        let offsets = ZoneOffsets::new(&zone, from);
        Self { zone, offsets }
    }

    fn next(&self, schedule: &Schedule, after: Timestamp) -> Timestamp {
        let next =
            schedule.next_after(after.as_second(), &self.offsets.table()).expect("text that parses fires");
        Timestamp::from_second(next).expect("within the calendar")
    }
}

/// The next `N` times after a local time, as jiff writes them.
fn times<const N: usize>(schedule: &Schedule, zone_name: &str, after: &str) -> [String; N] {
    let after = after.parse::<civil::DateTime>().expect("a time").in_tz(zone_name).expect("it exists");
    let (mut at, place) = (after.timestamp(), Place::new(zone_name, after.timestamp()));
    std::array::from_fn(|_| {
        at = place.next(schedule, at);
        at.to_zoned(place.zone.clone()).strftime("%F %T %z").to_string()
    })
}

fn cron(text: &str) -> Schedule {
    parse_cron(text).expect(text)
}

#[test]
fn weekday_mornings() {
    let schedule = parse_at("07:30", Some("mon-fri")).expect("the example of the manual");
    assert_eq!(
        times(&schedule, "Europe/Berlin", "2026-03-26 12:00"),
        ["2026-03-27 07:30:00 +0100", "2026-03-30 07:30:00 +0200", "2026-03-31 07:30:00 +0200"],
        "half past seven stays half past seven when summer time begins"
    );
}

#[test]
fn a_fixed_time_in_a_gap_fires_when_the_gap_ends_where_cronexpr_loses_it() {
    for schedule in [cron("30 2 * * *"), parse_at("02:30", None).expect("a time"), cron("0,15,30,45 2 * * *")]
    {
        let [first] = times(&schedule, "Europe/Berlin", "2026-03-29 00:00");
        assert_eq!(first, "2026-03-29 03:00:00 +0200");
        let [once] = times(&schedule, "Europe/Berlin", "2026-03-29 03:00");
        assert!(once.starts_with("2026-03-30 02:"), "{once}");
    }
    let theirs = cronexpr::parse_crontab("30 2 * * * Europe/Berlin").expect("cron text");
    let theirs = theirs.find_next("2026-03-28T23:00:00Z").expect("it fires");
    assert_eq!(theirs.strftime("%F %T").to_string(), "2026-03-30 02:30:00");
    // Half an hour, on an island.
    assert_eq!(
        times(&cron("15 2 * * *"), LORD_HOWE, "2026-10-04 00:00"),
        ["2026-10-04 02:30:00 +1100", "2026-10-05 02:15:00 +1100"]
    );
}

#[test]
fn a_fixed_time_that_comes_twice_fires_once_where_cronexpr_fires_twice() {
    assert_eq!(
        times(&cron("30 2 * * *"), "Europe/Berlin", "2026-10-25 00:00"),
        ["2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100"]
    );
    let theirs = cronexpr::parse_crontab("30 2 * * * Europe/Berlin").expect("cron text");
    let theirs: Vec<_> =
        theirs.iter_after("2026-10-24T22:00:00Z").expect("a time").take(2).flatten().collect();
    assert_eq!(
        theirs.iter().map(|at| at.strftime("%F %T %z").to_string()).collect::<Vec<_>>(),
        ["2026-10-25 02:30:00 +0200", "2026-10-25 02:30:00 +0100"]
    );
    assert_eq!(
        times(&cron("45 1 * * *"), LORD_HOWE, "2026-04-05 00:00"),
        ["2026-04-05 01:45:00 +1100", "2026-04-06 01:45:00 +1030"]
    );
}

#[test]
fn a_repeating_schedule_keeps_its_pace_through_both_changes() {
    for change in ["2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"] {
        let mut at = change.parse::<Timestamp>().expect("a time") - 1.hour();
        let place = Place::new("America/New_York", at);
        for _ in 0..36 {
            let following = place.next(&cron("*/5 * * * *"), at);
            assert_eq!(following, at + 5.minutes());
            at = following;
        }
    }
}

/// How far [`walk`] goes.
const WALK_HOURS: i64 = 8;

/// The definition, minute by minute: what fires first after `after`, within [`WALK_HOURS`].
fn walk(schedule: &Schedule, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let matches = |local: civil::DateTime| {
        let set = |mask: u64, value: i8| mask >> value & 1 == 1;
        let day = set(schedule.days.into(), local.day());
        let weekday = set(schedule.weekdays.into(), local.weekday().to_monday_one_offset());
        (if schedule.either_day { day || weekday } else { day && weekday })
            && set(schedule.months.into(), local.month())
            && set(schedule.hours.into(), local.hour())
            && set(schedule.minutes, local.minute())
    };
    let first = Timestamp::from_second(after.as_second().div_euclid(60) * 60).expect("a time") + 1.minute();
    (0..WALK_HOURS * 60).map(|minute| first + SignedDuration::from_mins(minute)).find(|at| {
        let local = zone.to_datetime(*at);
        let before = zone.to_offset(*at - 1.second()).to_datetime(*at);
        if schedule.repeating {
            return matches(local);
        }
        // The offset grows here: what the clocks would have shown, up to what they show, is the gap.
        let mut skipped =
            std::iter::successors(Some(before), |at| Some(*at + 1.minute())).take_while(|at| *at < local);
        let repeated = match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Fold { after, .. } => zone.to_offset(*at) == after,
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => false,
        };
        skipped.any(matches) || matches(local) && !repeated
    })
}

/// A field of cron text, numbers only; now and then `*` or `*/n`.
fn field(min: u8, max: u8) -> impl Strategy<Value = String> {
    let item = prop_oneof![
        3 => (min..=max).prop_map(|value| value.to_string()),
        2 => (min..=max, min..=max).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (min..=max, min..=max, 1..=max / 2).prop_map(|(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b))),
        1 => (min..=max, 1..=max).prop_map(|(a, step)| format!("{a}/{step}")),
    ];
    prop_oneof![
        3 => Just("*".to_owned()),
        1 => (1..=max).prop_map(|step| format!("*/{step}")),
        4 => prop::collection::vec(item, 1..4).prop_map(|items| items.join(",")),
    ]
}

prop_compose! {
    fn text()(
        minute in field(0, 59), hour in field(0, 23), day in field(1, 31), month in field(1, 12), weekday in field(0, 7),
    ) -> String {
        format!("{minute} {hour} {day} {month} {weekday}")
    }
}

/// Whether `zone` changes its offset from a day before `from` to a day after `until`.
fn changes_between(zone: &TimeZone, from: Timestamp, until: Timestamp) -> bool {
    let day = SignedDuration::from_hours(24);
    zone.following(from - day).next().is_some_and(|change| change.timestamp() <= until + day)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn random_cron_agrees_with_cronexpr(text in text(), name in prop::sample::select(&ZONES[..]), start in SPAN) {
        let theirs = cronexpr::parse_crontab(&format!("{text} {name}")).expect("text that it knows");
        let Ok(schedule) = parse_cron(&text) else {
            // Refused here: it must be a date that no year has.
            let start = Timestamp::from_second(start).expect("a time");
            prop_assert!(theirs.find_next(start).is_err(), "{text} was refused, yet it fires");
            return Ok(());
        };
        let mut at = Timestamp::from_second(start).expect("a time");
        let place = Place::new(name, at);
        for _ in 0..5 {
            let ours = place.next(&schedule, at);
            if schedule.repeating && name != LORD_HOWE || !changes_between(&place.zone, at, ours) {
                match theirs.find_next(at) {
                    Ok(theirs) => prop_assert_eq!(ours, theirs.timestamp(), "{} {} after {}", text, name, at),
                    // It looks four years ahead only.
                    Err(error) => prop_assert!(ours > at + FOUR_YEARS, "{error}: ours {ours}"),
                }
            }
            at = ours;
        }
    }

    #[test]
    fn around_changes_it_agrees_with_the_rule_minute_by_minute(
        minute in field(0, 59), hour in field(0, 4), date in prop_oneof![Just("* * *".to_owned()), Just("1-12 * sun".to_owned())],
        name in prop::sample::select(&ZONES[..3]), start in SPAN, before in 0..180_i64 * 60,
    ) {
        let schedule = cron(&format!("{minute} {hour} {date}"));
        let start = Timestamp::from_second(start).expect("a time");
        let place = Place::new(name, start);
        let change = place.zone.following(start).next().expect("it has summer time");
        let mut at = change.timestamp() - SignedDuration::from_secs(before);
        for _ in 0..4 {
            let ours = place.next(&schedule, at);
            let last = Timestamp::from_second(at.as_second().div_euclid(60) * 60).expect("a time") + WALK_HOURS.hours();
            prop_assert_eq!(
                Some(ours).filter(|ours| *ours <= last), walk(&schedule, &place.zone, at),
                "{} {} {} {} after {}", minute, hour, date, name, at
            );
            at = ours;
        }
    }
}
