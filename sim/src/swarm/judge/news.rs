//! What a house hears of a satellite as it happens: how inputs move, and what is sent. Nothing of it is old, and over a link that
//! is well nothing is left out, nor late.

use std::collections::{BTreeMap, VecDeque};

use campanile_core::decision::{Decision, Source};
use campanile_core::id::Level;
use campanile_core::input::{COMMAND_TTL, Input};
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_delivery::symbols::Symbols;

use crate::swarm::rules::Rules;
use crate::swarm::tape::Entry;

/// What was longer ago, in microseconds, is no news. How long ago it was the house tells by the satellite's clock, of which it
/// hears as late as the wire, or its own standing still, makes it.
const OLD: u64 = COMMAND_TTL.micros() + 20_000_000;

/// Over a link that is well both ends agree after so many microseconds.
pub(in crate::swarm) const SOON: u64 = 5_000_000;

/// What a satellite has to tell; all times are the world's.
#[derive(Default)]
pub(in crate::swarm) struct News {
    /// How lines are reported and since when, as far back as it is news: what programs call their inputs changes with them.
    inputs: BTreeMap<usize, VecDeque<(u64, Level)>>,
    /// By the place of the start, and the record's number in it.
    sent: BTreeMap<(usize, u64), Sent>,
}

struct Sent {
    message: String,
    at: u64,
    told: bool,
}

impl News {
    pub(in crate::swarm) fn see(
        &mut self,
        now: u64,
        record: (usize, u64),
        entry: &Entry,
        (rules, symbols): (&Rules, Option<&Symbols>),
    ) {
        let (Some(symbols), Some(seen)) = (symbols, entry.record) else { return };
        match seen {
            Record::Decision(Decision::Event {
                source: Source::Input { input }, value: Some(value), ..
            }) => {
                if let Some(line) = rules.line(input) {
                    self.reports(now, line, Level::from_bool(value != 0));
                }
            }
            // What it knows of the start before: the rest of that nobody has seen.
            Record::Input(Input::Restore { item: Restore::Input { input, reported, .. } }) => {
                if let Some(line) = rules.line(input) {
                    self.reports(now, line, reported);
                }
            }
            Record::Decision(Decision::Send { template, .. }) => {
                if let Some(message) = symbols.messages.get(template.index()) {
                    self.sends(now, record, &message.name);
                }
            }
            _ => {}
        }
    }

    /// The satellite reports an input.
    fn reports(&mut self, now: u64, line: usize, level: Level) {
        let reports = self.inputs.entry(line).or_default();
        reports.push_back((now, level));
        // The one before the last was so until the last came.
        while reports.get(1).is_some_and(|(until, _)| until + OLD < now) {
            reports.pop_front();
        }
    }

    /// The satellite sends a message: a record of one of its starts.
    fn sends(&mut self, now: u64, record: (usize, u64), message: &str) {
        self.sent.insert(record, Sent { message: message.to_owned(), at: now, told: false });
    }

    /// The house is told that an input, which is on this line to it, is at this level.
    pub(in crate::swarm) fn hears_of(
        &self,
        now: u64,
        line: usize,
        input: &str,
        level: Level,
    ) -> Result<(), String> {
        let Some(reports) = self.inputs.get(&line) else { return Ok(()) };
        let ends = reports.iter().skip(1).map(|(until, _)| *until).chain([now]);
        let was = reports.iter().zip(ends).filter(|((_, was), _)| *was == level).last();
        match was {
            Some((_, until)) if until + OLD >= now => Ok(()),
            Some((_, until)) => Err(format!(
                "its house is told that {input} is {level:?}, which it has not been for {} us",
                now - until
            )),
            None => Err(format!("its house is told that {input} is {level:?}, which it was not of late")),
        }
    }

    /// The house is told of a message.
    pub(in crate::swarm) fn hears(
        &mut self,
        now: u64,
        record: (usize, u64),
        message: &str,
    ) -> Result<(), String> {
        let of = || format!("the message {message}, record {} of start {}", record.1, record.0);
        match self.sent.get_mut(&record).filter(|sent| sent.message == message) {
            None => Err(format!("its house is told of {}, which it has not sent of late", of())),
            Some(sent) if sent.at + OLD < now => {
                Err(format!("its house is told of {}, which was {} us ago", of(), now - sent.at))
            }
            Some(sent) => {
                sent.told = true;
                Ok(())
            }
        }
    }

