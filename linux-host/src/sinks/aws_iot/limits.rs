//! What AWS IoT Core allows, as "AWS IoT Core endpoints and quotas" of the AWS General Reference and "Device Shadow error
//! messages" of the AWS IoT Core Developer Guide had it in November 2026. Limits of a connection cannot be raised.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Messages a second on one connection, in both directions together; what is more is not acknowledged.
pub const PER_SECOND: usize = 100;
/// QoS 1 messages without an acknowledgement on one connection.
pub const IN_FLIGHT: i64 = 100;
/// Slashes in a topic, without those of the three parts in front of Basic Ingest.
pub const SLASHES: usize = 7;
/// Bytes of a topic, likewise.
pub const TOPIC: usize = 256;
/// Bytes of a message.
pub const PAYLOAD: usize = 128 * 1024;
/// Bytes of a device shadow's document, and so of what changes one.
pub const SHADOW: usize = 8 * 1024;
/// Characters of a thing's or a client's name.
pub const NAME: usize = 128;
/// From one connection of a client to its next.
pub const RECONNECT: Duration = Duration::from_secs(1);

/// Keeps [`PER_SECOND`], in every second, wherever that begins.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Of the last messages, oldest first.
    sent: VecDeque<Instant>,
}

impl Pace {
    /// Counts so many messages as sent now; or says when they may be.
    pub(super) fn take(&mut self, messages: usize, now: Instant) -> Result<(), Instant> {
        const SECOND: Duration = Duration::from_secs(1);
        while self.sent.front().is_some_and(|at| *at + SECOND <= now) {
            self.sent.pop_front();
        }
        let over = (self.sent.len() + messages).saturating_sub(PER_SECOND);
        match over.checked_sub(1).and_then(|last| self.sent.get(last)) {
            Some(at) => Err(*at + SECOND),
            None => {
                self.sent.extend(std::iter::repeat_n(now, messages));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_than_its_share() {
        let begin = Instant::now();
        let after = |ms| begin + Duration::from_millis(ms);
        let mut pace = Pace::default();
        // As fast as it lets: two messages each time.
        let (mut now, mut sent) = (begin, Vec::new());
        while now < after(5_000) {
            match pace.take(2, now) {
                Ok(()) => {
                    sent.push(now);
                    now += Duration::from_millis(1);
                }
                Err(then) => {
                    assert!(then > now, "a wait that ends");
                    now = then;
                }
            }
        }
        for (place, at) in sent.iter().enumerate() {
            let within =
                sent[place..].iter().take_while(|other| **other < *at + Duration::from_secs(1)).count();
            assert!(within * 2 <= PER_SECOND, "{within} twice in the second from {:?}", *at - begin);
        }
        assert!(sent.len() >= 240, "and nothing is wasted: {}", sent.len());
    }
}
