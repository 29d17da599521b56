//! Times as people say and read them.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, Zoned};

use crate::config::scalar;
pub(super) use crate::words::time_of_day as show;

/// A time as people say it: how long ago, or when.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    let now = Zoned::now();
    if let Ok(ago) = scalar::duration(text) {
        let ago = jiff::SignedDuration::from_micros(i64::try_from(ago.micros()).unwrap_or(i64::MAX));
        return now.timestamp().checked_sub(ago).map_err(|error| error.to_string());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    // The date first: what reads a time alone takes that of another day for one of today.
    let local = if let Ok(time) = text.parse::<DateTime>() {
        Some(time)
    } else if let Ok(date) = text.parse::<Date>() {
        Some(date.at(0, 0, 0, 0))
    } else {
        text.parse::<Time>().ok().map(|time| now.date().to_datetime(time))
    };
    let local =
        local.ok_or("a time is \"10min\" ago, \"07:30\", \"2026-11-21\" or \"2026-11-21T07:30:00+01:00\"")?;
    local.to_zoned(now.time_zone().clone()).map(|time| time.timestamp()).map_err(|error| error.to_string())
}

/// Microseconds since 1970 for programs.
pub(super) fn rfc3339(unix: Option<i64>) -> Option<String> {
    unix.and_then(|unix| Timestamp::from_microsecond(unix).ok()).map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn times_as_people_say_them() {
        let ago = |now: Timestamp| now - jiff::SignedDuration::from_mins(10);
        let before = ago(Timestamp::now());
        let then = parse("10min").unwrap();
        assert!((before..=ago(Timestamp::now())).contains(&then), "{then}");
        assert_eq!(parse("2026-11-21T07:30:00+01:00").unwrap(), "2026-11-21T06:30:00Z".parse().unwrap());
        let zone = TimeZone::system();
        let local =
            |text: &str| text.parse::<DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp();
        assert_eq!(parse("2026-11-21").unwrap(), local("2026-11-21T00:00:00"));
        for day in ["2026-11-21", "2001-02-03"] {
            assert_eq!(
                parse(&format!("{day} 07:30")).unwrap(),
                local(&format!("{day}T07:30:00")),
                "not today's"
            );
        }
        assert!(parse("07:30").unwrap() > Timestamp::now() - jiff::SignedDuration::from_hours(25));
        assert!(parse("yesterday").unwrap_err().contains("10min"));
    }
}
