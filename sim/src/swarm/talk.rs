//! A house's end of the link to one satellite: the session that ships, with the thin loop around it that the daemon's
//! thread has. It goes with its process.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use campanile_core::input::Op;
use campanile_core::link::{Collector, MAX_FRAME, Wall};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::satellite::{Book, Memory, Mirror, News, Outcome, Program, Session, World};
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Boot, Journal, NodeName, Options, RecordId};

use crate::board::Satellite as Lines;
use crate::house::SatelliteHouse;
use crate::prng::Prng;

/// A port that cannot be had is tried again after so long, and then after twice as long, up to the longest.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// So long the satellite is told what is left to be told when the talk is to end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// See the [module](self).
pub(super) struct Talk {
    desk: Desk,
    /// None while its journal cannot be read.
    session: Option<Session<Disk>>,
    collector: Collector,
    around: Around,
    /// The port is closed, and tried again then.
    closed: Option<Instant>,
    pause: Duration,
    /// What the house was told last.
    up: bool,
    /// It can be that there is something to do.
    stirred: bool,
    /// The satellite had still to be told of an output when somebody looked last, or not, and since when that is so.
    owed: (bool, Instant),
    /// The satellite is there with the program of this house, since then.
    well: Option<Instant>,
    /// The last message of each start that the house was told of.
    told: BTreeMap<Boot, u64>,
    /// Tickets of those who asked something of the satellite's program, and were not told yet what became of it.
    asked: BTreeSet<u32>,
    /// It is to end, since then.
    ends: Option<Instant>,
}

/// What a session is made of.
pub(super) struct Desk {
    /// What the file says of the satellite.
    pub(super) of: SatelliteHouse,
    pub(super) program: Program,
    pub(super) name: NodeName,
    pub(super) disk: Arc<Disk>,
    pub(super) options: Options,
    pub(super) memory: Memory,
}

/// What a turn leads to.
pub(super) struct Said {
    pub(super) frames: Vec<Vec<u8>>,
    /// The satellite came, or went.
    pub(super) up: Option<bool>,
}

