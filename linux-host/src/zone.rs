//! Time zones by name, and as the offset table that core's calendar reads.

use std::fmt;

use campanile_core::calendar::{HORIZON_S, ZoneTable};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::nearest::nearest;

/// Why a name is no time zone here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneError {
    /// This machine has no database of time zones, so nobody knows.
    NoDatabase,
    /// The database has no such name.
    Unknown(String),
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDatabase => f.write_str("this machine has no database of time zones"),
            Self::Unknown(name) => write!(f, "unknown time zone \"{name}\""),
        }
    }
}

impl std::error::Error for ZoneError {}

impl ZoneError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        let Self::Unknown(name) = self else {
            return "install it with `apt install tzdata`, or write \"UTC\", which needs none".to_owned();
        };
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => {
                "a name of the IANA database, such as \"Europe/Berlin\"; `timedatectl list-timezones` has all"
                    .to_owned()
            }
        }
    }
}

/// The time zone of a name. UTC is known without a database, which a small system may not have.
///
/// # Errors
/// See [`ZoneError`].
pub fn named(name: &str) -> Result<TimeZone, ZoneError> {
    if ["UTC", "Etc/UTC"].iter().any(|utc| name.eq_ignore_ascii_case(utc)) {
        return Ok(TimeZone::UTC);
    }
    let database = jiff::tz::db();
    if database.is_definitively_empty() {
        return Err(ZoneError::NoDatabase);
    }
    database.get(name).map_err(|_| ZoneError::Unknown(name.to_owned()))
}

/// The offsets of one time zone, from the change before a moment to as far as a schedule looks ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneOffsets {
    first_offset_s: i32,
    changes: Vec<(i64, i32)>,
}

impl ZoneOffsets {
    /// The offsets of `zone` for schedules that are asked at `now` or later; good for forty years, so built once a
    /// start or a change of the zone.
    #[must_use]
    pub fn new(zone: &TimeZone, now: Timestamp) -> Self {
        let until = now.saturating_add(SignedDuration::from_secs(HORIZON_S)).unwrap_or(Timestamp::MAX);
        // The change before: a time that it repeated may still be ahead.
        let first = zone.preceding(now).next().map_or(now, |change| change.timestamp());
        let before_first = first.checked_sub(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MIN);
        let changes = zone
            .following(before_first)
            .take_while(|change| change.timestamp() <= until)
            .map(|change| (change.timestamp().as_second(), change.offset().seconds()))
            .collect();
        Self { first_offset_s: zone.to_offset(before_first).seconds(), changes }
    }

    /// The table for [`Schedule::next_after`](campanile_core::calendar::Schedule::next_after).
    #[must_use]
    pub fn table(&self) -> ZoneTable<'_> {
        ZoneTable::new(self.first_offset_s, &self.changes)
            .expect("a time zone database lists rising times, and jiff bounds offsets below 26 hours")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_core::calendar::Zone;

    #[test]
    fn a_wrong_name_is_told_with_the_nearest() {
        assert_eq!(named("utc"), Ok(TimeZone::UTC));
        let error = named("Europe/Berln").expect_err("no such zone");
        assert_eq!(error.to_string(), "unknown time zone \"Europe/Berln\"");
        assert_eq!(error.help(), "did you mean \"Europe/Berlin\"?");
    }

    #[test]
    fn the_table_has_the_offsets_of_the_zone() {
        for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"] {
            let zone = TimeZone::get(name).expect("the system has a time zone database");
            let start: Timestamp = "2026-03-29T02:00:00Z".parse().expect("a time");
            let offsets = ZoneOffsets::new(&zone, start);
            for hour in 0..20 * 8_766 {
                let at = start + SignedDuration::from_hours(hour);
                let period = offsets.table().period_at(at.as_second());
                assert_eq!(period.offset_s, zone.to_offset(at).seconds(), "{name} at {at}");
            }
        }
    }

    #[test]
    fn the_change_before_now_is_in_the_table() {
        let zone = TimeZone::get("Europe/Berlin").expect("the system has a time zone database");
        let now: Timestamp = "2026-10-25T01:10:00Z".parse().expect("a time");
        let period = ZoneOffsets::new(&zone, now).table().period_at(now.as_second());
        let since = period.since.expect("clocks went back ten minutes ago");
        assert_eq!((since.at, since.before_s, period.offset_s), (now.as_second() - 600, 7200, 3600));
    }
}
