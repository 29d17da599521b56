//! What the host has told of the time of day, and whether it is worth telling the engine again.

use crate::time::{Duration, Instant};

/// A clock that is off by more than this is set again, ...
const OFF: Duration = Duration::from_secs(1);
/// ... and each after so long.
const EVERY: Duration = Duration::from_secs(300);

/// What was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// When.
    pub(super) at: Instant,
    pub(super) unix: i64,
    pub(super) offset: i32,
    pub(super) trusted: bool,
}

impl Clock {
    /// Whether it says the same as what is told now.
    pub(super) fn is_good_for(&self, told: &Self) -> bool {
        let passed = told.at.since(self.at);
        let expected = self.unix.saturating_add(i64::try_from(passed.micros()).unwrap_or(i64::MAX));
        let off = Duration::from_micros(expected.abs_diff(told.unix));
        passed < EVERY && off <= OFF && (self.offset, self.trusted) == (told.offset, told.trusted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::Tiny;
    use crate::engine::Engine;
    use crate::link::frame::MAX_MESSAGE;
    use crate::link::message::Message;
    use crate::link::{About, Collector, Health, MAX_FRAME, Request, Runs, Satellite};

    #[test]
    fn a_clock_is_told_once_and_again_if_the_loop_had_no_room_for_it() {
        let engine = Engine::<Tiny>::new();
        let (log, room) = (engine.log(), engine.room());
        let (mut satellite, now) = (Satellite::new(1, 0, 7), Instant::from_micros(1));
        let mut bytes = [0; MAX_MESSAGE];
        let mut hears = |satellite: &mut Satellite, token, message: Message<'_>| {
            let len = message.encode(token, &mut bytes).unwrap();
            matches!(satellite.receive(now, &bytes[..len], &log), Some(Request::Clock { .. }))
        };
        assert!(!hears(&mut satellite, 0, Message::Greet { version: crate::link::VERSION, nonce: 3 }));
        let about = About {
            node: "",
            board: "",
            room,
            bundle_max: 0,
            runs: Runs::default(),
            health: Health::NO_STORAGE,
        };
        let (mut frame, mut collector) = ([0; MAX_FRAME], Collector::new());
        let len = satellite.transmit(now, &about, &log, &mut frame).unwrap();
        let token =
            frame[..len].iter().find_map(|byte| Some(Message::decode(collector.push(*byte)?).unwrap().0));
        let ping = Message::Ping { unix: 1_000_000, offset: 0, trusted: true };
        let mut told = |satellite: &mut Satellite| hears(satellite, token.unwrap(), ping);
        assert!(told(&mut satellite));
        assert!(!told(&mut satellite), "it is no news");
        satellite.clock_missed();
        assert!(told(&mut satellite));
        assert!(!told(&mut satellite));
    }
}
