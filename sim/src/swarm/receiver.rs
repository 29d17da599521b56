//! A receiver and the way to it. In order within a connection, as over TCP; with a delay, breaks, repeats, and answers that
//! overtake each other. The receiver keeps all that it was ever given.
//!
//! What comes in waits in the sink's session until the receiver has handed it on, and only then is it acknowledged. As with
//! a broker of which the daemon asks for that, the session outlives a connection for a while: what came over one is acknowledged
//! over the next, and is sent again meanwhile. A session that is forgotten is gone with all that waits in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use campanile_core::time::Instant;
use campanile_delivery::{HostRecord, Position, Ticket};

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

/// A letter on its way, and what its sink knows it by.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    /// The life that the node had, and the connection of the sink.
    pub(super) life: u32,
    pub(super) connection: u64,
    pub(super) ticket: Ticket,
    pub(super) letter: Letter,
}

/// As long as the daemon asks a broker to keep its session.
const KEPT: u64 = 30_000_000;

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
    /// The connection that is served; letters of earlier ones are not read any more.
    pub(super) connection: u64,
    /// A letter of this connection was lost on the way, so no other one gets through.
    doomed: bool,
    /// The last letter of this connection arrives then.
    busy: u64,
    /// The session: what came in and is not handed on yet.
    waiting: VecDeque<Parcel>,
    /// The session is not the one in which this connection began.
    forgot: bool,
    /// The last of what waits is handed on then.
    handing: u64,
    /// The last place handed on, behind its connection.
    last: (u64, Place),
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

/// What a parcel belongs to, nobody knows any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forgotten;

/// What becomes of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    Refused,
    /// It has it and says so, and that is the last of this connection.
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
            connection: 0,
            doomed: false,
            busy: 0,
            waiting: VecDeque::new(),
            forgot: false,
            handing: 0,
            last: (0, (0, 0, 0, false)),
            taken: 0,
            passed: Vec::new(),
            received: Received::default(),
        }
    }

    /// From now on, for `span`. Gives the connection that breaks with it.
    pub(super) fn befall(&mut self, now: u64, fault: NetFault, span: u64) -> Option<u64> {
        let until = now + span;
        let weather = &mut self.weather;
        match fault {
            NetFault::Partition => weather.partition = until,
            NetFault::Dead => {
                weather.dead = until;
                if span > KEPT {
                    self.forget();
                }
                return Some(self.hang_up());
            }
            NetFault::Forgets => self.forget(),
            NetFault::Mute => weather.mute = until,
            NetFault::Dies => weather.dies = until,
            NetFault::Twice => weather.twice = until,
            NetFault::Slow(by) => weather.slow = (until, by),
            NetFault::Refuses(every) => weather.refuses = (until, every.max(1)),
        }
        None
    }

    /// The new connection, if one comes about.
    pub(super) fn connect(&mut self, now: u64) -> Option<u64> {
        if now < self.weather.dead || now < self.weather.partition {
            return None;
        }
        self.connection += 1;
        (self.busy, self.doomed, self.forgot) = (now, false, false);
        Some(self.connection)
    }

    /// Whatever else is on its way finds nobody. Gives the connection that there was.
    fn hang_up(&mut self) -> u64 {
        self.connection += 1;
        self.connection - 1
    }

    /// The session is gone, and nobody is told before something comes that belongs to it.
    fn forget(&mut self) {
        self.waiting.clear();
        self.forgot = true;
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

    /// A parcel has arrived. Says when it may be handed on.
    ///
    /// # Errors
    /// What it belongs to is forgotten, which its sender is told.
    pub(super) fn accept(&mut self, now: u64, parcel: Parcel) -> Result<u64, Forgotten> {
        if self.forgot {
            return Err(Forgotten);
        }
        self.waiting.push_back(parcel);
        Ok(self.hands_on(now))
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// When the next one that waits may be handed on: often at once, else after as long as the way takes.
    pub(super) fn hands_on(&mut self, now: u64) -> u64 {
        let takes = if self.random.chance(1, 2) { 0 } else { self.delay(now) };
        self.handing = self.handing.max(now + takes);
        self.handing
    }

    /// The next one to hand on. Who is dead hands nothing on before somebody comes back to him.
    pub(super) fn next(&mut self, now: u64) -> Option<Parcel> {
        if now < self.weather.dead { None } else { self.waiting.pop_front() }
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

    /// Hands on what has come, which is about the `life`th life.
    ///
    /// # Errors
    /// What is wrong with it, or with its place among the others.
    pub(super) fn take(&mut self, now: u64, parcel: &Parcel, life: usize) -> Result<Answer, String> {
        let Parcel { connection, letter, .. } = parcel;
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
        let turn = (*connection, at);
        if turn < self.last {
            return Err(format!("within one connection {word} comes behind {:?}", self.last));
        }
        self.last = turn;
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
            self.forget();
            self.hang_up();
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
mod tests;
