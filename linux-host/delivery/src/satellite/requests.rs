//! What people ask of a satellite's program: its scenarios to be started and ended, its variables to be changed. Not what
//! the house wants of its outputs, which is a state, and held until the satellite has it: these are asked of who is there.

use std::collections::VecDeque;

use campanile_core::decision::ReplyResult;
use campanile_core::input::{COMMAND_TTL, Op};
use campanile_core::time::{Duration, Instant};

/// Requests that wait their turn; what comes beyond that is turned away.
const WAITING: usize = 16;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The satellite's engine has answered.
    Answered(ReplyResult),
    /// It was not asked: the satellite is not there, or does not run the program of this house.
    Away,
    /// It was not asked: too much waits already.
    Crowded,
    /// It was asked, and no answer came: it may have been carried out, once, or may still be, until it is too old.
    Unanswered,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: VecDeque<Request>,
    /// The number of its command on the link, and whose it is.
    under_way: Option<(u32, u32)>,
    outcomes: VecDeque<(u32, Outcome)>,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    ticket: u32,
    op: Op,
    issued: Instant,
}

impl Request {
    /// How long it may still take.
    fn left(&self, now: Instant) -> Duration {
        COMMAND_TTL.minus(now.since(self.issued))
    }
}

impl Requests {
    /// Somebody asks; `ticket` stands at the outcome.
    pub(super) fn push(&mut self, ticket: u32, op: Op, issued: Instant) {
        if self.waiting.len() >= WAITING {
            self.outcomes.push_back((ticket, Outcome::Crowded));
        } else {
            self.waiting.push_back(Request { ticket, op, issued });
        }
    }

    /// What waited for too long is told so, whatever else is under way.
    pub(super) fn expire(&mut self, now: Instant) {
        // Whoever asked later may have less time left.
        let Self { waiting, outcomes, .. } = self;
        waiting.retain(|request| {
            let is_late = request.left(now) == Duration::ZERO;
            if is_late {
                outcomes.push_back((request.ticket, Outcome::Answered(ReplyResult::Expired)));
            }
            !is_late
        });
    }

    /// What is next, and how long it may still take.
    pub(super) fn next(&self, now: Instant) -> Option<(Op, Duration)> {
        self.waiting.front().map(|request| (request.op, request.left(now)))
    }

    /// What was [next](Self::next) is a command with this number now.
    pub(super) fn sent(&mut self, id: u32) {
        self.under_way = self.waiting.pop_front().map(|request| (id, request.ticket));
    }

    /// The satellite has answered the command of this number.
    pub(super) fn answered(&mut self, id: u32, result: ReplyResult) {
        let ticket = self.under_way.take_if(|(sent, _)| *sent == id).map(|(_, ticket)| ticket);
        let outcome = match result {
            // It was answered before, and nobody saw how.
            ReplyResult::Duplicate => Outcome::Unanswered,
            result => Outcome::Answered(result),
        };
        self.outcomes.extend(ticket.map(|ticket| (ticket, outcome)));
    }

    /// Nobody waits for an answer any more.
    pub(super) fn unanswered(&mut self) {
        let ticket = self.under_way.take().map(|(_, ticket)| ticket);
        self.outcomes.extend(ticket.map(|ticket| (ticket, Outcome::Unanswered)));
    }

    /// The satellite is not there: it is asked for nothing of what waits.
    pub(super) fn away(&mut self) {
        self.outcomes.extend(self.waiting.drain(..).map(|request| (request.ticket, Outcome::Away)));
    }

    /// An outcome, and whose it is.
    pub(super) fn take(&mut self) -> Option<(u32, Outcome)> {
        self.outcomes.pop_front()
    }
}
