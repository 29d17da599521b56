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
}
