//! A receiver and the way to it. In order within a session, as over TCP; with a delay, breaks, repeats, and answers that
//! overtake each other. The receiver keeps all that it was ever given.

use std::collections::{BTreeMap, BTreeSet};

use campanile_core::time::Instant;
use campanile_delivery::{HostRecord, Position};

use super::plan::NetFault;
use super::tape::mix;
use crate::prng::Prng;

/// What a message says.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// The record's place: node, start and number are its identity.
    pub(super) at: Position,
    /// On the node's clock.
    pub(super) time: Instant,
    pub(super) body: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Engine(Vec<u8>),
    Host(Option<HostRecord>),
}

/// How the way is, until further notice.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    partition: u64,
    dead: u64,
    mute: u64,
    dies: u64,
    twice: u64,
    slow: (u64, u32),
    refuses: (u64, u8),
}

/// A receiver with its way, which belongs to one sink of one node.
pub(super) struct Receiver {
    latency: u64,
    random: Prng,
    weather: Weather,
    /// The session that is served; letters of earlier ones are not read any more.
    pub(super) session: u64,
    /// A letter of this session was lost on the way, so no other one gets through.
    doomed: bool,
    /// The last letter of this session arrives then.
    busy: u64,
    /// The last place of this session.
    last: Place,
    taken: u64,
    /// What the sink was told is gone: behind the first place, up to the second. The disk may have it all the same, and
    /// another start find it there.
    passed: Vec<(Place, Place)>,
    pub(super) received: Received,
}

/// All that a receiver has.
#[derive(Default)]
pub(super) struct Received {
    /// By place, the starts counted as they came: a disk that forgets a start lets the next one have its counter, and
    /// then only the random halves tell them apart. With a print of time and bytes.
    pub(super) letters: BTreeMap<Place, u64>,
    refused: BTreeSet<Place>,
    /// The host's own words among them.
    pub(super) words: BTreeMap<Position, HostRecord>,
    pub(super) print: u64,
    pub(super) repeats: u64,
}

/// Which life, which of the engine's records, which of the host's, and whether it is one of those: the word on what memory
/// dropped has the place of the last of that, which may have been delivered before.
pub(super) type Place = (usize, u64, u64, bool);

/// What becomes of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    Refused,
    /// It has it and says so, and that is the last of this session.
    Last,
    /// It has it, and the connection breaks before it can say so.
    Broken,
}

impl Receiver {
    pub(super) fn new(latency: u64, random: Prng) -> Self {
        Self {
            latency,
            random,
            weather: Weather::default(),
            session: 0,
            doomed: false,
            busy: 0,
            last: (0, 0, 0, false),
            taken: 0,
            passed: Vec::new(),
            received: Received::default(),
        }
    }

    /// From now on, for `span`. Says whether the session that there is breaks.
    pub(super) fn befall(&mut self, now: u64, fault: NetFault, span: u64) -> bool {
        let until = now + span;
        let weather = &mut self.weather;
        match fault {
            NetFault::Partition => weather.partition = until,
            NetFault::Dead => weather.dead = until,
            NetFault::Forgets => {}
            NetFault::Mute => weather.mute = until,
            NetFault::Dies => weather.dies = until,
            NetFault::Twice => weather.twice = until,
            NetFault::Slow(by) => weather.slow = (until, by),
            NetFault::Refuses(every) => weather.refuses = (until, every.max(1)),
        }
        matches!(fault, NetFault::Dead | NetFault::Forgets)
    }

    /// Whether a connection comes about; a new session then.
    pub(super) fn connect(&mut self, now: u64) -> bool {
        if now < self.weather.dead || now < self.weather.partition {
            return false;
        }
        self.session += 1;
        (self.busy, self.last, self.doomed) = (now, (0, 0, 0, false), false);
        true
    }

    /// When a letter that is sent now arrives; `None` if it never does.
    pub(super) fn arrival(&mut self, now: u64) -> Option<u64> {
        self.doomed |= now < self.weather.partition;
        if self.doomed {
            return None;
        }
        self.busy = self.busy.max(now + self.delay(now));
        Some(self.busy)
    }

    /// When an answer that is sent now arrives.
    pub(super) fn answer_at(&mut self, now: u64) -> Option<u64> {
        (now >= self.weather.partition).then(|| now + self.delay(now))
    }

    /// How often a letter arrives.
    pub(super) fn copies(&self, now: u64) -> u32 {
        if now < self.weather.twice { 2 } else { 1 }
    }

    fn delay(&mut self, now: u64) -> u64 {
        let slow = if now < self.weather.slow.0 { u64::from(self.weather.slow.1) } else { 0 };
        // Mostly prompt; at times so late that answers overtake each other.
        let most = if self.random.chance(1, 8) { self.latency * 4 } else { self.latency };
        slow + self.random.between(most / 4, most)
    }

