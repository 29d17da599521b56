//! What people ask of a satellite's own program, by the names of the file: `start porch.light`, `let porch.visits 0`.
//!
//! It is asked of who is there: a satellite that is not connected is not told later, when nobody expects it any more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};

use campanile_core::decision::ReplyResult;
use campanile_core::input::{Op, Origin};
use campanile_core::time::Instant;
use campanile_delivery::satellite::Outcome;
use campanile_delivery::symbols::Symbols;
use tokio::sync::oneshot;

/// Requests of this satellite that are known again when they are repeated, as many as an engine knows.
const KNOWN: usize = 16;

/// What somebody wants of a program, a satellite's or the house's, by its own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'n> {
    /// Start a scenario, whatever its triggers; its condition counts.
    Start(&'n str),
    /// End all runs of a scenario.
    Stop(&'n str),
    /// Change a variable.
    Let(&'n str, i32),
}

/// There is no such name in the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What it would be: `scenario`.
    pub kind: &'static str,
    /// Those that there are.
    pub all: Vec<String>,
}

impl<'n> Wish<'n> {
    /// The name that it is about.
    pub const fn name(self) -> &'n str {
        let (Self::Start(name) | Self::Stop(name) | Self::Let(name, _)) = self;
        name
    }

    /// The same, about another name.
    pub const fn about(self, name: &str) -> Wish<'_> {
        match self {
            Self::Start(_) => Wish::Start(name),
            Self::Stop(_) => Wish::Stop(name),
            Self::Let(_, value) => Wish::Let(name, value),
        }
    }

    /// What the engine is told, with these names.
    ///
    /// # Errors
    /// There is no such name.
    pub fn op(self, symbols: &Symbols) -> Result<Op, Unknown> {
        let unknown = |kind, names: &[String]| Unknown { kind, all: names.to_vec() };
        let scenario =
            |name| symbols.find_scenario(name).ok_or_else(|| unknown("scenario", &symbols.scenarios));
        Ok(match self {
            Self::Start(name) => Op::Start { scenario: scenario(name)? },
            Self::Stop(name) => Op::Stop { scenario: scenario(name)? },
            Self::Let(name, value) => {
                let var = symbols.find_variable(name);
                Op::Let { var: var.ok_or_else(|| unknown("variable", &symbols.variables))?, value }
            }
        })
    }
}

impl Unknown {
    /// As the house calls those that there are.
    pub(super) fn of(self, satellite: &str) -> Self {
        let all = self.all.iter().map(|name| format!("{satellite}.{name}")).collect();
        Self { all, ..self }
    }
}

/// Who asks, under which number, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Who.
    pub origin: Origin,
    /// Their number for it: sent again with the same it is carried out once.
    pub id: u32,
    /// When.
    pub issued: Instant,
}

/// On its way to the satellite's thread.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) by: Asker,
    pub(super) op: Op,
    pub(super) answer: oneshot::Sender<Outcome>,
}

/// The way of requests into a satellite's thread.
pub(super) fn way() -> (Sender<Asked>, Receiver<Asked>) {
    channel()
}

/// The requests that the thread has.
#[derive(Debug, Default)]
pub(super) struct Desk {
    next: u32,
    open: BTreeMap<u32, (Asker, oneshot::Sender<Outcome>)>,
    /// The last that were carried out, or may have been, and what they hear who ask again.
    known: VecDeque<(Origin, u32, Outcome)>,
}

impl Desk {
    /// Takes a request; a ticket, if the satellite is to be asked. One that comes again while the first is under way has the
    /// answer in its place.
    pub(super) fn open(&mut self, asked: Asked) -> Option<(u32, Op, Instant)> {
        let Asked { by, op, answer } = asked;
        let same = |known: &Asker| (known.origin, known.id) == (by.origin, by.id);
        if let Some((.., again)) = self.known.iter().find(|known| (known.0, known.1) == (by.origin, by.id)) {
            reply(answer, *again);
            return None;
        }
        if let Some((_, waiting)) = self.open.values_mut().find(|(known, _)| same(known)) {
            *waiting = answer;
            return None;
        }
        self.next = self.next.wrapping_add(1);
        self.open.insert(self.next, (by, answer));
        Some((self.next, op, by.issued))
    }

