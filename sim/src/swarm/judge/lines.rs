//! Lines and their edges (I4, I5, I6): every edge is recorded with its own stamp or counted as lost, every onset is the
//! stamp of a real edge, and a quiet line is reported as it is.

use std::collections::VecDeque;

use campanile_core::decision::{Decision, Source};
use campanile_core::id::{InputId, Level};
use campanile_core::input::{Input, Op};
use campanile_core::record::Record;
use campanile_core::time::{Duration, Instant};

use crate::swarm::rules::Rules;
use crate::swarm::tape::Entry;

/// What is known of one line, all times on the node's clock.
#[derive(Clone, Debug, Default)]
struct Line {
    /// Edges that the kernel took and no record has told of yet.
    untold: VecDeque<(Instant, Level)>,
    /// Edges for which the kernel had no room, and when.
    unheard: Vec<(Instant, u64)>,
    /// Edges that records have passed over.
    passed: u64,
    /// Edges that records count as lost.
    counted: u64,
    /// Stamps that an onset may have.
    onsets: Vec<Instant>,
    /// Edges were lost, and nobody has read the line since.
    unread: bool,
    reported: Option<Level>,
    /// Somebody plays it, so what is reported is not what is.
    played: bool,
}

/// All lines of a node.
pub(in crate::swarm) struct Lines {
    lines: Vec<Line>,
    /// How long after its stamp an edge may come.
    capture: Duration,
    /// Every edge comes within the loop's slack: no deadline may have overtaken one.
    prompt: bool,
    /// The last input that the loop stamped itself: an edge that was on its way then is late, and nobody's fault.
    driven: Instant,
    /// The loop took no input then, because the journal's thread did not: what moved before may be late.
    held_back: Instant,
    /// Nothing has happened since that could still be on its way.
    calm: Instant,
    /// Edges of lines that are no more watched, of which no record has told yet.
    retired: u64,
}

impl Line {
    /// Edges that are in no record, and that none counts as lost.
    fn missing(&self) -> Option<u64> {
        let unheard: u64 = self.unheard.iter().map(|(_, lost)| lost).sum();
        (self.untold.len() as u64 + self.passed + unheard).checked_sub(self.counted)
    }
}

impl Lines {
    pub(in crate::swarm) fn new(lines: usize, capture: Duration, prompt: bool) -> Self {
        let lines = vec![Line::default(); lines];
        let zero = Instant::ZERO;
        Self { lines, capture, prompt, driven: zero, held_back: zero, calm: zero, retired: 0 }
    }

    /// Another process listens: what the kernel kept for the one before is gone.
    pub(in crate::swarm) fn begin(&mut self, now: Instant) {
        (self.calm, self.driven, self.held_back) = (now, Instant::ZERO, Instant::ZERO);
        self.retired = 0;
        for line in &mut self.lines {
            *line = Line::default();
        }
    }

    /// A line has moved, and a process listens.
    pub(in crate::swarm) fn moved(&mut self, line: usize, at: Instant, to: Level) {
        self.calm = at;
        if let Some(line) = self.lines.get_mut(line) {
            line.untold.push_back((at, to));
        }
    }

    /// Edges were lost in the kernel.
    pub(in crate::swarm) fn lost(&mut self, line: usize, at: Instant, lost: u32) {
        self.calm = at;
        if let Some(line) = self.lines.get_mut(line) {
            line.unheard.push((at, u64::from(lost)));
        }
    }

    /// Another program has taken over, and does not watch these lines: what waited is counted, under no input's name.
    pub(in crate::swarm) fn leave(&mut self, lines: impl Iterator<Item = usize>) -> Result<(), String> {
        for line in lines {
            let Some(line) = self.lines.get_mut(line) else { continue };
            let missing = line.missing().ok_or("more edges are counted as lost than there were")?;
            self.retired += missing;
            *line = Line { reported: line.reported, played: line.played, ..Line::default() };
        }
        Ok(())
    }

    /// A record counts edges of lines that are no more watched.
    pub(in crate::swarm) fn counts_retired(&mut self, lost: u32) -> Result<(), String> {
        let left = self.retired.checked_sub(u64::from(lost));
        self.retired = left.ok_or_else(|| {
            format!(
                "{lost} edges of lines that are gone are counted as lost, and there were {}",
                self.retired
            )
        })?;
        Ok(())
    }

    /// Something else happens, after which it takes time until all is at rest.
    pub(in crate::swarm) fn stir(&mut self, now: Instant) {
        self.calm = self.calm.max(now);
    }

    /// The loop takes no input, and deadlines go on.
    pub(in crate::swarm) fn held_back(&mut self, now: Instant) {
        self.held_back = now;
        self.stir(now);
    }

