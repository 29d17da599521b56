//! The end with the engine.

use heapless::Deque;

use super::frame::{MAX_FRAME, MAX_MESSAGE, seal};
use super::message::{Hello, Message, Misread, Records, Verdict};
use super::source::Source;
use super::{PATIENCE, RETRY, WINDOW};
use crate::decision::ReplyResult;
use crate::input::{COMMAND_TTL, Op, Origin};
use crate::log::Cursor;
use crate::program::verify::Room;
use crate::record::CORE_REV;
use crate::time::{Duration, Instant};

/// A clock that is off by more than this is set again, ...
const CLOCK_OFF: Duration = Duration::from_secs(1);
/// ... and each after so long.
const CLOCK_EVERY: Duration = Duration::from_secs(300);

/// What a satellite says of itself, for as long as it lives.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// What its own program calls it; may be empty.
    pub node: &'a str,
    /// What kind of board it is.
    pub board: &'a str,
    /// How much its engine has room for.
    pub room: Room,
    /// The longest bundle that it takes.
    pub bundle_max: u16,
}

/// What the host wants of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'m> {
    /// This start has this number. Where there is storage it is kept before anything is transmitted.
    Assigned {
        /// Counter of starts and 32 random bits.
        boot: u64,
    },
    /// To be handed to the loop; then [`Satellite::reply`] when the engine has answered, or at once
    /// [`Satellite::put_off`].
    Command {
        /// Who asks.
        origin: Origin,
        /// Their number for it.
        id: u32,
        /// What.
        op: Op,
        /// When they asked, as far as the way here is known.
        issued: Instant,
    },
    /// A piece of a bundle to keep; then [`Satellite::stored`].
    Image {
        /// Of the whole bundle.
        hash: u64,
        /// How long that is.
        len: u16,
        /// Where the piece belongs.
        offset: u16,
        /// The piece.
        bytes: &'m [u8],
    },
    /// The bundle is to take over; then [`Satellite::committed`].
    Commit {
        /// Which.
        hash: u64,
    },
    /// The time of day, for [`Input::Clock`](crate::input::Input::Clock).
    Clock {
        /// Microseconds since 1970, UTC.
        unix: i64,
        /// Seconds that local time is ahead of UTC.
        offset: i32,
        /// Whether the clock is synchronised.
        trusted: bool,
    },
}

/// A satellite's end of the link. See [the module](super) for how to drive it.
#[derive(Clone, Debug)]
pub struct Satellite {
    /// 0: none yet.
    boot: u64,
    bundle: u64,
    /// What tokens are made of.
    noise: u32,
    session: Option<Session>,
    clock: Option<Clock>,
}

#[derive(Clone, Debug)]
struct Session {
    token: u32,
    nonce: u32,
    heard: Instant,
    /// `None` until the host has said where it is.
    sending: Option<Sending>,
    command: Option<Command>,
    /// Owed to the host.
    hello: bool,
    pong: bool,
    stored: Option<(u64, u16)>,
    committed: Option<(u64, Verdict)>,
}

/// The last command of a session.
#[derive(Clone, Copy, Debug)]
struct Command {
    id: u32,
    state: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// The port was too busy to take it; it may come again.
    PutOff,
    /// The engine has it.
    Awaited,
    /// To be said, and again if the command comes again.
    Owed(ReplyResult),
    Said(ReplyResult),
}

/// How far the log has been sent.
#[derive(Clone, Debug)]
struct Sending {
    /// Everything before it is in the journal.
    acked: Cursor,
    next: Cursor,
    /// The places behind the frames under way.
    ends: Deque<Cursor, WINDOW>,
    /// When something was sent, or acknowledged, last.
    moved: Instant,
    /// All was sent again since something was acknowledged.
    rewound: bool,
    /// Before the record of this number some are gone.
    gap: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Clock {
    at: Instant,
    unix: i64,
    offset: i32,
    trusted: bool,
}

impl Satellite {
    /// A satellite that has just started. `boot` is its number where there is storage for one, else 0; `bundle` the hash
    /// of the bundle that runs, 0 for none. `noise` is different at each start, as far as the port can help it; the times
    /// at which the host's bytes arrive are added to it.
    pub const fn new(boot: u64, bundle: u64, noise: u32) -> Self {
        Self { boot, bundle, noise, session: None, clock: None }
    }

    /// Whether the host is there and takes records.
    pub fn is_up(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.sending.is_some())
    }

    /// The number of this start; 0 if it has none yet.
    pub const fn boot(&self) -> u64 {
        self.boot
    }

