//! Two programs side by side: how often each did what, and the first moments at which they differ.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use campanile_core::decision::{By, Decision, EndWhy, SafetyWhy, SkipWhy, Source};
use campanile_core::id::{Level, OutputId};
use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::symbols::Symbols;

use crate::replay::place::Place;
use crate::trace::Trace;

/// What is counted, in the order in which it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    /// Reports of an input.
    InputReports,
    /// Reports of a sensor.
    SensorReports,
    /// Runs of a scenario.
    Runs,
    /// Occurrences that started no run.
    Skips,
    /// Runs that ended before their time.
    CutRuns,
    /// How often an output was switched on.
    SwitchedOn,
    /// How long an output was on, microseconds.
    OnFor,
    /// The level of an output at the end: 0 or 1.
    Level,
    /// Messages.
    Sends,
    /// Writes of a variable.
    Writes,
    /// The value of a variable at the end.
    Value,
    /// Faults.
    Faults,
}

impl Count {
    /// What kind of thing is counted, and what of it.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::InputReports => ("input", "reports"),
            Self::SensorReports => ("sensor", "reports"),
            Self::Runs => ("scenario", "runs"),
            Self::Skips => ("scenario", "skipped"),
            Self::CutRuns => ("scenario", "ended early"),
            Self::SwitchedOn => ("output", "switched on"),
            Self::OnFor => ("output", "on for"),
            Self::Level => ("output", "at the end"),
            Self::Sends => ("message", "sent"),
            Self::Writes => ("variable", "written"),
            Self::Value => ("variable", "at the end"),
            Self::Faults => ("node", "faults"),
        }
    }

    /// What it is a number of.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::OnFor => Unit::Microseconds,
            Self::Level => Unit::Level,
            _ => Unit::One,
        }
    }
}

/// What a count is a number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Times, or whatever a variable counts.
    One,
    /// Microseconds.
    Microseconds,
    /// A level: 0 is off, 1 is on.
    Level,
}

/// One count of both programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is counted.
    pub count: Count,
    /// Of which thing; empty for the node.
    pub name: String,
    /// In the journal.
    pub journal: i64,
    /// With the other program.
    pub other: i64,
}

/// A moment at which the programs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Place,
    /// What only the journal has, as lines of a trace without their times.
    pub journal: Vec<String>,
    /// What only the other program did.
    pub other: Vec<String>,
}

/// One of the two programs: what it did that has not been compared yet.
#[derive(Default)]
pub(super) struct Side {
    trace: Trace,
    counts: BTreeMap<(Count, String), i64>,
    /// What variables and outputs are, as far as it is known.
    state: BTreeMap<(Count, String), i64>,
    /// Outputs that are on, since when.
    on: BTreeMap<String, Instant>,
    /// Decisions by their times.
    lines: VecDeque<(Instant, String)>,
}

impl Side {
    /// Takes a record; `counts`: it is a part of the comparison.
    pub(super) fn take(&mut self, at: Instant, record: &Record, symbols: &Symbols, counts: bool) {
        let line = self.trace.what(at, record, symbols);
        let decision = match record {
            Record::Decision(decision) => decision,
            Record::Input(input) => {
                if let Input::Restore { item: Restore::Var { var, value } } = *input {
                    self.is_now(Count::Value, symbols.variable(var), value);
                }
                return;
            }
        };
        match *decision {
            Decision::Set { output, level, .. } => {
                self.set(at, symbols, output, level.is_on(), counts);
                self.is_now(Count::Level, symbols.output(output), level.is_on());
            }
            Decision::Let { var, value } => self.is_now(Count::Value, symbols.variable(var), value),
            _ => {}
        }
        if !counts {
            return;
        }
        // What a start finds as it was is no report.
        let is_news = line.is_some() || !matches!(decision, Decision::Event { .. });
        if let Some((count, name)) = counted(decision, symbols, &self.trace).filter(|_| is_news) {
            *self.counts.entry((count, name)).or_default() += 1;
        }
        if let Some(line) = line {
            self.lines.push_back((at, line));
        }
    }

    fn set(&mut self, at: Instant, symbols: &Symbols, output: OutputId, on: bool, counts: bool) {
        let name = symbols.output(output).to_owned();
        match (on, self.on.remove(&name)) {
            (true, Some(since)) => {
                self.on.insert(name, since);
            }
            (true, None) => {
                if counts {
                    *self.counts.entry((Count::SwitchedOn, name.clone())).or_default() += 1;
                }
                self.on.insert(name, at);
            }
            (false, since) => {
                if let Some(since) = since.filter(|_| counts) {
                    *self.counts.entry((Count::OnFor, name)).or_default() += micros(at.since(since));
                }
            }
        }
    }

    fn is_now(&mut self, count: Count, name: &str, value: impl Into<i64>) {
        self.state.insert((count, name.to_owned()), value.into());
    }

    /// Learns what a variable or an output is, or what runs, from an item of a checkpoint.
    pub(super) fn learn(&mut self, item: Restore, symbols: &Symbols) {
        match item {
            Restore::Var { var, value } => self.is_now(Count::Value, symbols.variable(var), value),
            Restore::Output { output, level, .. } => {
                self.is_now(Count::Level, symbols.output(output), level.is_on());
            }
            // It may go on, and is called by its name when it ends.
            Restore::Run { .. } => {
                let _ = self.trace.what(Instant::ZERO, &Record::Input(Input::Restore { item }), symbols);
            }
            _ => {}
        }
    }

