//! What is said to a satellite, and what follows from what it says.

mod again;
mod greeting;
mod records;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use campanile_core::decision::ReplyResult;
use campanile_core::id::Level;
use campanile_core::input::{COMMAND_TTL, Op, Origin};
use campanile_core::link::{Heard, Host, Lines, MAX_FRAME, Verdict, Wall};
use campanile_core::time::{Duration, Instant};

use self::again::Again;
use self::records::{Clock, Sent};
use super::renamed::Renamed;
use super::requests::{Outcome, Requests};
use super::{Book, BookError, Memory, Mirror, Misfit, News, Program};
use crate::{Boot, RecordId, Storage};

/// A disk that is full here may have room soon, and to ask it costs next to nothing.
const KEEP_AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Flash that did not take a program may take it later, and each try erases its pages.
const STORE_AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));

/// What surrounds a session: the house that the satellite belongs to, and chance.
pub trait World {
    /// Looks at the satellite's lines, which the house has, too. Short: nothing waits meanwhile.
    fn lines<R>(&self, look: impl FnOnce(&mut Mirror) -> R) -> R;

    /// The house has to look at the lines.
    fn stir(&self);

    /// The satellite has sent the message of this name just now; it is the record `at`, by the number that its start had first,
    /// whatever names and numbers came since: as far as this process gave them, and of the last 1,024 that it gave.
    fn sent(&self, message: &str, at: RecordId);

    /// A number that nobody can know.
    ///
    /// # Errors
    /// The system has none, in words.
    fn random(&mut self) -> Result<u32, String>;
}

/// The house's end of the link to one satellite.
pub struct Session<S: Storage> {
    program: Program,
    book: Book<S>,
    /// What the house knows of all its satellites.
    memory: Memory,
    host: Host,
    next_id: u32,
    /// The output that is under way, by the number of its command.
    ordered: Option<(u32, String, Level)>,
    /// What people ask of its program.
    requests: Requests,
    /// The satellite runs the program of this house.
    runs_ours: bool,
    /// The records that come next are of that program. Those of the one before it may still be under way, and their ids are
    /// other lines.
    reads_ours: bool,
    /// The records that come are of a start that is over: they are for the journal alone.
    over: bool,
    /// The house has the lines as the satellite has: it was told, and has all records since. Before that what comes may
    /// have been waiting for long, and the house hears of what is old when all of it is there.
    knows_lines: bool,
    /// How they are as of a record that has not come yet.
    lines: Option<Lines>,
    renamed: Renamed,
    /// The satellite's start that was given a number last, and that number: until it is heard with it, as what told it may
    /// have been lost on the wire.
    given: Option<(Boot, Boot)>,
    /// The program did not fit, or was refused: it is not tried again before the satellite's next start, or before somebody
    /// asks, unless it was its flash that did not take it.
    refused: bool,
    /// Its flash did not take the program.
    store_again: Again,
    /// The journal did not keep the program.
    keep_again: Again,
    /// Whether the program fits into the satellite that has greeted last.
    fits: Result<(), Misfit>,
    /// What the satellite's clock showed, and when it was heard. Which of both clocks is ahead says nothing: each has begun
    /// with its own start.
    clock: Option<Clock>,
    /// Messages that it sent, until its clock is heard, which says how old they are.
    unjudged: VecDeque<Sent>,
}

impl<S: Storage> Session<S> {
    /// Nobody is known to be there. `memory` is the one of the house.
    ///
    /// # Errors
    /// There is no random number.
    pub fn new(
        program: Program,
        book: Book<S>,
        memory: Memory,
        world: &mut impl World,
    ) -> Result<Self, String> {
        Ok(Self {
            program,
            book,
            memory,
            host: Host::new(world.random()?),
            next_id: world.random()?,
            ordered: None,
            requests: Requests::default(),
            runs_ours: false,
            reads_ours: false,
            over: false,
            knows_lines: false,
            lines: None,
            renamed: Renamed::default(),
            given: None,
            refused: false,
            store_again: Again::new(STORE_AGAIN.0, STORE_AGAIN.1),
            keep_again: Again::new(KEEP_AGAIN.0, KEEP_AGAIN.1),
            fits: Ok(()),
            clock: None,
            unjudged: VecDeque::new(),
        })
    }

