//! What people ask of a satellite's program (I4): it is done once or never, whoever asked is told what became of it, and
//! what they are told was done has been, and what was not asked has not.

use campanile_core::decision::{Decision, ReplyResult};
use campanile_core::input::{Input, Op, Origin};
use campanile_core::record::Record;
use campanile_delivery::satellite::Outcome;

use crate::swarm::tape::Tape;

/// Everything that was asked, over all starts of both ends.
#[derive(Default)]
pub(in crate::swarm) struct Requests(Vec<(Op, Option<Outcome>)>);

impl Requests {
    /// Somebody asks; the ticket for it.
    pub(in crate::swarm) fn ask(&mut self, op: Op) -> u32 {
        self.0.push((op, None));
        (self.0.len() - 1) as u32
    }

    /// Whoever has this ticket is told what became of it.
    pub(in crate::swarm) fn told(&mut self, ticket: u32, outcome: Outcome) -> Result<(), String> {
        let asked =
            self.0.get_mut(ticket as usize).ok_or_else(|| format!("nobody has the ticket {ticket}"))?;
        match asked.1.replace(outcome) {
            None => Ok(()),
            Some(before) => {
                Err(format!("whoever asked {:?} was told {before:?}, and then {outcome:?}", asked.0))
            }
        }
    }

    /// Nothing was done more often than the satellite may have been asked, and everything as often as somebody was told.
    pub(in crate::swarm) fn check(&self, tape: &Tape) -> Result<(), String> {
        let done = done(tape);
        // What was overwritten before anybody saw it may be what was done.
        let is_blind = tape.lives.iter().any(|life| life.entries.iter().any(|entry| entry.record.is_none()));
        for (op, _) in &self.0 {
            let count = |of: &dyn Fn(&Option<Outcome>) -> bool| {
                self.0.iter().filter(|(asked, outcome)| asked == op && of(outcome)).count()
            };
            let asked = count(&|outcome| match outcome {
                None | Some(Outcome::Unanswered) => true,
                Some(Outcome::Answered(result)) => *result == ReplyResult::Done,
                Some(Outcome::Away | Outcome::Crowded) => false,
            });
            let told = count(&|outcome| *outcome == Some(Outcome::Answered(ReplyResult::Done)));
            let done = done.iter().filter(|done| *done == op).count();
            if done > asked || done < told && !is_blind {
                return Err(format!(
                    "{op:?} may have been asked {asked} times of it and was done {done} times, of which {told} were told"
                ));
            }
        }
        Ok(())
    }
}

/// What the house's commands did.
fn done(tape: &Tape) -> Vec<Op> {
    let mut done = Vec::new();
    for life in &tape.lives {
        let mut last = None;
        for entry in &life.entries {
            match entry.record {
                Some(Record::Input(Input::Command { origin: Origin::Link, id, op, .. })) => {
                    last = Some((id, op))
                }
                Some(Record::Decision(Decision::Reply {
                    origin: Origin::Link,
                    id,
                    result: ReplyResult::Done,
                })) => done.extend(last.take_if(|(asked, _)| *asked == id).map(|(_, op)| op)),
                _ => {}
            }
        }
    }
    done
}