    /// Takes a message of the [`Collector`](super::Collector). What it means beyond the link is for the port to do.
    pub fn receive<'m>(&mut self, now: Instant, message: &'m [u8], log: &impl Source) -> Option<Request<'m>> {
        let (token, message) = match Message::decode(message) {
            Ok((_, Message::Greet { nonce, .. })) | Err(Misread::Version { greeting: Some(nonce), .. }) => {
                self.greeted(now, nonce);
                return None;
            }
            Ok(read) => read,
            Err(_) => return None,
        };
        let (boot, clock) = (self.boot, self.clock);
        let session = self.session.as_mut().filter(|session| session.token == token)?;
        session.heard = now;
        match message {
            Message::Assign { boot: assigned } => {
                session.hello = true;
                if boot == assigned {
                    return None;
                }
                session.sending = None;
                self.boot = assigned;
                Some(Request::Assigned { boot: assigned })
            }
            Message::Ack { seq } if boot != 0 => {
                session.acknowledged(now, seq, log);
                None
            }
            Message::Command { origin, id, op, ttl } => {
                let under_way = COMMAND_TTL.minus(ttl);
                session.is_new(id).then_some(Request::Command {
                    origin,
                    id,
                    op,
                    issued: now.minus(under_way),
                })
            }
            Message::Image { hash, len, offset, bytes } => Some(Request::Image { hash, len, offset, bytes }),
            Message::Commit { hash } => Some(Request::Commit { hash }),
            Message::Ping { unix, offset, trusted } => {
                session.pong = true;
                let told = Clock { at: now, unix, offset, trusted };
                if clock.is_some_and(|clock| clock.is_good_for(&told)) {
                    return None;
                }
                self.clock = Some(told);
                Some(Request::Clock { unix, offset, trusted })
            }
            _ => None,
        }
    }

    /// A greeting that comes again gets the same answer; another begins a session, and ends the one before.
    fn greeted(&mut self, now: Instant, nonce: u32) {
        match self.session.as_mut().filter(|session| session.nonce == nonce) {
            Some(session) => session.hello = true,
            None => {
                let token = self.make_token(now, nonce);
                self.session = Some(Session::new(token, nonce, now));
            }
        }
    }

    fn make_token(&mut self, now: Instant, nonce: u32) -> u32 {
        let time = (now.micros() & 0xffff_ffff) as u32;
        for word in [time, nonce, 1] {
            let mixed = (self.noise ^ word).wrapping_mul(0x9e37_79b1);
            self.noise = mixed ^ mixed.rotate_right(15);
        }
        self.noise
    }

    /// The engine has answered a command.
    pub fn reply(&mut self, id: u32, result: ReplyResult) {
        if let Some(command) = self.command(id) {
            command.state = Answer::Owed(result);
        }
    }

    /// The loop takes no command now: the host will ask again.
    pub fn put_off(&mut self, id: u32) {
        if let Some(command) = self.command(id) {
            command.state = Answer::PutOff;
        }
    }

    fn command(&mut self, id: u32) -> Option<&mut Command> {
        self.session.as_mut()?.command.as_mut().filter(|command| command.id == id)
    }

    /// So much of a bundle is there.
    pub fn stored(&mut self, hash: u64, offset: u16) {
        if let Some(session) = &mut self.session {
            session.stored = Some((hash, offset));
        }
    }

    /// A bundle has taken over, or not.
    pub fn committed(&mut self, hash: u64, verdict: Verdict) {
        if verdict == Verdict::Runs {
            self.bundle = hash;
        }
        if let Some(session) = &mut self.session {
            session.committed = Some((hash, verdict));
        }
    }

    /// The bundle that runs; 0 if that came another way.
    pub const fn bundle(&self) -> u64 {
        self.bundle
    }

    /// The next frame to send; its length.
    pub fn transmit(
        &mut self,
        now: Instant,
        about: &About<'_>,
        log: &impl Source,
        out: &mut [u8; MAX_FRAME],
    ) -> Option<usize> {
        if self.session.as_ref().is_some_and(|session| session.heard.plus(PATIENCE) <= now) {
            self.session = None;
        }
        let (boot, bundle) = (self.boot, self.bundle);
        let session = self.session.as_mut()?;
        let mut bytes = [0; MAX_MESSAGE];
        let len = if core::mem::take(&mut session.hello) {
            let hello = Hello {
                token: session.token,
                nonce: session.nonce,
                boot,
                core_rev: CORE_REV,
                bundle,
                tail: log.tail().seq,
                head: log.head().seq,
                room: about.room,
                bundle_max: about.bundle_max,
                node: about.node,
                board: about.board,
            };
            Message::Hello(hello).encode(session.token, &mut bytes)
        } else if let Some(answer) = session.next_answer(now) {
            answer.encode(session.token, &mut bytes)
        } else {
            session.next_records(now, log, &mut bytes)
        };
        seal(bytes.get(..len?)?, out)
    }

    /// When [`transmit`](Self::transmit) has something to say, or to notice, without a byte having come in or a record
    /// having been written.
    pub fn due(&self) -> Instant {
        self.session.as_ref().map_or(Instant::NEVER, |session| {
            let retry = session.sending.as_ref().map_or(Instant::NEVER, Sending::due);
            retry.min(session.heard.plus(PATIENCE))
        })
    }
}

