//! What a house hears of a satellite as it happens: how inputs move, and what is sent. Nothing of it is old, and over a link that
//! is well no message is left out, nor late, nor how an input moves that the house knew at rest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    /// Lines of which the house knows how they are reported: it is to hear of how they move next. Of what comes soon behind
    /// that it may hear as of one with what undid it.
    known: BTreeSet<usize>,
    /// By the place of the start, and the record's number in it.
    due: BTreeMap<(usize, u64), Due>,
}

/// A message, or a move of an input.
struct Due {
    what: String,
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
                if let Some(line) = rules.line(input)
                    && self.reports(now, line, Level::from_bool(value != 0))
                    && let Some(input) = symbols.inputs.get(input.index())
                {
                    self.owes(now, record, a_move(&input.name));
                }
            }
            // What a house knows is of the lines of the start before, and of the program before.
            Record::Input(Input::Boot { .. } | Input::Install { .. }) => self.known.clear(),
            // What it knows of the start before: the rest of that nobody has seen.
            Record::Input(Input::Restore { item: Restore::Input { input, reported, .. } }) => {
                if let Some(line) = rules.line(input) {
                    self.reports(now, line, reported);
                }
            }
            Record::Decision(Decision::Send { template, .. }) => {
                if let Some(message) = symbols.messages.get(template.index()) {
                    self.owes(now, record, a_message(&message.name));
                }
            }
            _ => {}
        }
    }

    /// The satellite reports an input; true if that is a move of which the house is to hear.
    fn reports(&mut self, now: u64, line: usize, level: Level) -> bool {
        let reports = self.inputs.entry(line).or_default();
        let is_known = self.known.remove(&line) && reports.back().is_some_and(|(_, was)| *was != level);
        reports.push_back((now, level));
        // The one before the last was so until the last came.
        while reports.get(1).is_some_and(|(until, _)| until + OLD < now) {
            reports.pop_front();
        }
        is_known
    }

    /// The house is to hear of this: a record of one of its starts.
    fn owes(&mut self, now: u64, record: (usize, u64), what: String) {
        self.due.insert(record, Due { what, at: now, told: false });
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
        let message = a_message(message);
        let of = || format!("{message}, record {} of start {}", record.1, record.0);
        match self.due.get_mut(&record).filter(|due| due.what == message) {
            None => Err(format!("its house is told of {}, which it has not sent of late", of())),
            Some(due) if due.at + OLD < now => {
                Err(format!("its house is told of {}, which was {} us ago", of(), now - due.at))
            }
            Some(due) => {
                due.told = true;
                Ok(())
            }
        }
    }

    /// The house is told of a move, whether it has to be or not.
    pub(in crate::swarm) fn hears_move(&mut self, record: (usize, u64)) {
        if let Some(due) = self.due.get_mut(&record) {
            due.told = true;
        }
    }

    /// The house knows how these lines are reported, and no others.
    pub(in crate::swarm) fn are_known(&mut self, lines: BTreeSet<usize>) {
        self.known = lines;
    }

    /// The link has been well since then: what was to be told of this start, and is not gone from memory, has been told. `tail`:
    /// the number before which memory has given its records up.
    pub(in crate::swarm) fn check(&self, now: u64, well: u64, start: usize, tail: u64) -> Result<(), String> {
        let is_late = |due: &Due| !due.told && due.at > well && due.at + SOON < now;
        match self.due.range((start, tail)..(start + 1, 0)).find(|(_, due)| is_late(due)) {
            None => Ok(()),
            Some(((_, seq), Due { what, at, .. })) => Err(format!(
                "the link is well, and its house does not hear of {what}, record {seq}, {} us ago",
                now - at
            )),
        }
    }

    /// The link has been well since then at the most: what is no news any more, and is told or need not be, nobody asks for.
    pub(in crate::swarm) fn forget(&mut self, now: u64, well: u64) {
        self.due.retain(|_, due| due.at + OLD >= now || !due.told && due.at > well);
    }

    /// The last report of a line, if the house has to know it by now over a link that is well.
    pub(in crate::swarm) fn known(&self, now: u64, line: usize) -> Option<Level> {
        let (at, level) = *self.inputs.get(&line)?.back()?;
        (at + SOON < now).then_some(level)
    }
}

fn a_message(name: &str) -> String {
    format!("the message {name}")
}

fn a_move(input: &str) -> String {
    format!("a move of {input}")
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
        news.owes(10 * SECOND, (2, 7), a_message("rang"));
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
    fn a_move_is_told_that_comes_next_to_what_the_house_knows() {
        let mut news = News::default();
        assert!(!news.reports(SECOND, 1, Level::Off), "nobody knows what it was before");
        news.are_known(BTreeSet::from([1]));
        assert!(!news.reports(2 * SECOND, 1, Level::Off), "no move");
        news.are_known(BTreeSet::from([1]));
        assert!(news.reports(10 * SECOND, 1, Level::On));
        assert!(!news.reports(10 * SECOND, 1, Level::Off), "both may come at once");
        news.owes(10 * SECOND, (2, 7), a_move("button"));
        let late = news.check(16 * SECOND, 0, 2, 1).unwrap_err();
        assert!(late.contains("does not hear of a move of button, record 7"), "{late}");
        news.hears_move((2, 7));
        assert_eq!(news.check(16 * SECOND, 0, 2, 1), Ok(()));
    }

    #[test]
    fn what_is_no_news_any_more_is_forgotten() {
        let mut news = News::default();
        for seq in 0..1_000 {
            let at = seq * SECOND;
            news.owes(at, (0, seq), a_message("rang"));
            news.hears(at, (0, seq), "rang").unwrap();
            news.owes(at, (1, seq), a_message("not told"));
            news.forget(at, if seq % 2 == 0 { at } else { 0 });
            assert!(news.due.len() <= 2 * 52, "{} at {seq} s", news.due.len());
        }
        assert!(news.hears(1_000 * SECOND, (0, 1), "rang").unwrap_err().contains("not sent of late"));
    }
}