/// Why a talk is over, and its port is closed.
#[derive(Debug)]
pub(super) enum Broken {
    /// Its journal cannot be read, or does not take what has come.
    Journal(String),
    /// Anything else: the satellite is of another version, has a program that does not fit, does not set an output.
    Other(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(why) => write!(f, "the satellite's journal: {why}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

struct Around {
    lines: Lines,
    random: Prng,
    /// What the satellite has sent, and nobody has asked for yet.
    sent: RefCell<Vec<(String, RecordId)>>,
}

impl World for Around {
    fn lines<R>(&self, look: impl FnOnce(&mut Mirror) -> R) -> R {
        look(&mut self.lines.borrow_mut())
    }

    /// The simulator looks behind every message.
    fn stir(&self) {}

    fn sent(&self, message: &str, at: RecordId) {
        self.sent.borrow_mut().push((message.to_owned(), at));
    }

    fn random(&mut self) -> Result<u32, String> {
        Ok(self.random.bits() as u32)
    }
}

impl Talk {
    /// As the daemon's thread begins.
    pub(super) const fn new(desk: Desk, lines: Lines, random: Prng) -> Self {
        Self {
            desk,
            session: None,
            collector: Collector::new(),
            around: Around { lines, random, sent: RefCell::new(Vec::new()) },
            closed: Some(Instant::ZERO),
            pause: AGAIN.0,
            up: false,
            stirred: true,
            owed: (false, Instant::ZERO),
            well: None,
            told: BTreeMap::new(),
            asked: BTreeSet::new(),
            ends: None,
        }
    }

    /// What the file says of the satellite.
    pub(super) const fn of(&self) -> &SatelliteHouse {
        &self.desk.of
    }

    /// The file does not have it any more as it was.
    pub(super) fn end(&mut self, now: Instant) {
        self.ends = self.ends.or(Some(now));
        self.stirred = true;
    }

    pub(super) const fn is_ending(&self) -> bool {
        self.ends.is_some()
    }

    /// Whether it was to end, and has no more to say, or nobody to say it to.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends.is_some_and(|since| self.closed.is_some() || !self.owes() || now > since.plus(LAST_WORDS))
    }

    /// When it has something to do by itself.
    pub(super) fn due(&self) -> Instant {
        // Without a port nothing is said, and the journal is looked after when the port is tried.
        let due = self.closed.or_else(|| Some(self.session.as_ref()?.due())).unwrap_or(Instant::NEVER);
        let over =
            self.ends.map_or(Instant::NEVER, |since| since.plus(LAST_WORDS).plus(Duration::from_micros(1)));
        due.min(over)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.stirred || self.due() <= now
    }

    /// The house may have come to want something of it.
    pub(super) fn look(&mut self, now: Instant) {
        let owes = self.owes();
        if owes != self.owed.0 {
            self.owed = (owes, now);
            self.stirred |= owes;
        }
    }

    /// Since when the satellite is there with the program of this house.
    pub(super) const fn well(&self) -> Option<Instant> {
        self.well
    }

    /// Whether the satellite has had to be told of an output, or not, at all times since a moment.
    pub(super) fn has_owed(&self, since: Instant) -> Option<bool> {
        (self.owed.1 <= since).then_some(self.owed.0)
    }

    /// What the satellite has sent, and nobody has asked for yet: in the order of its records, and no record twice.
    pub(super) fn sent(&mut self) -> Result<Vec<(String, RecordId)>, String> {
        let sent = self.around.sent.take();
        for (message, RecordId { boot, seq }) in &sent {
            if let Some(last) = self.told.insert(*boot, *seq).filter(|last| last >= seq) {
                return Err(format!(
                    "the house is told of the message {message}, record {seq}, behind record {last} of the same start"
                ));
            }
        }
        Ok(sent)
    }

    /// The program that the satellite is to run.
    pub(super) const fn program(&self) -> u64 {
        self.desk.program.hash()
    }

    /// What the satellite's program calls things.
    pub(super) fn symbols(&self) -> &Symbols {
        self.desk.program.symbols()
    }

    /// Somebody asks something of the satellite's program.
    pub(super) fn ask(&mut self, ticket: u32, op: Op, issued: Instant) {
        if let Some(session) = &mut self.session {
            session.ask(ticket, op, issued);
            self.asked.insert(ticket);
            self.stirred = true;
        }
    }

    /// What became of what was asked, with the tickets.
    pub(super) fn outcomes(&mut self) -> Vec<(u32, Outcome)> {
        let outcomes =
            self.session.iter_mut().flat_map(|session| std::iter::from_fn(|| session.take_outcome()));
        let outcomes: Vec<_> = outcomes.collect();
        for (ticket, _) in &outcomes {
            self.asked.remove(ticket);
        }
        outcomes
    }

    /// Whether somebody waits to be told what became of what they asked.
    pub(super) fn owes_answers(&self) -> bool {
        !self.asked.is_empty()
    }

    pub(super) const fn lines(&self) -> &Lines {
        &self.around.lines
    }

    pub(super) fn journal(&self) -> Option<&Journal<Disk>> {
        self.session.as_ref()?.book().journal()
    }

    /// Whether the satellite is there, with the program of this house.
    pub(super) fn is_up(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_up() && session.runs_ours())
    }

    /// Whether the satellite is there, with any program.
    pub(super) fn is_there(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_up)
    }

    /// Whether the house was told that the satellite is there, and has not been told that it went.
    pub(super) const fn has_told_up(&self) -> bool {
        self.up
    }

