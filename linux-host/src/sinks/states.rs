//! What a receiver was told of every state last, by topic.
//!
//! It is told again when it may have forgotten: on every connection to one that keeps states only as long as it runs,
//! and with `report = { every = "1h" }` after so long. Each time it is the same message to the byte, its identity
//! included, so that nobody takes it for news. And it is how a sink knows which states of a checkpoint nobody was told
//! of yet: variables and sensors at a start, or names that are new with a program.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use campanile_delivery::Position;
use tokio::time::Instant;

use super::message::Message;
use super::render::Made;

/// The last message of every state: at most one for each name of a program.
#[derive(Debug, Default)]
pub(super) struct States {
    by_topic: HashMap<String, State>,
    /// None is due to be repeated before this.
    due: Option<Instant>,
}

#[derive(Debug)]
struct State {
    message: Message,
    /// Of its record.
    at: Position,
    repeat: Option<Repeat>,
    /// The receiver takes no such message any more.
    refused: bool,
}

#[derive(Clone, Copy, Debug)]
struct Repeat {
    every: Duration,
    due: Instant,
}

impl States {
    /// A message goes out. If it is a state, it is the one to tell again from now on.
    pub(super) fn note(&mut self, message: &Message, at: Position, now: Instant) {
        // A line for people has no topic, and what happened once is not told twice.
        if !message.retain || message.topic.is_empty() {
            return;
        }
        let repeat = message.every.map(|every| Repeat { every, due: now + every });
        if let Some(Repeat { due, .. }) = repeat {
            self.due = Some(self.due.map_or(due, |first| first.min(due)));
        }
        match self.by_topic.get_mut(&message.topic) {
            Some(known) => {
                known.message.clone_from(message);
                (known.at, known.repeat, known.refused) = (at, repeat, false);
            }
            None => {
                let state = State { message: message.clone(), at, repeat, refused: false };
                self.by_topic.insert(message.topic.clone(), state);
            }
        }
    }

    /// The receiver will never take the state of this topic as it is now.
    pub(super) fn refuse(&mut self, topic: &str) {
        if let Some(state) = self.by_topic.get_mut(topic) {
            (state.refused, state.repeat) = (true, None);
        }
    }

    /// The receiver will never take what was told at this place. Of several states that a checkpoint tells, nobody knows
    /// which; that one is found out when it is told again.
    pub(super) fn refuse_news(&mut self, at: Position) {
        let mut here = self.by_topic.values_mut().filter(|state| state.at == at);
        if let (Some(state), None) = (here.next(), here.next()) {
            (state.refused, state.repeat) = (true, None);
        }
    }

    /// What was refused may be welcome by now.
    pub(super) fn forgive(&mut self) {
        self.by_topic.values_mut().for_each(|state| state.refused = false);
    }

    /// Of all states of a program, as they are at a place, those that were not told since the start that it is in. Names
    /// that are not among them are gone from the program, and are not told again.
    pub(super) fn untold(&mut self, mut all: Vec<Message>, at: Position) -> Made {
        let topics: HashSet<_> = all.iter().map(|message| message.topic.as_str()).collect();
        self.by_topic.retain(|topic, _| topics.contains(topic.as_str()));
        let is_told = |state: &State| state.at.boot == at.boot && state.at < at;
        all.retain(|message| !self.by_topic.get(&message.topic).is_some_and(is_told));
        if all.is_empty() { Made::Nothing } else { Made::States(all) }
    }

    /// All that was told up to a place, in the order in which it was. What came behind goes out again by itself.
    pub(super) fn told(&self, up_to: Position) -> Vec<(Message, Position)> {
        let known = self.by_topic.values().filter(|state| state.at <= up_to && !state.refused);
        let mut told: Vec<_> = known.map(|state| (state.message.clone(), state.at)).collect();
        told.sort_by(|(a, at), (b, other)| (at, &a.topic).cmp(&(other, &b.topic)));
        told
    }

    /// When the next one is to be repeated, at the earliest.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// One that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<(Message, Position)> {
        if self.due.is_none_or(|due| due > now) {
            return None;
        }
        let due = |state: &State| state.repeat.is_some_and(|repeat| repeat.due <= now);
        let taken = self.by_topic.values_mut().find(|state| due(state)).map(|state| {
            // From now on, and not from when it was due: after an outage one is enough.
            state.repeat = state.repeat.map(|repeat| Repeat { due: now + repeat.every, ..repeat });
            (state.message.clone(), state.at)
        });
        self.due = self.by_topic.values().filter_map(|state| Some(state.repeat?.due)).min();
        taken
    }
}

