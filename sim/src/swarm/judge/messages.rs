//! Messages into the loop (I4): commands, readings, the time of day, peers, programs. Each is taken, in the order in which
//! they were sent, or counted as lost by a record in front of the next one that is taken.

use std::collections::VecDeque;

use campanile_core::input::{Input, OverrunWhy};
use campanile_core::record::Record;
use campanile_core::runner::Message;
use campanile_core::time::{Duration, Instant};

use crate::swarm::tape::Entry;

/// What was sent to this life, and what became of it.
pub(in crate::swarm) struct Messages {
    /// So many sensors every program has: a reading of another may find that a swap has taken its sensor, and is no record
    /// then.
    sensors: u8,
    /// Sent, and no record has told of them yet.
    untold: VecDeque<Input>,
    /// Sent before one that was taken, and not taken.
    passed: u64,
    /// So many the records count as lost.
    counted: u64,
    /// Readings that may come to nothing. Nobody looks for them, but a full channel counts them too.
    doubtful: u64,
    /// Nothing has happened since that could still be on its way.
    calm: Instant,
}

impl Messages {
    pub(in crate::swarm) const fn new(sensors: u8) -> Self {
        let untold = VecDeque::new();
        Self { sensors, untold, passed: 0, counted: 0, doubtful: 0, calm: Instant::ZERO }
    }

    /// Another process: it gets no message that was sent to the one before.
    pub(in crate::swarm) fn begin(&mut self) {
        *self = Self::new(self.sensors);
    }

    /// Nobody takes anything before.
    pub(in crate::swarm) fn stir(&mut self, now: Instant) {
        self.calm = self.calm.max(now);
    }

    pub(in crate::swarm) fn sent(&mut self, at: Instant, message: Message) {
        self.stir(at);
        let input = match message {
            Message::Input(input) => input,
            Message::Command { origin, id, op, .. } => Input::Command { origin, id, op },
            Message::Install { hash } => Input::Install { hash },
            Message::Stop => Input::Stop {},
            Message::Checkpoint => return,
        };
        if self.is_doubtful(&input) { self.doubtful += 1 } else { self.untold.push_back(input) }
    }

    fn is_doubtful(&self, input: &Input) -> bool {
        matches!(input, Input::Reading { sensor, .. } if sensor.0 >= self.sensors)
    }

    pub(in crate::swarm) fn see(&mut self, entry: &Entry) -> Result<(), String> {
        let Some(Record::Input(input)) = &entry.record else { return Ok(()) };
        match input {
            Input::Overrun { input: None, lost, why: OverrunWhy::Queue } => self.lost(*lost, entry.at),
            Input::Command { .. }
            | Input::Reading { .. }
            | Input::Link { .. }
            | Input::Clock { .. }
            | Input::Install { .. }
            | Input::Stop {}
                if !self.is_doubtful(input) =>
            {
                self.taken(input, entry.at)
            }
            _ => Ok(()),
        }
    }

    fn lost(&mut self, lost: u32, at: Instant) -> Result<(), String> {
        self.counted += u64::from(lost);
        let missing = self.passed + self.untold.len() as u64 + self.doubtful;
        if self.counted > missing {
            return Err(format!(
                "records count {} messages as lost at {} us, and at most {missing} of those sent were not taken",
                self.counted,
                at.micros()
            ));
        }
        Ok(())
    }

    fn taken(&mut self, input: &Input, at: Instant) -> Result<(), String> {
        let Some(place) = self.untold.iter().position(|sent| is_same(sent, input)) else {
            // A start asks for the time of day itself.
            let of_a_start = matches!(input, Input::Clock { .. });
            let nobody = || format!("{input:?} at {} us was sent by nobody", at.micros());
            return if of_a_start { Ok(()) } else { Err(nobody()) };
        };
        self.untold.drain(..=place);
        self.passed += place as u64;
        if self.passed > self.counted {
            return Err(format!(
                "{} messages are missing before {input:?} at {} us, and records count {}",
                self.passed,
                at.micros(),
                self.counted
            ));
        }
        Ok(())
    }