    pub(in crate::swarm) fn see(&mut self, entry: &Entry, rules: &Rules) -> Result<(), String> {
        let Some(record) = &entry.record else { return Ok(()) };
        if is_stamped_by_the_loop(record) {
            self.driven = entry.at;
        }
        match *record {
            Record::Input(Input::Edge { input, level }) => self.edge(rules, input, entry.at, level),
            Record::Input(Input::Late { input, level, by }) => {
                if entry.at.minus(by) <= self.held_back {
                    return self.edge(rules, input, entry.at.minus(by), level);
                }
                if by > self.capture {
                    return Err(format!(
                        "an edge of {input:?} is late by {} us, and no edge takes more than {} us",
                        by.micros(),
                        self.capture.micros()
                    ));
                }
                if self.prompt && self.driven < entry.at {
                    return Err(format!(
                        "an edge of {input:?} that came within the slack is late by {} us at {} us: a deadline has \
                         overtaken it",
                        by.micros(),
                        entry.at.micros()
                    ));
                }
                self.edge(rules, input, entry.at.minus(by), level)
            }
            Record::Input(Input::Level { input, .. }) => {
                if let Some(line) = self.of(rules, input) {
                    line.onsets.push(entry.at);
                    line.unread = false;
                }
                Ok(())
            }
            Record::Input(Input::Overrun { input: Some(input), lost, .. }) => {
                if let Some(line) = self.of(rules, input) {
                    line.counted += u64::from(lost);
                    line.unread = true;
                }
                Ok(())
            }
            Record::Input(Input::Command { op: Op::Play { input, .. }, .. }) => {
                if let Some(line) = self.of(rules, input) {
                    line.onsets.push(entry.at);
                    line.played = true;
                }
                Ok(())
            }
            Record::Decision(Decision::Event {
                source: Source::Input { input }, value, onset_ago, ..
            }) => self.event(rules, input, entry.at, value, onset_ago),
            _ => Ok(()),
        }
    }

    fn of(&mut self, rules: &Rules, input: InputId) -> Option<&mut Line> {
        self.lines.get_mut(rules.line(input)?)
    }

    fn edge(&mut self, rules: &Rules, input: InputId, stamp: Instant, level: Level) -> Result<(), String> {
        let Some(line) = self.of(rules, input) else { return Err(format!("an edge of {input:?}")) };
        line.onsets.push(stamp);
        line.played = false;
        loop {
            match line.untold.pop_front() {
                Some(edge) if edge == (stamp, level) => break,
                Some(_) => line.passed += 1,
                None => {
                    let at = stamp.micros();
                    return Err(format!("an edge of {input:?} to {level:?} at {at} us that nobody made"));
                }
            }
        }
        // Of what was lost in the same instant nobody knows whether it was before.
        let missing = line.passed
            + line.unheard.iter().filter(|(at, _)| *at < stamp).map(|(_, lost)| lost).sum::<u64>();
        if missing > line.counted {
            return Err(format!(
                "{missing} edges of {input:?} are missing before the one at {} us, and records count {}",
                stamp.micros(),
                line.counted
            ));
        }
        Ok(())
    }

    fn event(
        &mut self,
        rules: &Rules,
        input: InputId,
        at: Instant,
        value: Option<i32>,
        onset_ago: Duration,
    ) -> Result<(), String> {
        let Some(line) = self.of(rules, input) else { return Err(format!("an event of {input:?}")) };
        line.reported = value.map(|value| Level::from_bool(value != 0));
        let onset = at.minus(onset_ago);
        if !line.onsets.iter().rev().any(|stamp| *stamp == onset) {
            return Err(format!(
                "the event of {input:?} at {} us has its onset at {} us, where nothing was",
                at.micros(),
                onset.micros()
            ));
        }
        Ok(())
    }

    /// Whether everything has been at rest for `quiet`.
    pub(in crate::swarm) fn is_calm(&self, now: Instant, quiet: Duration) -> bool {
        now.since(self.calm) >= quiet
    }

    /// Compares what is reported with what is, if everything has been at rest for `quiet`.
    pub(in crate::swarm) fn compare(
        &self,
        now: Instant,
        quiet: Duration,
        rules: &Rules,
        level: impl Fn(InputId) -> Option<Level>,
    ) -> Result<(), String> {
        if !self.is_calm(now, quiet) {
            return Ok(());
        }
        for (id, line) in (0u8..).map(InputId).zip(&rules.lines) {
            let Some(line) = self.lines.get(*line) else { continue };
            let is = level(id);
            if !line.played && line.reported != is {
                return Err(format!(
                    "{id:?} has been quiet for {} us, is {is:?} and reported as {:?}",
                    now.since(self.calm).micros(),
                    line.reported
                ));
            }
            if line.unread {
                return Err(format!("edges of {id:?} were lost, and no reading of the line follows"));
            }
            match line.missing() {
                Some(0) => {}
                Some(missing) => {
                    return Err(format!(
                        "{missing} edges of {id:?} are in no record, beside {} that are counted as lost",
                        line.counted
                    ));
                }
                None => {
                    return Err(format!(
                        "{} edges of {id:?} are counted as lost, and so many were not",
                        line.counted
                    ));
                }
            }
        }
        match self.retired {
            0 => Ok(()),
            missing => Err(format!("{missing} edges of lines that are gone are in no record")),
        }
    }
}

/// An input that is stamped when the loop takes it: neither an edge, nor something due, nor what follows from those.
const fn is_stamped_by_the_loop(record: &Record) -> bool {
    match record {
        Record::Input(input) => !matches!(
            input,
            Input::Edge { .. }
                | Input::Late { .. }
                | Input::Tick { .. }
                | Input::Stall { .. }
                | Input::Done { .. }
        ),
        Record::Decision(_) => false,
    }
}
