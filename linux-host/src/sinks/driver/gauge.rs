//! `figures = "30s"`: how a sink is doing, as a state that its receiver keeps.
//!
//! It is derived from what the driver knows anyway: no record has it, the journal does not wait for it, and one that is
//! not told is made up for by the next. It goes out with each connection, and when it has changed, but not more often than wanted.

use std::time::Duration;

use campanile_delivery::{Item, Storage};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Driver, Parcel, What};
use crate::sinks::Sink;
use crate::sinks::message::{Gauged, Message};
use crate::sinks::source::Around;

/// A delivery that took longer is told once more as one that is over: as long as nothing else happens, the receiver would
/// have it for how things are.
const LONG: Duration = Duration::from_secs(1);

/// When the next is due, and what it will say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauge {
    every: Duration,
    /// Not before this.
    due: Instant,
    /// There is something to tell.
    is_stale: bool,
    /// From a record to the receiver's acknowledgement: the longest since it was told last.
    lag: Duration,
}

impl Gauge {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, due: Instant::now(), is_stale: true, lag: Duration::ZERO }
    }

    /// A receiver that was away may have forgotten it.
    pub(super) fn renew(&mut self) {
        (self.due, self.is_stale) = (Instant::now(), true);
    }

    /// Something that it says has changed.
    pub(super) const fn touch(&mut self) {
        self.is_stale = true;
    }

    /// Something arrived that was recorded at that time, if that is known.
    pub(super) fn deliver(&mut self, recorded: Option<Instant>, now: Instant) {
        self.touch();
        let lag = recorded.map_or(Duration::ZERO, |recorded| now.saturating_duration_since(recorded));
        self.lag = self.lag.max(lag);
    }

    /// When the next one is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.is_stale.then_some(self.due)
    }

    /// The lag to tell, if it is time to.
    fn take(&mut self, now: Instant) -> Option<Duration> {
        if !self.is_stale || self.due > now {
            return None;
        }
        let lag = std::mem::take(&mut self.lag);
        (self.due, self.is_stale) = (now + self.every, lag >= LONG);
        Some(lag)
    }
}

impl<K: Sink, S: Storage, A: Around> Driver<K, S, A> {
    /// How the sink is doing, if it is time for that.
    pub(super) fn gauge(&mut self, now: Instant) -> Option<(Parcel, Message)> {
        let lag = self.gauge.as_mut()?.take(now)?;
        self.show();
        let figures = self.board.read(self.source.index.head());
        let lost = figures.lost + self.source.around.lost();
        let gauged = Gauged { sink: &self.name, boot: self.source.boot, lag, lost, figures };
        let message = self.render.gauged(&gauged)?;
        Some((Parcel { at: self.feed.outbox.cursor(), recorded: None, what: What::Gauge }, message))
    }
}

/// When an item was recorded: by the clock that all of this start have, or by the time of day then.
pub(super) fn recorded(
    item: &Item<'_>,
    boot: campanile_delivery::Boot,
    now: (campanile_core::time::Instant, Instant),
) -> Option<Instant> {
    let ago = if item.at.boot == boot {
        now.0.since(item.time).micros()
    } else {
        let recorded = item.wall.filter(|wall| wall.trusted)?.unix_at(item.time);
        u64::try_from(Timestamp::now().as_microsecond().saturating_sub(recorded)).unwrap_or(0)
    };
    now.1.checked_sub(Duration::from_micros(ago))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_at_once_then_when_it_changed_and_never_too_often() {
        let mut gauge = Gauge::new(Duration::from_secs(10));
        let begin = gauge.due().unwrap();
        let after = |s| begin + Duration::from_secs(s);
        assert_eq!(gauge.take(begin), Some(Duration::ZERO));
        assert_eq!((gauge.due(), gauge.take(after(60))), (None, None), "nothing changed");
        gauge.deliver(Some(after(60)), after(60) + Duration::from_millis(3));
        gauge.deliver(Some(after(60)), after(60) + Duration::from_millis(7));
        gauge.deliver(None, after(61));
        assert_eq!(gauge.take(after(61)), Some(Duration::from_millis(7)), "the longest");
        gauge.touch();
        assert_eq!((gauge.due(), gauge.take(after(70))), (Some(after(71)), None));
        assert_eq!(gauge.take(after(71)), Some(Duration::ZERO));
    }

    #[test]
    fn a_long_lag_is_told_to_be_over() {
        let mut gauge = Gauge::new(Duration::from_secs(10));
        let begin = gauge.due().unwrap();
        let after = |s| begin + Duration::from_secs(s);
        gauge.deliver(Some(begin), after(3_600));
        assert_eq!(gauge.take(after(3_600)), Some(Duration::from_secs(3_600)));
        assert_eq!(gauge.take(after(3_610)), Some(Duration::ZERO));
        assert_eq!(gauge.due(), None);
        gauge.renew();
        assert!(gauge.due().is_some(), "the next connection");
    }
}