    /// What became of it.
    pub(super) fn close(&mut self, ticket: u32, outcome: Outcome) {
        let Some((by, answer)) = self.open.remove(&ticket) else { return };
        let again = match outcome {
            Outcome::Answered(ReplyResult::Done) => Some(Outcome::Answered(ReplyResult::Duplicate)),
            // It may have been carried out: asked for again it could be so twice.
            Outcome::Unanswered => Some(Outcome::Unanswered),
            Outcome::Answered(_) | Outcome::Away | Outcome::Crowded => None,
        };
        if let Some(again) = again {
            self.known.push_back((by.origin, by.id, again));
            let most = self.known.len().saturating_sub(KNOWN);
            self.known.drain(..most);
        }
        reply(answer, outcome);
    }
}

/// Nobody is there who could be asked.
pub(super) fn turn_away(asked: Asked) {
    reply(asked.answer, Outcome::Away);
}

fn reply(answer: oneshot::Sender<Outcome>, outcome: Outcome) {
    // Whoever asked may be gone.
    let _ = answer.send(outcome);
}

#[cfg(test)]
mod tests {
    use campanile_core::id::ScenarioId;

    use super::*;

    fn asked(id: u32) -> (Asked, oneshot::Receiver<Outcome>) {
        let (answer, receiver) = oneshot::channel();
        let by = Asker { origin: Origin::Local, id, issued: Instant::ZERO };
        (Asked { by, op: Op::Start { scenario: ScenarioId(0) }, answer }, receiver)
    }

    #[test]
    fn one_that_comes_again_is_carried_out_once_and_answered_each_time() {
        let mut desk = Desk::default();
        let ((first, mut one), (second, mut two), (third, mut three)) = (asked(7), asked(7), asked(7));
        let (ticket, ..) = desk.open(first).unwrap();
        assert_eq!(desk.open(second), None, "it is under way");
        desk.close(ticket, Outcome::Answered(ReplyResult::Done));
        assert!(one.try_recv().is_err(), "the other has its answer");
        assert_eq!(two.try_recv(), Ok(Outcome::Answered(ReplyResult::Done)));
        assert_eq!(desk.open(third), None, "it was carried out");
        assert_eq!(three.try_recv(), Ok(Outcome::Answered(ReplyResult::Duplicate)));
    }

    #[test]
    fn one_that_may_have_been_carried_out_is_not_asked_for_again() {
        let mut desk = Desk::default();
        let ((first, mut one), (second, mut two), (third, _three)) = (asked(7), asked(7), asked(7));
        let (ticket, ..) = desk.open(first).unwrap();
        desk.close(ticket, Outcome::Unanswered);
        assert_eq!(one.try_recv(), Ok(Outcome::Unanswered));
        assert_eq!(desk.open(second), None, "the wire took the answer, and perhaps only that");
        assert_eq!(two.try_recv(), Ok(Outcome::Unanswered));
        for id in 8..24 {
            let (ticket, ..) = desk.open(asked(id).0).unwrap();
            desk.close(ticket, Outcome::Unanswered);
        }
        assert!(desk.open(third).is_some(), "sixteen others came behind it");
    }

    #[test]
    fn one_that_was_not_carried_out_may_be_asked_for_again() {
        let mut desk = Desk::default();
        let ((first, mut one), (second, _two)) = (asked(7), asked(7));
        let (ticket, ..) = desk.open(first).unwrap();
        desk.close(ticket, Outcome::Away);
        assert_eq!(one.try_recv(), Ok(Outcome::Away));
        assert!(desk.open(second).is_some());
    }
}
