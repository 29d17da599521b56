//! `report = { every = "1h" }`: states that are published again while they last, for receivers that forget what they
//! have not heard of for long. A repeat is the same message to the byte, its identity included, so that nobody takes it
//! for news.

use std::time::Duration;

use tokio::time::Instant;

use super::message::Message;

/// The states that one sink repeats: at most one for each input.
#[derive(Debug, Default)]
pub(super) struct Repeats(Vec<Repeat>);

#[derive(Debug)]
struct Repeat {
    message: Message,
    every: Duration,
    due: Instant,
}

impl Repeats {
    /// A message goes out: if it is a state that is repeated, its time begins anew.
    pub(super) fn note(&mut self, message: &Message, now: Instant) {
        let Some(every) = message.every else { return };
        let repeat = Repeat { message: message.clone(), every, due: now + every };
        match self.0.iter_mut().find(|known| known.message.topic == message.topic) {
            Some(known) => *known = repeat,
            None => self.0.push(repeat),
        }
    }

    /// When the next one is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.iter().map(|repeat| repeat.due).min()
    }

    /// One that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Message> {
        let repeat = self.0.iter_mut().find(|repeat| repeat.due <= now)?;
        // From now on, and not from when it was due: after an outage one is enough.
        repeat.due = now + repeat.every;
        Some(repeat.message.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::message::Kind;

    fn state(topic: &str, payload: &str, every: Option<u64>) -> Message {
        let every = every.map(Duration::from_secs);
        Message { topic: topic.into(), payload: payload.into(), retain: true, kind: Kind::Input, every }
    }

    #[test]
    fn the_last_state_is_repeated_until_there_is_another() {
        let begin = Instant::now();
        let at = |s| begin + Duration::from_secs(s);
        let mut repeats = Repeats::default();
        repeats.note(&state("a", "on", Some(10)), at(0));
        repeats.note(&state("b", "on", None), at(0));
        assert_eq!((repeats.due(), repeats.take(at(9))), (Some(at(10)), None));
        repeats.note(&state("a", "off", Some(10)), at(9));
        assert_eq!(repeats.take(at(18)), None, "its time began anew");
        assert_eq!(repeats.take(at(100)).map(|message| message.payload), Some("off".into()));
        assert_eq!((repeats.take(at(100)), repeats.due()), (None, Some(at(110))), "once, however late");
    }
}
