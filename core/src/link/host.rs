//! The end with the journal.

mod session;

use super::frame::{MAX_FRAME, MAX_MESSAGE, seal};
use super::lines::Lines;
use super::message::{Health, Hello, Message, Misread, Verdict};
use super::{PATIENCE, RETRY, VERSION};
use crate::decision::ReplyResult;
use crate::input::{Op, Origin};
use crate::time::{Duration, Instant};
use session::Session;

/// Bytes of a bundle in one frame.
const PIECE: usize = 192;

/// What a satellite has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'m> {
    /// It is there. To be answered with [`Host::assign`], if it has no number or needs another, or with [`Host::pull`].
    /// Comes again behind an `assign`, with the number. Of a start that is [over](Hello::over), what the journal has already
    /// is pulled past, up to its head.
    Hello(Hello<'m>),
    /// It speaks another version of the link: nothing can be said to it.
    OtherVersion {
        /// Which.
        theirs: u8,
    },
    /// Records, for the journal; behind that, [`Host::taken`].
    Records(Delivery<'m>),
    /// What became of a command.
    Reply {
        /// Its number.
        id: u32,
        /// What became of it.
        result: ReplyResult,
    },
    /// What became of a bundle.
    Committed {
        /// Which.
        hash: u64,
        /// What became of it.
        verdict: Verdict,
    },
    /// It is there, and has this time.
    Pong {
        /// In the time of its records.
        at: Instant,
    },
    /// How it is.
    Health(Health),
    /// What its firmware says of itself.
    Trace {
        /// See [`Message::Trace`].
        frames: &'m [u8],
    },
    /// How its lines are, which was [asked for](Host::look): as of a record that comes next, or comes later. Of one that is
    /// there already it is asked again.
    Lines(Lines),
}

/// Records that are next, or behind a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery<'m> {
    /// The number of the first.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// The program that wrote the first, where the satellite had to say so: see [`Records`](super::message::Records).
    pub program: Option<u64>,
    /// The time of the record before the first.
    pub base: Instant,
    /// The records.
    pub bytes: &'m [u8],
}

/// The time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wall {
    /// Microseconds since 1970, UTC.
    pub unix: i64,
    /// Seconds that local time is ahead of UTC.
    pub offset: i32,
    /// Whether the clock is synchronised.
    pub trusted: bool,
}

/// A host's end of the link to one satellite. See [the module](super) for how to drive it.
#[derive(Clone, Debug)]
pub struct Host {
    /// Of the greeting.
    nonce: u32,
    greet_at: Instant,
    session: Option<Session>,
    /// Of the last hello; 0 before the first.
    boot: u64,
    command: Option<Command>,
    upload: Option<Upload>,
}

#[derive(Clone, Copy, Debug)]
struct Command {
    origin: Origin,
    id: u32,
    op: Op,
    until: Instant,
    say_at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Upload {
    hash: u64,
    len: u16,
    offset: u16,
    say_at: Instant,
}

impl Host {
    /// Nobody is known to be there. `nonce` is different at each start.
    pub const fn new(nonce: u32) -> Self {
        Self { nonce, greet_at: Instant::ZERO, session: None, boot: 0, command: None, upload: None }
    }

    /// Whether records may come.
    pub fn is_up(&self) -> bool {
        self.session.is_some_and(|session| session.expected.is_some())
    }

    /// The wire was cut, and is there again.
    pub fn restart(&mut self, now: Instant) {
        self.session = None;
        self.greet_at = now;
        let time = (now.micros() & 0xffff_ffff) as u32;
        self.nonce = (self.nonce ^ time).wrapping_mul(0x9e37_79b1).rotate_left(13);
    }