    /// Takes an item of a checkpoint with which it begins.
    pub(super) fn restore(&mut self, at: Instant, item: Restore, symbols: &Symbols) {
        let _ = self.trace.what(at, &Record::Input(Input::Restore { item }), symbols);
        self.learn(item, symbols);
        if let Restore::Output { output, level: Level::On, .. } = item {
            self.on.insert(symbols.output(output).to_owned(), at);
        }
    }

    /// Takes over what is on. What its variables and outputs are it says itself.
    pub(super) fn begin_as(&mut self, before: &Self, symbols: &Symbols) {
        self.state.clear();
        self.on = before.on.clone();
        self.on.retain(|name, _| symbols.find_output(name).is_some());
    }

    /// Its clock begins anew, or the comparison ends: what is on was on until here.
    pub(super) fn close(&mut self, at: Instant) {
        for (name, since) in std::mem::take(&mut self.on) {
            *self.counts.entry((Count::OnFor, name)).or_default() += micros(at.since(since));
        }
    }

    /// What it did at its first moment before `until`.
    fn first(&self, until: Instant) -> Option<Instant> {
        self.lines.front().map(|(at, _)| *at).filter(|at| *at < until)
    }

    fn take_moment(&mut self, at: Instant) -> Vec<String> {
        let mut lines = Vec::new();
        while self.lines.front().is_some_and(|(time, _)| *time == at) {
            lines.extend(self.lines.pop_front().map(|(_, line)| line));
        }
        lines
    }
}

/// What a decision counts as.
fn counted(decision: &Decision, symbols: &Symbols, trace: &Trace) -> Option<(Count, String)> {
    let (count, name) = match *decision {
        Decision::Event { source: Source::Input { input }, .. } => {
            (Count::InputReports, symbols.input(input))
        }
        Decision::Event { source: Source::Sensor { sensor }, .. } => {
            (Count::SensorReports, symbols.sensor(sensor))
        }
        Decision::Run { scenario, .. } => (Count::Runs, symbols.scenario(scenario)),
        Decision::Skip { scenario, why } if why != SkipWhy::Value => {
            (Count::Skips, symbols.scenario(scenario))
        }
        Decision::End { run, why } if why != EndWhy::Done => (Count::CutRuns, trace.of_run(run, symbols)),
        Decision::Let { var, .. } => (Count::Writes, symbols.variable(var)),
        Decision::Send { template, .. } => (Count::Sends, symbols.message(template)),
        Decision::Fault { .. } => (Count::Faults, ""),
        _ => return None,
    };
    Some((count, name.to_owned()))
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.micros()).unwrap_or(i64::MAX)
}

/// What was compared so far.
#[derive(Default)]
pub(super) struct Tally {
    /// So many moments are kept.
    pub(super) most: usize,
    pub(super) journal: Side,
    pub(super) other: Side,
    pub(super) moments: Vec<Moment>,
    pub(super) differing: u64,
}

impl Tally {
    /// Compares the moments before a time; `place` is one of the same start.
    pub(super) fn compare_before(&mut self, until: Instant, place: Place) {
        while let Some(at) = [self.journal.first(until), self.other.first(until)].into_iter().flatten().min()
        {
            let moment = self.take_moment(Place { time: at, ..place });
            if !moment.journal.is_empty() || !moment.other.is_empty() {
                self.keep(moment);
            }
        }
    }

    /// Compares what there is up to the last record before a cut, which may be in the middle of a moment: what else the
    /// other program did then is no difference.
    pub(super) fn compare_to_end(&mut self, last: Place) {
        self.compare_before(last.time, last);
        let moment = self.take_moment(last);
        if !moment.journal.is_empty() {
            self.keep(moment);
        }
        self.compare_before(Instant::NEVER, last);
    }

    /// What only one of both did at a moment.
    fn take_moment(&mut self, at: Place) -> Moment {
        let (mut journal, mut other) = (self.journal.take_moment(at.time), self.other.take_moment(at.time));
        journal.retain(|line| match other.iter().position(|same| same == line) {
            Some(same) => {
                other.remove(same);
                false
            }
            None => true,
        });
        Moment { at, journal, other }
    }

    fn keep(&mut self, moment: Moment) {
        self.differing += 1;
        if self.moments.len() < self.most {
            self.moments.push(moment);
        }
    }

    /// The counts, and what a thing is at the end if it is not the same, or if it was counted at all.
    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |(count, name): &(Count, String), journal, other| Row {
            count: *count,
            name: name.clone(),
            journal,
            other,
        };
        let keys: BTreeSet<_> = self.journal.counts.keys().chain(self.other.counts.keys()).collect();
        let value = |side: &Side, key| side.counts.get(key).copied().unwrap_or(0);
        let mut rows: Vec<Row> =
            keys.iter().map(|key| row(key, value(&self.journal, key), value(&self.other, key))).collect();
        let is_counted = |(count, name): &(Count, String)| {
            keys.iter().any(|(other, of)| other.words().0 == count.words().0 && of == name)
        };
        for (key, journal) in &self.journal.state {
            if let Some(other) =
                self.other.state.get(key).filter(|other| *other != journal || is_counted(key))
            {
                rows.push(row(key, *journal, *other));
            }
        }
        rows.sort_by(|a, b| (a.count, &a.name).cmp(&(b.count, &b.name)));
        rows
    }
}

/// Whether a decision is only what a start does by itself.
pub(super) const fn is_of_start(decision: &Decision) -> bool {
    matches!(decision, Decision::Set { by: By::Safety { why: SafetyWhy::Start }, .. })
}