impl Session {
    const fn new(token: u32, nonce: u32, now: Instant) -> Self {
        Self {
            token,
            nonce,
            heard: now,
            sending: None,
            command: None,
            hello: true,
            pong: false,
            stored: None,
            committed: None,
        }
    }

    /// Whether a command is to be carried out. One that has been answered is answered again.
    fn is_new(&mut self, id: u32) -> bool {
        if let Some(last) = &mut self.command {
            match last.state {
                Answer::Said(result) if last.id == id => last.state = Answer::Owed(result),
                Answer::PutOff if last.id == id => last.state = Answer::Awaited,
                // Numbers may pass the end of their range.
                _ if id.wrapping_sub(last.id).cast_signed() <= 0 => return false,
                _ => {}
            }
            if last.id == id {
                return last.state == Answer::Awaited;
            }
        }
        self.command = Some(Command { id, state: Answer::Awaited });
        true
    }

    fn acknowledged(&mut self, now: Instant, seq: u64, log: &impl Source) {
        match &mut self.sending {
            Some(sending) => sending.acknowledged(now, seq),
            none => *none = Some(Sending::from(seq, now, log)),
        }
    }

    fn next_answer(&mut self, now: Instant) -> Option<Message<'static>> {
        if let Some(command) = &mut self.command
            && let Answer::Owed(result) = command.state
        {
            command.state = Answer::Said(result);
            return Some(Message::Reply { id: command.id, result });
        }
        if let Some((hash, offset)) = self.stored.take() {
            return Some(Message::Stored { hash, offset });
        }
        if let Some((hash, verdict)) = self.committed.take() {
            return Some(Message::Committed { hash, verdict });
        }
        core::mem::take(&mut self.pong).then_some(Message::Pong { at: now })
    }

    fn next_records(
        &mut self,
        now: Instant,
        log: &impl Source,
        out: &mut [u8; MAX_MESSAGE],
    ) -> Option<usize> {
        let token = self.token;
        let sending = self.sending.as_mut()?;
        if sending.due() <= now {
            sending.rewind(now);
        }
        if sending.ends.is_full() {
            return None;
        }
        // What stands in front of the records takes so much at the most.
        const HEAD: usize = 1 + 5 + 10 + 1 + 10;
        let mut records = [0; MAX_MESSAGE - HEAD];
        let (len, next) = match log.copy(sending.next, &mut records) {
            Ok(copied) => copied,
            Err(lagged) => {
                sending.skip_to(lagged.resume);
                log.copy(lagged.resume, &mut records).ok()?
            }
        };
        let bytes = records.get(..len).filter(|bytes| !bytes.is_empty())?;
        let (first, base) = (sending.next.seq, sending.next.at);
        let message = Message::Records(Records { first, gap: sending.gap == Some(first), base, bytes });
        let written = message.encode(token, out)?;
        sending.ends.push_back(next).ok()?;
        (sending.next, sending.moved) = (next, now);
        Some(written)
    }
}

impl Sending {
    /// From the record of this number on, or the oldest that is left.
    fn from(seq: u64, now: Instant, log: &impl Source) -> Self {
        let (at, gap) = match log.seek(seq) {
            Ok(at) => (at, None),
            Err(lagged) => (lagged.resume, Some(lagged.resume.seq)),
        };
        Self { acked: at, next: at, ends: Deque::new(), moved: now, rewound: false, gap }
    }

    fn acknowledged(&mut self, now: Instant, seq: u64) {
        if let Some(frame) = self.ends.iter().position(|end| end.seq == seq) {
            for _ in 0..=frame {
                self.acked = self.ends.pop_front().unwrap_or(self.acked);
            }
            (self.moved, self.rewound) = (now, false);
            self.gap = self.gap.filter(|gap| *gap >= seq);
        } else if seq == self.acked.seq && !self.ends.is_empty() && !self.rewound {
            // The host has not got what it waits for, but something behind it.
            self.rewind(now);
            self.rewound = true;
        }
    }

    fn rewind(&mut self, now: Instant) {
        self.next = self.acked;
        self.ends.clear();
        self.moved = now;
    }

    /// What comes next is gone from the log.
    fn skip_to(&mut self, resume: Cursor) {
        (self.acked, self.next) = (resume, resume);
        self.ends.clear();
        self.gap = Some(resume.seq);
    }

    fn due(&self) -> Instant {
        if self.ends.is_empty() { Instant::NEVER } else { self.moved.plus(RETRY) }
    }
}

impl Clock {
    /// Whether it says the same as what is told now.
    fn is_good_for(&self, told: &Self) -> bool {
        let passed = told.at.since(self.at);
        let expected = self.unix.saturating_add(i64::try_from(passed.micros()).unwrap_or(i64::MAX));
        let off = Duration::from_micros(expected.abs_diff(told.unix));
        passed < CLOCK_EVERY && off <= CLOCK_OFF && (self.offset, self.trusted) == (told.offset, told.trusted)
    }
}