    /// The link has been well since then: what was sent in this start, and is not gone from memory, has been told. `tail`: the
    /// number before which memory has given its records up.
    pub(in crate::swarm) fn check(&self, now: u64, well: u64, start: usize, tail: u64) -> Result<(), String> {
        let due = |sent: &Sent| !sent.told && sent.at > well && sent.at + SOON < now;
        match self.sent.range((start, tail)..(start + 1, 0)).find(|(_, sent)| due(sent)) {
            None => Ok(()),
            Some(((_, seq), Sent { message, at, .. })) => Err(format!(
                "the link is well, and its house does not hear of the message {message}, record {seq}, {} us ago",
                now - at
            )),
        }
    }

    /// The link has been well since then at the most: what is no news any more, and is told or need not be, nobody asks for.
    pub(in crate::swarm) fn forget(&mut self, now: u64, well: u64) {
        self.sent.retain(|_, sent| sent.at + OLD >= now || !sent.told && sent.at > well);
    }

    /// The last report of a line, if the house has to know it by now over a link that is well.
    pub(in crate::swarm) fn known(&self, now: u64, line: usize) -> Option<Level> {
        let (at, level) = *self.inputs.get(&line)?.back()?;
        (at + SOON < now).then_some(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_house_hears_of_what_was_a_moment_ago_and_of_nothing_older() {
        let mut news = News::default();
        assert_eq!(news.hears_of(0, 1, "button", Level::On), Ok(()), "nobody knows what it was before");
        news.reports(SECOND, 1, Level::On);
        news.reports(2 * SECOND, 1, Level::Off);
        assert_eq!(news.hears_of(40 * SECOND, 1, "button", Level::On), Ok(()));
        assert_eq!(news.hears_of(400 * SECOND, 1, "button", Level::Off), Ok(()), "it still is");
        let old = news.hears_of(53 * SECOND, 1, "button", Level::On).unwrap_err();
        assert!(old.contains("has not been for 51000000 us"), "{old}");
        news.reports(500 * SECOND, 1, Level::Off);
        let old = news.hears_of(500 * SECOND, 1, "button", Level::On).unwrap_err();
        assert!(old.contains("not of late"), "{old}");
    }

    #[test]
    fn a_message_is_told_that_was_sent_and_soon_over_a_link_that_is_well() {
        let mut news = News::default();
        news.sends(10 * SECOND, (2, 7), "rang");
        assert!(news.hears(11 * SECOND, (2, 7), "rung").unwrap_err().contains("has not sent"));
        assert!(news.hears(11 * SECOND, (1, 7), "rang").unwrap_err().contains("has not sent"));
        assert!(news.hears(61 * SECOND, (2, 7), "rang").unwrap_err().contains("51000000 us ago"));
        assert_eq!(news.check(14 * SECOND, 0, 2, 1), Ok(()), "it is on its way");
        assert!(news.check(16 * SECOND, 0, 2, 1).unwrap_err().contains("does not hear"));
        assert_eq!(news.check(16 * SECOND, 10 * SECOND, 2, 1), Ok(()), "it was not well then");
        assert_eq!(news.check(16 * SECOND, 0, 2, 8), Ok(()), "it is gone");
        assert_eq!(news.check(16 * SECOND, 0, 3, 1), Ok(()), "of another start");
        assert_eq!(news.hears(12 * SECOND, (2, 7), "rang"), Ok(()));
        assert_eq!(news.check(16 * SECOND, 0, 2, 1), Ok(()));
    }

    #[test]
    fn what_is_no_news_any_more_is_forgotten() {
        let mut news = News::default();
        for seq in 0..1_000 {
            let at = seq * SECOND;
            news.sends(at, (0, seq), "rang");
            news.hears(at, (0, seq), "rang").unwrap();
            news.sends(at, (1, seq), "not told");
            news.forget(at, if seq % 2 == 0 { at } else { 0 });
            assert!(news.sent.len() <= 2 * 52, "{} at {seq} s", news.sent.len());
        }
        assert!(news.hears(1_000 * SECOND, (0, 1), "rang").unwrap_err().contains("not sent of late"));
    }
}
