//! Small words for people, the same everywhere.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// So many of something: `1 input`, `2 inputs`.
pub fn count(how_many: impl Into<u64>, one: &str) -> String {
    match how_many.into() {
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    }
}

/// A time in microseconds since 1970 as the clock of a zone shows it; a clock that nobody has set is marked.
pub fn time_of_day(unix: Option<i64>, trusted: bool, zone: &TimeZone) -> String {
    let time = unix.and_then(|unix| Timestamp::from_microsecond(unix).ok());
    let Some(time) = time else { return "?".to_owned() };
    let mark = if trusted { "" } else { "?" };
    format!("{}{mark}", time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0_u64, 1, 2].map(|n| count(n, "input")), ["0 inputs", "1 input", "2 inputs"]);
    }

    #[test]
    fn a_time_that_nobody_trusts_is_marked() {
        let time = |unix, trusted| time_of_day(unix, trusted, &TimeZone::UTC);
        assert_eq!(time(Some(1_795_246_200_123_456), true), "2026-11-21 07:30:00.123");
        assert_eq!(time(Some(1_000_000), false), "1970-01-01 00:00:01.000?");
        assert_eq!(time(None, false), "?");
    }
}
