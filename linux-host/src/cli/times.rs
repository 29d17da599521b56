//! Times as people say and read them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::config::scalar;

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
    let local = if let Ok(time) = text.parse::<Time>() {
        Some(now.date().to_datetime(time))
    } else if let Ok(time) = text.parse::<DateTime>() {
        Some(time)
    } else {
        text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0))
    };
    let local =
        local.ok_or("a time is \"10min\" ago, \"07:30\", \"2026-11-21\" or \"2026-11-21T07:30:00+01:00\"")?;
    local.to_zoned(now.time_zone().clone()).map(|time| time.timestamp()).map_err(|error| error.to_string())
}

/// Microseconds since 1970 in a zone; a clock that nobody has set is marked.
pub(super) fn show(unix: Option<i64>, trusted: bool, zone: &TimeZone) -> String {
    let time = unix.and_then(|unix| Timestamp::from_microsecond(unix).ok());
    match time.map(|time| time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()) {
        Some(text) if trusted => text,
        Some(text) => format!("{text}?"),
        None => "?".to_owned(),
    }
}

/// Microseconds since 1970 for programs.
pub(super) fn rfc3339(unix: Option<i64>) -> Option<String> {
    unix.and_then(|unix| Timestamp::from_microsecond(unix).ok()).map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_say_them() {
        let then = parse("10min").unwrap();
        let ago = Timestamp::now().duration_since(then).as_secs();
        assert!((600..605).contains(&ago), "{ago}");
        assert_eq!(parse("2026-11-21T07:30:00+01:00").unwrap(), "2026-11-21T06:30:00Z".parse().unwrap());
        let zone = TimeZone::system();
        let local =
            |text: &str| text.parse::<DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp();
        assert_eq!(parse("2026-11-21").unwrap(), local("2026-11-21T00:00:00"));
        assert_eq!(parse("2026-11-21 07:30").unwrap(), local("2026-11-21T07:30:00"));
        assert!(parse("yesterday").unwrap_err().contains("10min"));
    }

    #[test]
    fn a_clock_that_nobody_has_set_is_marked() {
        assert_eq!(show(Some(1_795_242_600_123_456), true, &TimeZone::UTC), "2026-11-21 06:30:00.123");
        assert_eq!(show(Some(0), false, &TimeZone::UTC), "1970-01-01 00:00:00.000?");
        assert_eq!(show(None, true, &TimeZone::UTC), "?");
    }
}
