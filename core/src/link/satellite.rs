//! The end with the engine.

mod clock;
mod sending;
mod session;
#[cfg(test)]
mod tests;

use super::frame::{MAX_FRAME, MAX_MESSAGE, seal};
use super::message::{Health, Hello, Message, Misread, Runs, Verdict};
use super::source::Source;
use super::{PATIENCE, is_countable};
use crate::decision::ReplyResult;
use crate::input::{COMMAND_TTL, Op, Origin};
use crate::program::verify::Room;
use crate::record::CORE_REV;
use crate::restore::Restore;
use crate::time::Instant;
use clock::Clock;
use session::Session;

/// What a satellite says of itself.
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
    /// The program that writes its records.
    pub runs: Runs,
    /// How it is now.
    pub health: Health,
}

/// What the host wants of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'m> {
    /// The start that is offered has this number. Where there is storage it is kept before anything is transmitted.
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
    /// The bundle is to take over; then [`Satellite::committed`], before which nobody asks for it again. None comes for
    /// the bundle that runs.
    Commit {
        /// Which.
        hash: u64,
    },
    /// All records before this one are in the host's journal: storage may overwrite them before others. If the start is over
    /// and has no more, [`Satellite::offer`] goes on with the next.
    Taken {
        /// The start that they are of, as [`Satellite::boot`] has it.
        boot: u64,
        /// The number of the first that is not.
        seq: u64,
    },
    /// The time of day, for [`Input::Clock`](crate::input::Input::Clock); if the loop has no room for it,
    /// [`Satellite::clock_missed`].
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
    /// Of the start whose records are offered; 0: none yet.
    boot: u64,
    /// That start is over.
    over: bool,
    /// The one that runs; 0: none that came over the link.
    bundle: u64,
    /// The one that the port is installing.
    installing: Option<u64>,
    /// What tokens are made of.
    noise: u32,
    session: Option<Session>,
    /// The host was there when another start was offered, and is about to greet anew.
    moves: bool,
    clock: Option<Clock>,
}

impl Satellite {
    /// A satellite that has just started. `boot` is its number where there is storage for one, else 0; `bundle` the hash
    /// of the bundle that runs, 0 for none. `noise` is different at each start, as far as the port can help it; the times
    /// at which the host's bytes arrive are added to it.
    pub const fn new(boot: u64, bundle: u64, noise: u32) -> Self {
        Self { boot, over: false, bundle, installing: None, noise, session: None, moves: false, clock: None }
    }