    /// Its journal.
    pub const fn book(&self) -> &Book<S> {
        &self.book
    }

    /// The program that it is to run.
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// Whether it does run it.
    pub const fn runs_ours(&self) -> bool {
        self.runs_ours
    }

    /// Whether the satellite is there and records of the start that runs may come.
    pub fn is_up(&self) -> bool {
        self.host.is_up() && !self.over
    }

    /// How many bytes of its program are there, and how many there will be, while it is brought over.
    pub fn progress(&self) -> Option<(u16, u16)> {
        self.host.progress()
    }

    /// The wire is there.
    pub fn begin(&mut self, now: Instant) {
        self.host.restart(now);
    }

    /// The wire is gone.
    pub fn end(&mut self) {
        self.ordered = None;
        self.clock = None;
        self.requests.unanswered();
        self.requests.away();
    }

    /// Asks something of the program of this house that runs there, not an output, which is a [line](Mirror::set). What becomes
    /// of it is an [outcome](Self::take_outcome) with this ticket, always: behind half a minute at the latest.
    pub fn ask(&mut self, ticket: u32, op: Op, issued: Instant) {
        self.requests.push(ticket, op, issued);
    }

    /// What became of something that was [asked](Self::ask), and its ticket. To be looked at behind each [`work`](Self::work) and
    /// [`receive`](Self::receive).
    pub fn take_outcome(&mut self) -> Option<(u32, Outcome)> {
        self.requests.take()
    }

    /// Whether the satellite is there, and has still to be told of an output.
    pub fn owes(&self, world: &impl World) -> bool {
        self.is_up() && self.runs_ours && world.lines(|lines| lines.next_output()).is_some()
    }

    /// Brings its program over, once more.
    ///
    /// # Errors
    /// It does not fit: nothing of it is sent.
    pub fn install(&mut self, now: Instant) -> Result<(), Misfit> {
        self.store_again.over();
        self.bring(now)
    }

    fn bring(&mut self, now: Instant) -> Result<(), Misfit> {
        self.refused = self.fits.is_err();
        self.fits?;
        self.host.install(now, self.program.bundle_hash, self.program.bundle_len());
        Ok(())
    }

    /// Does what is due for the journal; `unix` is the time of day where it can be trusted.
    pub fn tick(&mut self, now: Instant, unix: Option<i64>) {
        self.book.tick(now, unix);
        if self.keep_again.is_due(now) {
            let kept = self.book.keep_program(self.program.hash, &self.program.stored());
            self.keeps(now, kept.is_ok());
        }
    }

    /// The journal has kept the program, or has not.
    fn keeps(&mut self, now: Instant, kept: bool) {
        if kept { self.keep_again.over() } else { self.keep_again.refused(now) }
    }

    /// Looks what is to be said.
    pub fn work(&mut self, now: Instant, world: &impl World) {
        if self.is_up() && self.store_again.is_due(now) {
            // What did not fit was told when it greeted.
            let _ = self.bring(now);
        }
        let is_ready = self.is_up() && self.runs_ours;
        if !is_ready {
            self.requests.away();
        }
        self.requests.expire(now);
        if self.host.awaits().is_some() {
            return;
        }
        // Without an answer it is asked for again, under a new number: levels are absolute.
        self.ordered = None;
        self.requests.unanswered();
        if !is_ready {
            return;
        }
        let Some((name, level)) = world.lines(|lines| lines.next_output()) else {
            return self.request(now);
        };
        let Some(output) = self.program.symbols.find_output(&name) else {
            return world.lines(|lines| lines.done(&name, level));
        };
        self.next_id = self.next_id.wrapping_add(1);
        let op = Op::Set { output, level };
        if self.host.command(now, Origin::Link, self.next_id, op, COMMAND_TTL) {
            self.ordered = Some((self.next_id, name, level));
        }
    }

    /// Sends what people ask for, one at a time, when no output is to be told of.
    fn request(&mut self, now: Instant) {
        let Some((op, ttl)) = self.requests.next(now) else { return };
        self.next_id = self.next_id.wrapping_add(1);
        if self.host.command(now, Origin::Link, self.next_id, op, ttl) {
            self.requests.sent(self.next_id);
        }
    }