    /// Once everything has been at rest for `quiet`, whatever was sent is taken or counted.
    pub(in crate::swarm) fn check(&self, now: Instant, quiet: Duration) -> Result<(), String> {
        let missing = self.passed + self.untold.len() as u64;
        if now.since(self.calm) < quiet || (missing..=missing + self.doubtful).contains(&self.counted) {
            return Ok(());
        }
        Err(format!("{missing} messages were not taken, and records count {} as lost", self.counted))
    }
}

/// Whether a message has become this record. One that was under way for too long asks for nothing any more.
fn is_same(sent: &Input, taken: &Input) -> bool {
    match (sent, taken) {
        (Input::Command { origin, id, .. }, Input::Command { origin: whose, id: number, .. }) => {
            (origin, id) == (whose, number)
        }
        _ => sent == taken,
    }
}

#[cfg(test)]
mod tests {
    use campanile_core::id::{SensorId, VarId};
    use campanile_core::input::{Op, Origin};

    use super::*;

    const QUIET: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn command(id: u32) -> Message {
        let op = Op::Let { var: VarId(0), value: 1 };
        Message::Command { origin: Origin::Script, id, op, issued: at(0) }
    }

    fn taken(id: u32) -> Entry {
        Entry::new(at(1), Record::Input(Input::Command { origin: Origin::Script, id, op: Op::Expired {} }))
    }

    fn lost(lost: u32) -> Entry {
        Entry::new(at(1), Record::Input(Input::Overrun { input: None, lost, why: OverrunWhy::Queue }))
    }

    /// The first `sent` commands were sent; the judge sees these records, and then all is quiet.
    fn judged(sent: u32, records: &[Entry]) -> Result<(), String> {
        let mut messages = Messages::new(1);
        (0..sent).for_each(|id| messages.sent(at(0), command(id)));
        records.iter().try_for_each(|entry| messages.see(entry))?;
        messages.check(at(10), QUIET)
    }

    #[test]
    fn what_is_sent_is_taken_or_counted() {
        assert_eq!(judged(2, &[taken(0), taken(1)]), Ok(()));
        assert_eq!(judged(4, &[taken(0), lost(2), taken(3)]), Ok(()));
        assert_eq!(judged(3, &[taken(0), lost(2)]), Ok(()), "nothing has to follow");
    }

    #[test]
    fn a_loss_without_a_word_is_found_at_the_next_message_or_at_rest() {
        let next = judged(3, &[taken(0), taken(2)]).expect_err("one is missing");
        assert!(next.starts_with("1 messages are missing before"), "{next}");
        let late = judged(3, &[taken(0), taken(2), lost(1)]).expect_err("it is counted too late");
        assert_eq!(late, next);
        let last = judged(3, &[taken(0), lost(1)]).expect_err("two are missing");
        assert_eq!(last, "2 messages were not taken, and records count 1 as lost");
        let all = judged(1, &[]).expect_err("one is missing");
        assert_eq!(all, "1 messages were not taken, and records count 0 as lost");
    }

    #[test]
    fn more_than_was_sent_is_neither_lost_nor_taken() {
        let lost = judged(3, &[taken(0), lost(3)]).expect_err("two are missing");
        assert!(lost.starts_with("records count 3 messages as lost"), "{lost}");
        let taken = judged(1, &[taken(0), taken(0)]).expect_err("a second time");
        assert!(taken.ends_with("was sent by nobody"), "{taken}");
    }

    #[test]
    fn a_reading_whose_sensor_a_swap_takes_may_come_to_nothing() {
        let sent = |sensor| {
            let mut messages = Messages::new(1);
            let reading = Input::Reading { sensor: SensorId(sensor), value: None };
            messages.sent(at(0), Message::Input(reading));
            messages
        };
        let mut messages = sent(1);
        assert_eq!(messages.check(at(10), QUIET), Ok(()));
        assert_eq!(messages.see(&lost(1)), Ok(()), "or it found the channel full");
        assert_eq!(messages.check(at(10), QUIET), Ok(()));
        assert!(sent(0).check(at(10), QUIET).is_err(), "every program has the first");
    }
}