    /// Whether the host is there and takes records.
    pub fn is_up(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.takes_records())
    }

    /// Whether the host is there, for all that anybody knows: also while it goes over to another start's records.
    pub fn has_host(&self) -> bool {
        self.moves || self.is_up()
    }

    /// From here on the records of another start are offered, and `log` has to be of that: of an earlier one that is over,
    /// or of the one that runs. The host is told.
    pub fn offer(&mut self, now: Instant, boot: u64, over: bool) {
        (self.boot, self.over) = (boot, over);
        self.greets(now);
    }

    /// Where the host is there it is told by a hello, and greets anew: that is a session of its own.
    fn greets(&mut self, now: Instant) {
        self.moves = self.has_host();
        if let Some(nonce) = self.session.take().map(|session| session.nonce) {
            self.begin(now, nonce);
        }
    }

    /// The number of the start whose records are offered; 0 if it has none yet.
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
        let session = self.session.as_mut().filter(|session| session.token == token)?;
        session.heard = now;
        match message {
            // No host gives another, as its journal begins no such start. Who does all the same gets no answer, and nothing is
            // published under it.
            Message::Assign { boot } if is_countable(boot) => {
                session.hello = true;
                if self.boot == boot {
                    return None;
                }
                session.forget_records();
                self.boot = boot;
                Some(Request::Assigned { boot })
            }
            Message::Ack { seq } if self.boot != 0 => {
                session.acknowledged(now, seq, log);
                Some(Request::Taken { boot: self.boot, seq })
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
            Message::Look => {
                // Those of a start that is over are nobody's.
                session.look = !self.over;
                None
            }
            Message::Image { hash, len, offset, bytes } => Some(Request::Image { hash, len, offset, bytes }),
            Message::Commit { hash } => {
                session.asked = Some(hash);
                if hash == self.bundle {
                    // The answer was lost, or it has come over again though it runs: once is enough.
                    session.committed = Some((hash, Verdict::Runs));
                    return None;
                }
                let is_new = self.installing.replace(hash) != Some(hash);
                is_new.then_some(Request::Commit { hash })
            }
            Message::Ping { unix, offset, trusted } => {
                (session.pong, session.health) = (!self.over, None);
                let told = Clock { at: now, unix, offset, trusted };
                if self.clock.is_some_and(|clock| clock.is_good_for(&told)) {
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
                self.moves &= !self.is_up();
                self.begin(now, nonce);
            }
        }
    }

    fn begin(&mut self, now: Instant, nonce: u32) {
        let token = self.make_token(now, nonce);
        self.session = Some(Session::new(token, nonce, now));
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
        if let Some(session) = &mut self.session {
            session.reply(id, result);
        }
    }

    /// The loop takes no command now: the host will ask again.
    pub fn put_off(&mut self, id: u32) {
        if let Some(session) = &mut self.session {
            session.put_off(id);
        }
    }

    /// Records were overwritten before the port has seen them, and the answer to a command may have been among them: the host
    /// will ask again. The engine knows the commands of late, also over a restart, so that none takes effect twice: it answers
    /// [`Duplicate`](ReplyResult::Duplicate) to one that it has had.
    pub fn overlooked(&mut self) {
        if let Some(session) = &mut self.session {
            session.overlooked();
        }
    }

    /// The loop takes no clock now: the next [`Ping`](Message::Ping) is told, whatever it says.
    pub const fn clock_missed(&mut self) {
        self.clock = None;
    }

    /// So much of a bundle is there.
    pub fn stored(&mut self, hash: u64, offset: u16) {
        if let Some(session) = &mut self.session {
            session.stored = Some((hash, offset));
        }
    }

    /// A bundle has taken over, or not. One for which nobody has asked in this session is another than its hello has said.
    pub fn committed(&mut self, hash: u64, verdict: Verdict) {
        self.installing.take_if(|installing| *installing == hash);
        let is_other = verdict == Verdict::Runs && core::mem::replace(&mut self.bundle, hash) != hash;
        if let Some(session) = self.session.as_mut().filter(|_| is_other) {
            // What was to be told is of the lines of the program before, by its ids.
            session.look |= core::mem::take(&mut session.tell);
        }
        match &mut self.session {
            Some(session) if is_other && session.asked != Some(hash) && !session.hello => {
                let heard = session.heard;
                self.greets(heard);
            }
            Some(session) => session.committed = Some((hash, verdict)),
            None => {}
        }
    }

    /// The bundle that runs; 0 if that came another way.
    pub const fn bundle(&self) -> u64 {
        self.bundle
    }

    /// Whether the host wants to know how the lines are: then the engine's
    /// [checkpoint](crate::engine::Engine::checkpoint) goes to [`checkpoint`](Self::checkpoint), and to
    /// [`checkpoint_done`](Self::checkpoint_done) behind that, as soon as there can be one. One that nobody wants does no harm.
    pub fn wants_checkpoint(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.look)
    }

    /// One item of a checkpoint.
    pub fn checkpoint(&mut self, item: &Restore) {
        if let Some(session) = &mut self.session {
            session.lines.take(item);
        }
    }

    /// That was the last item.
    pub fn checkpoint_done(&mut self) {
        if let Some(session) = &mut self.session {
            session.tell |= core::mem::take(&mut session.look);
        }
    }

    /// A host that has said nothing for [`PATIENCE`] is gone.
    pub fn look(&mut self, now: Instant) {
        self.session.take_if(|session| session.heard.plus(PATIENCE) <= now);
        self.moves &= self.session.is_some();
    }

    /// The next frame to send; its length.
    pub fn transmit(
        &mut self,
        now: Instant,
        about: &About<'_>,
        log: &impl Source,
        out: &mut [u8; MAX_FRAME],
    ) -> Option<usize> {
        self.look(now);
        let (boot, over, bundle) = (self.boot, self.over, self.bundle);
        let session = self.session.as_mut()?;
        let mut bytes = [0; MAX_MESSAGE];
        let len = if core::mem::take(&mut session.hello) {
            let hello = Hello {
                token: session.token,
                nonce: session.nonce,
                boot,
                over,
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
        } else if let Some(answer) = session.next_answer(now, about.health) {
            answer.encode(session.token, &mut bytes)
        } else {
            // Which programs wrote the records of a start that is over nobody knows any more.
            session.next_records(now, (!over).then_some(about.runs), log, &mut bytes)
        };
        seal(bytes.get(..len?)?, out)
    }

    /// A frame with what the firmware says of itself; its length, or `None` if nobody is there or it does not fit. For when
    /// [`transmit`](Self::transmit) gives none.
    pub fn trace(&self, frames: &[u8], out: &mut [u8; MAX_FRAME]) -> Option<usize> {
        let session = self.session.as_ref().filter(|session| session.takes_records())?;
        let mut bytes = [0; MAX_MESSAGE];
        let len = Message::Trace { frames }.encode(session.token, &mut bytes)?;
        seal(bytes.get(..len)?, out)
    }

    /// When [`transmit`](Self::transmit) has something to say, or to notice, without a byte having come in or a record
    /// having been written.
    pub fn due(&self) -> Instant {
        let resend = self.session.as_ref().map_or(Instant::NEVER, Session::resend_at);
        resend.min(self.host_gone_at())
    }

    /// When a host that stays silent is [taken for gone](Self::look).
    pub fn host_gone_at(&self) -> Instant {
        self.session.as_ref().map_or(Instant::NEVER, |session| session.heard.plus(PATIENCE))
    }
}