    /// The sink goes on behind the second place, and was told that what lies between is gone.
    pub(super) fn passes(&mut self, after: Place, resume: Place) {
        self.passed.push((after, resume));
    }

    /// Takes a letter, which is about the `life`th life.
    ///
    /// # Errors
    /// What is wrong with it, or with its place among the others.
    pub(super) fn take(&mut self, now: u64, letter: &Letter, life: usize) -> Result<Answer, String> {
        self.taken += 1;
        let refuses = now < self.weather.refuses.0
            && self.taken.is_multiple_of(u64::from(self.weather.refuses.1))
            && matches!(letter.body, Content::Engine(_));
        let at = (life, letter.at.seq, letter.at.host, matches!(letter.body, Content::Host(_)));
        if refuses {
            self.received.refused.insert(at);
            return Ok(Answer::Refused);
        }
        let word = place(letter.at);
        if at < self.last {
            return Err(format!("within one session {word} comes behind {:?}", self.last));
        }
        self.last = at;
        let head = mix(0xcbf2_9ce4_8422_2325, &letter.time.micros().to_le_bytes());
        let print = match &letter.body {
            Content::Engine(bytes) => mix(head, bytes),
            Content::Host(record) => mix(head, format!("{record:?}").as_bytes()),
        };
        let received = &mut self.received;
        if let Content::Host(Some(word)) = &letter.body {
            received.words.insert(letter.at, word.clone());
            if let HostRecord::JournalGap { from, to, .. } = word {
                self.passed
                    .push(((life, from.saturating_sub(1), u64::MAX, true), (life, *to, u64::MAX, true)));
            }
        }
        // The word on what memory had to drop is put in its place, which this receiver may be past.
        let is_put_in = matches!(letter.body, Content::Host(Some(HostRecord::JournalGap { .. })));
        let newest = received.letters.last_key_value().map(|(newest, _)| *newest);
        match received.letters.get(&at) {
            Some(known) if *known == print => received.repeats += 1,
            Some(_) => return Err(format!("{word} came before with other words")),
            // What it once refused comes again if the word on it was lost.
            None if newest.is_some_and(|newest| at < newest)
                && !received.refused.contains(&at)
                && !is_put_in
                && !self.passed.iter().any(|(after, resume)| *after < at && at <= *resume) =>
            {
                return Err(format!("{word} comes for the first time behind {newest:?}"));
            }
            None => {
                received.letters.insert(at, print);
            }
        }
        received.print = mix(received.print, &print.to_le_bytes());
        if now < self.weather.mute {
            return Ok(Answer::Broken);
        }
        if now < self.weather.dies {
            // Whatever else is on its way finds nobody.
            self.session += 1;
            return Ok(Answer::Last);
        }
        Ok(Answer::Taken)
    }

    /// Everything works from now on.
    pub(super) fn heal(&mut self) {
        self.weather = Weather::default();
        // Fast enough for whatever has piled up.
        self.latency = self.latency.min(1_000);
    }
}

/// A place in words: start, number, and the count of the host's own records.
pub(super) fn place(at: Position) -> String {
    format!("{at}+{}", at.host)
}

#[cfg(test)]
mod tests {
    use campanile_delivery::Boot;

    use super::*;

    fn letter(seq: u64, word: u8) -> Letter {
        let at = Position { boot: Boot(1), seq, host: 0 };
        Letter { at, time: Instant::from_micros(seq), body: Content::Engine(vec![word]) }
    }

    /// A receiver that has the letters 1 and 5, of two sessions.
    fn receiver() -> Receiver {
        let mut receiver = Receiver::new(10, Prng::new(1));
        for seq in [1, 5] {
            assert!(receiver.connect(0));
            assert_eq!(receiver.take(0, &letter(seq, 1), 0), Ok(Answer::Taken));
        }
        assert!(receiver.connect(0));
        receiver
    }

    #[test]
    fn what_comes_again_is_the_same_and_what_comes_late_was_passed() {
        assert_eq!(receiver().take(0, &letter(1, 1), 0), Ok(Answer::Taken));
        assert!(receiver().take(0, &letter(1, 2), 0).is_err_and(|why| why.contains("other words")));
        assert!(receiver().take(0, &letter(3, 1), 0).is_err_and(|why| why.contains("for the first time")));
        let mut told = receiver();
        told.passes((0, 2, 0, true), (0, 3, 0, true));
        assert_eq!(told.take(0, &letter(3, 1), 0), Ok(Answer::Taken), "it was told that this is gone");
        assert!(told.take(0, &letter(4, 1), 0).is_err(), "and nothing else");
    }
}
