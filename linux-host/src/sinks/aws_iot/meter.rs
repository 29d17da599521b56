//! The running meter: what this month has used since the daemon started.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::Instant;

use super::price::Use;

/// Counts for one sink. A bill's month is that of UTC.
#[derive(Debug, Default)]
pub(super) struct Meter {
    month: Option<(i16, i8)>,
    used: Use,
    /// Since then it is connected, as far as it is not in `used` yet.
    connected: Option<Instant>,
}

impl Meter {
    /// Something was used.
    pub(super) fn add(&mut self, used: Use, at: Timestamp) {
        let date = at.to_zoned(TimeZone::UTC).date();
        let month = (date.year(), date.month());
        if self.month.replace(month).is_some_and(|before| before != month) {
            self.used = Use::default();
            self.connected = self.connected.map(|_| Instant::now());
        }
        self.used += used;
    }

    /// A connection begins.
    pub(super) fn connect(&mut self) {
        self.connected = Some(Instant::now());
    }

    /// It ends.
    pub(super) fn disconnect(&mut self) {
        self.used = self.used();
        self.connected = None;
    }

    /// This month's. A minute that began counts.
    pub(super) fn used(&self) -> Use {
        let connected = self.connected.map_or(Duration::ZERO, |since| since.elapsed());
        let begun = u64::from(self.connected.is_some());
        let minutes = self.used.minutes.saturating_add(connected.as_secs() / 60 + begun);
        Use { minutes, ..self.used }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn counts_connections_by_the_minute_and_begins_anew_with_a_month() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut meter = Meter::default();
        meter.add(Use::message(1), at("2026-11-30T23:00:00Z"));
        meter.connect();
        tokio::time::advance(Duration::from_secs(150)).await;
        assert_eq!((meter.used().minutes, meter.used().messages), (3, 1));
        meter.disconnect();
        tokio::time::advance(Duration::from_secs(600)).await;
        meter.connect();
        assert_eq!(meter.used().minutes, 4, "a minute that began");
        meter.add(Use::message(1), at("2026-11-30T23:59:59Z"));
        assert_eq!((meter.used().minutes, meter.used().messages), (4, 2));
        tokio::time::advance(Duration::from_secs(3_600)).await;
        meter.add(Use::message(1), at("2026-12-01T00:00:00Z"));
        assert_eq!((meter.used().minutes, meter.used().messages), (1, 1), "December");
    }
}