#[cfg(test)]
mod tests {
    use campanile_delivery::Boot;

    use super::*;
    use crate::sinks::message::Kind;

    fn state(topic: &str, payload: &str, every: Option<u64>) -> Message {
        let every = every.map(Duration::from_secs);
        Message { topic: topic.into(), payload: payload.into(), retain: true, kind: Kind::Input, every }
    }

    const fn at(boot: u32, seq: u64) -> Position {
        Position { boot: Boot::new(boot, 0), seq, host: 1 }
    }

    fn payloads(messages: &[(Message, Position)]) -> Vec<&str> {
        messages.iter().map(|(message, _)| message.payload.as_str()).collect()
    }

    #[test]
    fn the_last_state_is_repeated_until_there_is_another() {
        let begin = Instant::now();
        let after = |s| begin + Duration::from_secs(s);
        let mut states = States::default();
        states.note(&state("a", "on", Some(10)), at(1, 1), after(0));
        states.note(&state("b", "on", None), at(1, 2), after(0));
        assert_eq!((states.due(), states.take(after(9))), (Some(after(10)), None));
        states.note(&state("a", "off", Some(10)), at(1, 3), after(9));
        assert_eq!(states.take(after(18)), None, "its time began anew");
        assert_eq!(states.take(after(100)), Some((state("a", "off", Some(10)), at(1, 3))));
        assert_eq!((states.take(after(100)), states.due()), (None, Some(after(110))), "once, however late");
        states.refuse("a");
        assert_eq!((states.take(after(200)), states.due()), (None, None), "nobody wants it");
    }

    #[test]
    fn a_new_connection_is_told_what_is_behind_it_in_its_order_and_nothing_refused() {
        let mut states = States::default();
        states.note(&state("b", "b1", None), at(1, 1), Instant::now());
        states.note(&state("a", "a2", None), at(1, 2), Instant::now());
        states.note(&state("c", "c3", None), at(1, 3), Instant::now());
        states.note(&state("b", "b4", None), at(1, 4), Instant::now());
        states.note(&Message { retain: false, ..state("bell", "rang", None) }, at(1, 5), Instant::now());
        assert_eq!(payloads(&states.told(at(1, 3))), ["a2", "c3"], "b comes by itself");
        assert_eq!(payloads(&states.told(at(1, 5))), ["a2", "c3", "b4"]);
        states.refuse("c");
        assert_eq!(payloads(&states.told(at(1, 5))), ["a2", "b4"]);
        states.forgive();
        assert_eq!(payloads(&states.told(at(1, 5))), ["a2", "c3", "b4"]);
        states.note(&state("c", "c6", None), at(1, 6), Instant::now());
        assert_eq!(payloads(&states.told(at(1, 6))), ["a2", "b4", "c6"], "another one may be welcome");
    }

    #[test]
    fn a_checkpoint_tells_what_nobody_was_told_in_its_start_and_ends_what_is_gone() {
        let mut states = States::default();
        states.note(&state("a", "a1", None), at(1, 1), Instant::now());
        states.note(&state("gone", "g1", None), at(1, 2), Instant::now());
        states.note(&state("late", "l9", None), at(1, 9), Instant::now());
        let all = || ["a", "late", "new"].map(|topic| state(topic, "now", None)).to_vec();
        let topics = |made: Made| match made {
            Made::States(states) => states.into_iter().map(|message| message.topic).collect(),
            _ => Vec::new(),
        };
        // `late` was told behind this place, in a session that was lost: it goes in its old order again.
        assert_eq!(topics(states.untold(all(), at(1, 5))), ["late", "new"]);
        assert_eq!(payloads(&states.told(at(1, 9))), ["a1", "l9"]);
        assert_eq!(topics(states.untold(all()[..1].to_vec(), at(1, 6))), [""; 0], "told already");
        assert_eq!(topics(states.untold(all(), at(2, 1))), ["a", "late", "new"], "a start tells everything");
    }
}
