//! A session: what of one greeting's answer is owed to the host.

use super::super::MAX_MESSAGE;
use super::super::lines::Lines;
use super::super::message::{Health, Message, Runs, Verdict};
use super::super::source::Source;
use super::sending::Sending;
use crate::decision::ReplyResult;
use crate::time::Instant;

/// From a greeting to the next, or to a silence.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) token: u32,
    /// Of the greeting.
    pub(super) nonce: u32,
    /// When the host was heard last.
    pub(super) heard: Instant,
    /// `None` until the host has said where it is.
    sending: Option<Sending>,
    command: Option<Command>,
    /// Owed to the host.
    pub(super) hello: bool,
    pub(super) pong: bool,
    /// As it was said.
    pub(super) health: Option<Health>,
    pub(super) stored: Option<(u64, u16)>,
    pub(super) committed: Option<(u64, Verdict)>,
    /// The bundle that the host wants to run.
    pub(super) asked: Option<u64>,
    /// The host wants to know how the lines are.
    pub(super) look: bool,
    /// So they are, ...
    pub(super) lines: Lines,
    /// ... and that is owed to the host.
    pub(super) tell: bool,
}

/// The last command of a session.
#[derive(Clone, Copy, Debug)]
struct Command {
    id: u32,
    state: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// The port was too busy to take it, or may have overlooked the answer; it may come again.
    PutOff,
    /// The engine has it.
    Awaited,
    /// To be said, and again if the command comes again.
    Owed(ReplyResult),
    Said(ReplyResult),
}

impl Session {
    pub(super) const fn new(token: u32, nonce: u32, now: Instant) -> Self {
        Self {
            token,
            nonce,
            heard: now,
            sending: None,
            command: None,
            hello: true,
            pong: false,
            health: None,
            stored: None,
            committed: None,
            asked: None,
            look: false,
            lines: Lines { seq: 0, inputs: 0, inputs_on: 0, outputs: 0, outputs_on: 0 },
            tell: false,
        }
    }

    /// Whether a command is to be carried out. One that has been answered is answered again.
    pub(super) fn is_new(&mut self, id: u32) -> bool {
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

    /// The host waits for the record of this number.
    pub(super) fn acknowledged(&mut self, now: Instant, seq: u64, log: &impl Source) {
        match &mut self.sending {
            Some(sending) => sending.acknowledged(now, seq, log),
            none => *none = Some(Sending::from(seq, now, log)),
        }
    }

    /// Whether the host has said where it is.
    pub(super) const fn takes_records(&self) -> bool {
        self.sending.is_some()
    }

    /// The start has another number: the host has to say again where it is.
    pub(super) fn forget_records(&mut self) {
        self.sending = None;
    }

    /// The next answer that is owed, but the hello; `health` is how the satellite is now.
    pub(super) fn next_answer(&mut self, now: Instant, health: Health) -> Option<Message<'static>> {
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
        if core::mem::take(&mut self.tell) {
            return Some(Message::Lines(self.lines));
        }
        if core::mem::take(&mut self.pong) {
            return Some(Message::Pong { at: now });
        }
        (self.health.replace(health) != Some(health)).then_some(Message::Health(health))
    }

    /// The next frame of records, which the program that `runs` writes; its length.
    pub(super) fn next_records(
        &mut self,
        now: Instant,
        runs: Option<Runs>,
        log: &impl Source,
        out: &mut [u8; MAX_MESSAGE],
    ) -> Option<usize> {
        let token = self.token;
        self.sending.as_mut()?.next(now, token, runs, log, out)
    }

    /// When records that were not acknowledged are sent again.
    pub(super) fn resend_at(&self) -> Instant {
        self.sending.as_ref().map_or(Instant::NEVER, Sending::due)
    }

    /// The engine has answered a command.
    pub(super) fn reply(&mut self, id: u32, result: ReplyResult) {
        self.answer(id, Answer::Owed(result));
    }

    /// The loop took no command: the host will ask again.
    pub(super) fn put_off(&mut self, id: u32) {
        self.answer(id, Answer::PutOff);
    }

    /// The engine's answer may have come, and gone.
    pub(super) fn overlooked(&mut self) {
        if let Some(command) = self.command.as_mut().filter(|command| command.state == Answer::Awaited) {
            command.state = Answer::PutOff;
        }
    }

    fn answer(&mut self, id: u32, state: Answer) {
        if let Some(command) = self.command.as_mut().filter(|command| command.id == id) {
            command.state = state;
        }
    }
}