    /// Whether the satellite has still to be told of an output.
    pub(super) fn owes(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.owes(&self.around))
    }

    /// Does what there is to do.
    ///
    /// # Errors
    /// Its journal cannot be read: it is tried again, as the port is.
    pub(super) fn turn(&mut self, now: Instant, wall: Wall, plugged: bool) -> Result<Said, Broken> {
        self.stirred = false;
        let mut frames = Vec::new();
        if self.closed.is_none() && !plugged {
            self.close(now);
        }
        if self.closed.is_some_and(|again| again <= now)
            && let Err(why) = self.open(now, plugged)
        {
            self.put_off(now);
            return Err(why);
        }
        let Some(session) = &mut self.session else { return Ok(Said { frames, up: None }) };
        session.tick(now, wall.trusted.then_some(wall.unix));
        if self.closed.is_none() {
            session.work(now, &self.around);
            let mut frame = [0; MAX_FRAME];
            while let Some(len) = session.transmit(now, wall, &mut frame) {
                frames.push(frame[..len].to_vec());
            }
        }
        Ok(Said { frames, up: self.tell(now) })
    }

    /// Begins a session, if the port can be had.
    fn open(&mut self, now: Instant, plugged: bool) -> Result<(), Broken> {
        if self.session.is_none() {
            let Desk { program, name, disk, options, memory, .. } = &self.desk;
            let book = Book::open(Arc::clone(disk), name.clone(), options.clone());
            let book = book.map_err(|error| Broken::Journal(error.to_string()))?;
            let session = Session::new(program.clone(), book, memory.clone(), &mut self.around);
            let session = session.map_err(Broken::Other)?;
            self.session = Some(session);
        }
        if let Some(session) = self.session.as_mut().filter(|_| plugged) {
            self.closed = None;
            session.begin(now);
        } else {
            self.put_off(now);
        }
        Ok(())
    }

    fn put_off(&mut self, now: Instant) {
        self.close(now);
        self.pause = (self.pause.plus(self.pause)).min(AGAIN.1);
    }

    fn close(&mut self, now: Instant) {
        if self.closed.replace(now.plus(self.pause)).is_none()
            && let Some(session) = &mut self.session
        {
            session.end();
        }
    }

    /// What the house has to be told of the satellite's coming and going.
    fn tell(&mut self, now: Instant) -> Option<bool> {
        self.look(now);
        let up = self.closed.is_none() && self.session.as_ref().is_some_and(Session::is_up);
        self.well = if up && self.is_up() { self.well.or(Some(now)) } else { None };
        if up == self.up {
            return None;
        }
        self.up = up;
        if up {
            self.pause = AGAIN.0;
        }
        self.around.lines.borrow_mut().set_up(up);
        Some(up)
    }

    /// Bytes have come.
    ///
    /// # Errors
    /// What is wrong with them, or with the journal: the port is closed, and tried again.
    pub(super) fn hear(&mut self, now: Instant, bytes: &[u8]) -> Result<Option<bool>, Broken> {
        if let Err(why) = self.listen(now, bytes) {
            self.close(now);
            return Err(why);
        }
        Ok(self.tell(now))
    }

    fn listen(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Broken> {
        let Some(session) = self.session.as_mut().filter(|_| self.closed.is_none()) else { return Ok(()) };
        self.stirred = true;
        for &byte in bytes {
            let Some(message) = self.collector.push(byte) else { continue };
            let news = session.receive(now, message, &mut self.around);
            let why = match news.map_err(|error| Broken::Journal(error.to_string()))? {
                Some(News::OtherVersion { theirs }) => format!("a satellite of version {theirs}"),
                Some(News::Uncountable { boot }) => {
                    format!("a satellite's start has the number {:x}", boot.0)
                }
                Some(News::Met { brings: Some(Err(misfit)), .. }) => {
                    format!("the satellite's program does not fit: {misfit:?}")
                }
                Some(News::Unset { output, result }) => {
                    format!("the satellite does not set {output}: {result:?}")
                }
                _ => continue,
            };
            return Err(Broken::Other(why));
        }
        session.heard_all(now, &self.around);
        Ok(())
    }
}
