//! The lines of a satellite, as its house has them: debounced inputs that have moved, and outputs with the level that the
//! house wants and whether the satellite has been told.

use std::collections::{BTreeMap, VecDeque};

use campanile_core::id::Level;
use campanile_core::time::Instant;

use crate::RecordId;

/// Moves that may wait for the house; behind that they are counted as lost.
const WAITING: usize = 256;

/// What an input did. Times are those of the house, when it heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It moved.
    Edge {
        /// When.
        at: Instant,
        /// Where to.
        level: Level,
        /// The record of its journal that told so, by the number that its start has now, and not by the one that it had first;
        /// `None` if the house hears of it with all that is old.
        record: Option<RecordId>,
    },
    /// It is at this level, and nobody knew: no move.
    Found {
        /// When that was found.
        at: Instant,
        /// Where it is.
        level: Level,
    },
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    inputs: BTreeMap<String, Seen>,
    outputs: BTreeMap<String, Wanted>,
    up: bool,
}

/// An input.
#[derive(Clone, Debug, Default)]
struct Seen {
    level: Option<Level>,
    /// A program of the house reads it: of what nobody reads, nobody is told.
    open: bool,
    /// What the house was told last.
    told: Option<Level>,
    news: VecDeque<Move>,
    lost: u32,
}

/// An output.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    level: Level,
    safe: Level,
    /// The satellite has it, or has it anyway.
    done: bool,
}

impl Mirror {
    /// A program of the house reads this input from now on. Another may have been told of it; this one has not.
    pub fn open_input(&mut self, input: &str) {
        let seen = self.inputs.entry(input.to_owned()).or_default();
        (seen.open, seen.told, seen.lost) = (true, None, 0);
        seen.news.clear();
    }

    /// A program of the house drives this output from now on. One that none has driven before has its safe level.
    pub fn open_output(&mut self, output: &str, safe: Level) {
        let new = Wanted { level: safe, safe, done: true };
        self.outputs.entry(output.to_owned()).and_modify(|wanted| wanted.safe = safe).or_insert(new);
    }

    /// Gives the house what an input did, in order, and how often it moved and nobody kept it.
    pub fn take(&mut self, input: &str, mut give: impl FnMut(Move)) -> u32 {
        let Some(seen) = self.inputs.get_mut(input) else { return 0 };
        seen.news.drain(..).for_each(&mut give);
        std::mem::take(&mut seen.lost)
    }

    /// Whether [`take`](Self::take) has something to give.
    pub fn has_news(&self, input: &str) -> bool {
        self.inputs.get(input).is_some_and(|seen| seen.lost > 0 || !seen.news.is_empty())
    }

    /// The level of an input, which the house knows from now on; `None` if nobody has heard of it yet.
    pub fn read(&mut self, input: &str) -> Option<Level> {
        let seen = self.inputs.get_mut(input)?;
        seen.told = Some(seen.level?);
        seen.level
    }

    /// As [`read`](Self::read), but that the house does not know it from that.
    pub fn level(&self, input: &str) -> Option<Level> {
        self.inputs.get(input)?.level
    }

    /// The level of an input that the house was told last.
    pub fn told(&self, input: &str) -> Option<Level> {
        self.inputs.get(input)?.told
    }

    /// The house wants an output at this level. False if that is not safe, and the satellite not there: it is told when
    /// it comes back.
    pub fn set(&mut self, output: &str, level: Level) -> bool {
        let Some(wanted) = self.outputs.get_mut(output) else { return true };
        if wanted.level != level {
            (wanted.level, wanted.done) = (level, false);
        }
        self.up || level == wanted.safe
    }

    /// The level at which the house wants an output.
    pub fn wanted(&self, output: &str) -> Option<Level> {
        self.outputs.get(output).map(|wanted| wanted.level)
    }

    /// The satellite came or went. One that comes back gets the outputs that the house wants away from safe once more: it
    /// may have restarted, or taken them back itself.
    pub fn set_up(&mut self, up: bool) {
        self.up = up;
        for wanted in self.outputs.values_mut() {
            wanted.done &= wanted.level == wanted.safe;
        }
    }

    /// An input is at this level; `news`: the record of a move that is young. One that is not young is no event any more: the
    /// house hears of it with [`settle`](Self::settle), and of those that follow each other only the last. True if the house is
    /// told that it moved.
    pub fn saw(&mut self, input: &str, level: Level, news: Option<RecordId>, at: Instant) -> bool {
        let seen = self.inputs.entry(input.to_owned()).or_default();
        seen.level = Some(level);
        news.is_some() && seen.tell(news, at)
    }

    /// Nobody knows any more at which level an input is.
    pub fn forget(&mut self, input: &str) {
        if let Some(seen) = self.inputs.get_mut(input) {
            seen.level = None;
        }
    }

    /// All that has come is seen, and nothing older waits: inputs that are at another level than the house knows are told.
    pub fn settle(&mut self, at: Instant) {
        self.inputs.values_mut().for_each(|seen| _ = seen.tell(None, at));
    }

    /// An output that the satellite has to be told of.
    pub fn next_output(&self) -> Option<(String, Level)> {
        let (name, wanted) = self.outputs.iter().find(|(_, wanted)| !wanted.done)?;
        Some((name.clone(), wanted.level))
    }