    /// The next frame to send; its length.
    pub fn transmit(&mut self, now: Instant, wall: Wall, out: &mut [u8; MAX_FRAME]) -> Option<usize> {
        self.host.transmit(now, wall, &self.program.bundle, out)
    }

    /// When there is something to do, though nothing comes.
    pub fn due(&self) -> Instant {
        let store_again = if self.is_up() { self.store_again.due() } else { Instant::NEVER };
        self.host.due().min(self.book.due()).min(self.keep_again.due()).min(store_again)
    }

    /// Takes a message of the [`Collector`](campanile_core::link::Collector).
    ///
    /// # Errors
    /// The journal cannot go on with this satellite.
    pub fn receive<'m>(
        &mut self,
        now: Instant,
        message: &'m [u8],
        world: &mut impl World,
    ) -> Result<Option<News<'m>>, BookError> {
        Ok(match self.host.receive(now, message) {
            Some(Heard::Hello(hello)) => {
                let news = self.met(now, hello, world)?;
                if let Some(News::Met { unkept, .. }) = &news {
                    self.keeps(now, unkept.is_none());
                }
                news
            }
            Some(Heard::OtherVersion { theirs }) => Some(News::OtherVersion { theirs }),
            Some(Heard::Records(delivery)) => self.take(now, &delivery, world)?,
            Some(Heard::Lines(lines)) => {
                self.lines = Some(lines);
                self.learn(self.book.last() + 1, now, world);
                None
            }
            Some(Heard::Reply { id, result }) => self.answered(id, result, world),
            Some(Heard::Committed { verdict, .. }) => {
                self.refused = verdict != Verdict::Runs;
                match verdict {
                    Verdict::Runs => self.runs(now, true),
                    Verdict::Unstored => self.store_again.refused(now),
                    _ => {}
                }
                Some(News::Installed(verdict))
            }
            Some(Heard::Pong { at }) => {
                self.clock = Some(Clock { showed: at, heard: now });
                self.judge(now, world);
                Some(News::Pong { at })
            }
            Some(Heard::Health(health)) => Some(News::Health(health)),
            Some(Heard::Trace { frames }) => Some(News::Trace { frames }),
            None => None,
        })
    }

    /// Everything that came in one go has been received.
    pub fn heard_all(&self, now: Instant, world: &impl World) {
        // Before that a press of hours ago may be there, and its end not yet.
        if self.is_up() && self.knows_lines {
            world.lines(|lines| lines.settle(now));
            world.stir();
        }
    }

    /// It runs the program of this house from here on, or another.
    fn runs(&mut self, now: Instant, ours: bool) {
        if ours {
            self.store_again.over();
        }
        if ours && !self.runs_ours {
            // What was told before is of other lines.
            self.lines = None;
            self.look(now);
        }
        self.runs_ours = ours;
    }

    /// Nobody here knows how its lines are: it is asked.
    fn look(&mut self, now: Instant) {
        self.knows_lines = false;
        self.host.look(now);
    }

    fn answered(&mut self, id: u32, result: ReplyResult, world: &impl World) -> Option<News<'static>> {
        self.requests.answered(id, result);
        let (_, output, level) = self.ordered.take_if(|(ordered, ..)| *ordered == id)?;
        // What it has told of its lines, as of a record that has not come yet, was before that.
        if let Some((lines, id)) = self.lines.as_mut().zip(self.program.symbols.find_output(&output))
            && result != ReplyResult::Expired
        {
            lines.outputs &= !1_u64.checked_shl(id.0.into()).unwrap_or(0);
        }
        match result {
            // Late, or the answer to it was overlooked, which may have been that: it is asked for again.
            ReplyResult::Expired | ReplyResult::Duplicate => None,
            ReplyResult::Done => {
                world.lines(|lines| lines.done(&output, level));
                None
            }
            ReplyResult::Refused | ReplyResult::Unknown => {
                world.lines(|lines| lines.done(&output, level));
                Some(News::Unset { output, result })
            }
        }
    }
}