    /// Takes a message of the [`Collector`](super::Collector).
    pub fn receive<'m>(&mut self, now: Instant, message: &'m [u8]) -> Option<Heard<'m>> {
        let (token, message) = match Message::decode(message) {
            Ok(read) => read,
            Err(Misread::Version { theirs, greeting: None }) => return Some(Heard::OtherVersion { theirs }),
            Err(_) => return None,
        };
        if let Message::Hello(hello) = message {
            return self.met(now, hello);
        }
        let session = self.session.as_mut().filter(|session| session.token == token)?;
        session.heard = now;
        match message {
            Message::Records(records) => session.records(now, records).map(Heard::Records),
            Message::Reply { id, result } => {
                self.command.take_if(|command| command.id == id).map(|_| Heard::Reply { id, result })
            }
            Message::Stored { hash, offset } => {
                if let Some(upload) = self.upload.as_mut().filter(|upload| upload.hash == hash) {
                    (upload.offset, upload.say_at) = (offset.min(upload.len), now);
                }
                None
            }
            Message::Committed { hash, verdict } => {
                if verdict == Verdict::Incomplete {
                    if let Some(upload) = self.upload.as_mut().filter(|upload| upload.hash == hash) {
                        (upload.offset, upload.say_at) = (0, now);
                    }
                    return None;
                }
                self.upload.take_if(|upload| upload.hash == hash).map(|_| Heard::Committed { hash, verdict })
            }
            Message::Pong { at } => Some(Heard::Pong { at }),
            Message::Health(health) => Some(Heard::Health(health)),
            Message::Trace { frames } => Some(Heard::Trace { frames }),
            Message::Lines(lines) => session.looked(lines).map(Heard::Lines),
            _ => None,
        }
    }

    fn met<'m>(&mut self, now: Instant, hello: Hello<'m>) -> Option<Heard<'m>> {
        if hello.nonce != self.nonce {
            return None;
        }
        match &mut self.session {
            Some(session) if session.token == hello.token => {
                session.heard = now;
                if session.assign != Some(hello.boot) {
                    // Said a second time, or before the number was heard, however late that comes: within a session a
                    // start changes its number only as it is told to.
                    return None;
                }
                session.assign = None;
            }
            Some(_) => {
                // It has begun another session since; or this is of one that it was in before a reset, and comes late. Only
                // who is there now hears another greeting.
                self.restart(now);
                return None;
            }
            None => self.session = Some(Session::new(hello.token, now)),
        }
        if self.boot != hello.boot || hello.over {
            // The satellite has restarted. Nobody knows whether it was carried out: it is not asked for a second time.
            self.command = None;
            self.boot = hello.boot;
        }
        // It was asked to run the bundle, and does: the answer was lost with the session before.
        self.upload.take_if(|upload| upload.is_asked_for() && upload.hash == hello.bundle);
        Some(Heard::Hello(hello))
    }

    /// Gives the satellite's start a number.
    pub fn assign(&mut self, now: Instant, boot: u64) {
        if let Some(session) = &mut self.session {
            session.assign(now, boot);
        }
    }

    /// Asks for the records from this number on.
    pub fn pull(&mut self, now: Instant, seq: u64) {
        if let Some(session) = &mut self.session {
            session.pull(now, seq);
        }
    }

    /// All records before this number are in the journal.
    pub fn taken(&mut self, now: Instant, seq: u64) {
        self.pull(now, seq);
    }

    /// Asks how the lines are, in this session: nobody here knows it, or records that would have told are gone. Again until
    /// [`Heard::Lines`] comes, once there was a [`pull`](Self::pull).
    pub fn look(&mut self, now: Instant) {
        if let Some(session) = &mut self.session {
            session.look(now);
        }
    }

    /// Asks for something; false if the answer to another command is still awaited. The answer is a [`Heard::Reply`];
    /// none comes if the satellite restarts or `ttl` passes before: see [`awaits`](Self::awaits). Numbers must rise.
    pub fn command(&mut self, now: Instant, origin: Origin, id: u32, op: Op, ttl: Duration) -> bool {
        if self.command.is_some() {
            return false;
        }
        self.command = Some(Command { origin, id, op, until: now.plus(ttl), say_at: now });
        true
    }

    /// The command whose answer is awaited.
    pub fn awaits(&self) -> Option<u32> {
        self.command.map(|command| command.id)
    }

    /// Brings a bundle over and has it take over; [`transmit`](Self::transmit) needs its bytes until
    /// [`Heard::Committed`], which does not come if a new session's [`Heard::Hello`] says that it runs. Takes the place of
    /// another that is under way.
    pub fn install(&mut self, now: Instant, hash: u64, len: u16) {
        self.upload = Some(Upload { hash, len, offset: 0, say_at: now });
    }

    /// The bundle under way is not brought over.
    pub const fn call_off(&mut self) {
        self.upload = None;
    }

    /// How many bytes of the bundle under way are there, and how many there will be.
    pub fn progress(&self) -> Option<(u16, u16)> {
        self.upload.map(|upload| (upload.offset, upload.len))
    }

    /// The next frame to send; its length. `bundle` is what is being installed.
    pub fn transmit(
        &mut self,
        now: Instant,
        wall: Wall,
        bundle: &[u8],
        out: &mut [u8; MAX_FRAME],
    ) -> Option<usize> {
        if self.session.is_some_and(|session| session.heard.plus(PATIENCE) <= now) {
            self.restart(now);
        }
        self.command = self.command.filter(|command| now < command.until);
        let mut bytes = [0; MAX_MESSAGE];
        let len = match self.session.as_mut() {
            None => {
                if now < self.greet_at {
                    return None;
                }
                self.greet_at = now.plus(RETRY);
                Message::Greet { version: VERSION, nonce: self.nonce }.encode(0, &mut bytes)
            }
            Some(session) => {
                let next = session.next(now, wall).or_else(|| {
                    let ready = session.expected.is_some();
                    let command =
                        self.command.as_mut().filter(|_| ready).and_then(|command| command.next(now));
                    let upload = self.upload.as_mut().filter(|_| ready);
                    command.or_else(|| upload.and_then(|upload| upload.next(now, bundle)))
                });
                next?.encode(session.token, &mut bytes)
            }
        };
        seal(bytes.get(..len?)?, out)
    }

    /// When [`transmit`](Self::transmit) has something to say, or to notice, without a byte having come in.
    pub fn due(&self) -> Instant {
        let Some(session) = &self.session else { return self.greet_at };
        if session.expected.is_none() {
            return session.due();
        }
        let command = self.command.map_or(Instant::NEVER, |command| command.say_at.min(command.until));
        let upload = self.upload.map_or(Instant::NEVER, |upload| upload.say_at);
        session.due().min(command).min(upload)
    }
}

impl Command {
    fn next(&mut self, now: Instant) -> Option<Message<'static>> {
        if now < self.say_at {
            return None;
        }
        self.say_at = now.plus(RETRY);
        let Self { origin, id, op, .. } = *self;
        Some(Message::Command { origin, id, op, ttl: self.until.since(now) })
    }
}

impl Upload {
    /// All of it is there, and the satellite may have heard that it is to take over.
    const fn is_asked_for(&self) -> bool {
        self.offset >= self.len
    }

    fn next<'b>(&mut self, now: Instant, bundle: &'b [u8]) -> Option<Message<'b>> {
        if now < self.say_at {
            return None;
        }
        self.say_at = now.plus(RETRY);
        if self.is_asked_for() {
            return Some(Message::Commit { hash: self.hash });
        }
        let Self { hash, len, offset, .. } = *self;
        let rest = bundle.get(usize::from(offset)..usize::from(len))?;
        let bytes = rest.get(..PIECE).unwrap_or(rest);
        Some(Message::Image { hash, len, offset, bytes })
    }
}