    /// The satellite has an output at this level because the house once wanted it so. If the house wants another now, as it
    /// has started anew and forgotten, the satellite is told, of the safe level too.
    pub fn held(&mut self, output: &str, level: Level) {
        if let Some(wanted) = self.outputs.get_mut(output) {
            wanted.done &= wanted.level == level;
        }
    }

    /// The satellite has an output at this level, or refuses it for good.
    pub fn done(&mut self, output: &str, level: Level) {
        if let Some(wanted) = self.outputs.get_mut(output) {
            wanted.done |= wanted.level == level;
        }
    }
}

impl Seen {
    /// Tells of its level, if that is another than the house was told; true if that is a move.
    fn tell(&mut self, record: Option<RecordId>, at: Instant) -> bool {
        let Some(level) = self.level.filter(|level| self.open && self.told != Some(*level)) else {
            return false;
        };
        if self.news.len() >= WAITING {
            self.lost = self.lost.saturating_add(1);
            return false;
        }
        // What nobody knew before is no move.
        let news = match self.told {
            Some(_) => Move::Edge { at, level, record },
            None => Move::Found { at, level },
        };
        self.news.push_back(news);
        self.told.replace(level).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Boot;

    const AT: Instant = Instant::from_micros(5);

    fn taken(mirror: &mut Mirror) -> Vec<Move> {
        let mut all = Vec::new();
        assert_eq!(mirror.take("button", |taken| all.push(taken)), 0);
        all
    }

    #[test]
    fn what_is_found_is_no_move_and_of_old_moves_only_the_last_counts() {
        let mut mirror = Mirror::default();
        mirror.open_input("button");
        assert_eq!(mirror.read("button"), None, "nobody has heard of it yet");
        mirror.saw("button", Level::Off, None, AT);
        mirror.settle(AT);
        assert_eq!(taken(&mut mirror), [Move::Found { at: AT, level: Level::Off }]);
        for level in [Level::On, Level::Off, Level::On] {
            mirror.saw("button", level, None, AT);
        }
        assert!(taken(&mut mirror).is_empty());
        mirror.settle(AT);
        assert_eq!(taken(&mut mirror), [Move::Edge { at: AT, level: Level::On, record: None }]);
        let record = Some(RecordId { boot: Boot(1), seq: 1 });
        assert!(mirror.saw("button", Level::Off, record, AT) && mirror.saw("button", Level::On, record, AT));
        assert!(!mirror.saw("button", Level::On, record, AT), "it is there already");
        assert_eq!(taken(&mut mirror).len(), 2, "young ones are told each");
        mirror.open_input("button");
        assert!(!mirror.saw("button", Level::Off, record, AT), "to this program it is no move");
        assert_eq!(taken(&mut mirror), [Move::Found { at: AT, level: Level::Off }]);
    }

    #[test]
    fn of_an_input_that_no_program_reads_the_level_is_known_and_nobody_is_told() {
        let mut mirror = Mirror::default();
        let record = Some(RecordId { boot: Boot(1), seq: 1 });
        for level in [Level::Off, Level::On, Level::Off] {
            assert!(!mirror.saw("button", level, record, AT), "nobody hears of it");
        }
        mirror.settle(AT);
        assert!(!mirror.has_news("button"));
        mirror.open_input("button");
        assert_eq!(mirror.read("button"), Some(Level::Off));
        assert!(mirror.saw("button", Level::On, record, AT), "now somebody does");
        assert_eq!(taken(&mut mirror), [Move::Edge { at: AT, level: Level::On, record }]);
    }

    #[test]
    fn an_output_is_told_until_it_is_done_and_again_when_the_satellite_comes_back() {
        let mut mirror = Mirror::default();
        mirror.open_output("lamp", Level::Off);
        assert_eq!(mirror.next_output(), None, "at its safe level it is left alone");
        assert!(!mirror.set("lamp", Level::On), "the satellite is not there");
        mirror.set_up(true);
        assert_eq!(mirror.next_output(), Some(("lamp".to_owned(), Level::On)));
        assert!(mirror.set("lamp", Level::Off));
        mirror.done("lamp", Level::On);
        assert_eq!(mirror.next_output(), Some(("lamp".to_owned(), Level::Off)), "meanwhile it is another");
        mirror.done("lamp", Level::Off);
        assert_eq!(mirror.next_output(), None);
        mirror.set("lamp", Level::On);
        mirror.done("lamp", Level::On);
        mirror.set_up(false);
        mirror.set_up(true);
        assert_eq!(mirror.next_output(), Some(("lamp".to_owned(), Level::On)));
    }

    #[test]
    fn what_the_house_held_before_it_started_anew_is_taken_back() {
        let mut mirror = Mirror::default();
        mirror.open_output("lamp", Level::Off);
        mirror.set_up(true);
        mirror.held("lamp", Level::Off);
        assert_eq!(mirror.next_output(), None);
        mirror.held("lamp", Level::On);
        assert_eq!(mirror.next_output(), Some(("lamp".to_owned(), Level::Off)));
    }
}
