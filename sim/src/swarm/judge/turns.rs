//! The loop's turns (I2): a loop that stood still past a deadline says so before it runs it, and no other loop says so. An
//! `every` does not burst, and no minute comes late unsaid.

use campanile_core::decision::{Cause, Decision, RunHow};
use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::time::{Duration, Instant};

use crate::swarm::rules::Rules;
use crate::swarm::tape::Entry;

/// Further behind a deadline, a loop has stalled.
const STALLED: Duration = Duration::from_millis(100);

/// What is known of a process's turns; all times are on the node's clock.
pub(in crate::swarm) struct Turns {
    /// So long the loop leaves a deadline alone, for edges that are still on their way.
    slack: Duration,
    /// The loop has had no turn since.
    still: Option<Instant>,
    /// Up to then a record has told of a stall.
    told: Instant,
}

impl Turns {
    pub(in crate::swarm) const fn new(slack: Duration) -> Self {
        Self { slack, still: None, told: Instant::ZERO }
    }

    /// Another process.
    pub(in crate::swarm) const fn begin(&mut self) {
        (self.still, self.told) = (None, Instant::ZERO);
    }

    /// The loop does not get its turn.
    pub(in crate::swarm) fn withheld(&mut self, now: Instant) {
        self.still.get_or_insert(now);
    }

    /// The loop has had its turn, or does not want it.
    pub(in crate::swarm) const fn given(&mut self) {
        self.still = None;
    }

    /// A record that was written in the turn at `now`.
    pub(in crate::swarm) fn see(&mut self, entry: &Entry, now: Instant, rules: &Rules) -> Result<(), String> {
        match entry.record {
            Some(Record::Input(Input::Stall { until })) => self.stall(until, now),
            Some(Record::Input(Input::Tick { trigger })) => self.due(entry.at, now, trigger),
            Some(Record::Decision(Decision::Run {
                cause: Cause::Trigger { trigger },
                how: RunHow::Started | RunHow::Queued | RunHow::Restarted,
                onset_ago: Duration::ZERO,
                ..
            })) if rules.recurs(trigger) => self.due(entry.at, now, trigger),
            _ => Ok(()),
        }
    }

    fn stall(&mut self, until: Instant, now: Instant) -> Result<(), String> {
        self.told = until;
        let stood = self.still.map_or(Duration::ZERO, |since| now.since(since));
        if until == now && stood.plus(self.slack) > STALLED {
            return Ok(());
        }
        Err(format!(
            "a stall until {} us is told of at {} us, when the loop had stood still for {} us",
            until.micros(),
            now.micros(),
            stood.micros()
        ))
    }

    fn due(&self, due: Instant, now: Instant, trigger: impl std::fmt::Debug) -> Result<(), String> {
        if now.since(due) <= STALLED || self.told >= due {
            return Ok(());
        }
        Err(format!(
            "{trigger:?} was due at {} us and came at {} us, and no record tells of a stall",
            due.micros(),
            now.micros()
        ))
    }
}

#[cfg(test)]
mod tests {
    use campanile_core::id::TriggerId;

    use super::*;

    const fn ms(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    fn turns() -> Turns {
        Turns::new(Duration::from_millis(2))
    }

    #[test]
    fn what_was_due_during_a_stall_comes_behind_a_word() {
        let mut turns = turns();
        turns.withheld(ms(1_000));
        assert!(turns.due(ms(1_100), ms(1_201), TriggerId(0)).is_err(), "nobody told of it");
        turns.stall(ms(1_201), ms(1_201)).unwrap();
        turns.due(ms(1_100), ms(1_201), TriggerId(0)).unwrap();
        assert!(turns.due(ms(1_300), ms(1_401), TriggerId(0)).is_err(), "that is another stall");
    }

    #[test]
    fn a_hundred_milliseconds_are_no_stall() {
        turns().due(ms(1_100), ms(1_200), TriggerId(0)).unwrap();
        let mut turns = turns();
        turns.withheld(ms(1_000));
        assert!(turns.stall(ms(1_098), ms(1_098)).is_err());
        turns.stall(ms(1_099), ms(1_099)).unwrap();
    }

    #[test]
    fn a_loop_that_had_its_turn_tells_of_no_stall() {
        let mut turns = turns();
        turns.withheld(ms(1_000));
        turns.given();
        assert!(turns.stall(ms(2_000), ms(2_000)).is_err());
    }
}
