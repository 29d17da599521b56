//! The trace: one line for each record that a person would care about. The same text in `sim`, `demo`, `log` and the
//! console sink, so that a line seen in the field can be pasted into a case.
//!
//! A line is the time in seconds with six decimals, what happened, and details, in columns with two blanks between.
//! Times in details are on the same clock as the line's own.
//!
//! | record | line |
//! |---|---|
//! | Event of an input | `button on` · `onset T` if before the decision · `bounces N` if there were any |
//! | Event of a sensor | `tank = 41.5 cm`, `tank lost` |
//! | Run | `ring started`, `queued`, `restarted`, `resumed` · `by` trigger, scenario or `command` |
//! | Skip | `ring skipped` · `condition false`, `condition unknown` or `busy`; `value unknown` for a `let` in a run that goes on |
//! | End | `ring ended` · `by` `end`, `stop`, `fault`, `restart` or `swap` if before its time |
//! | Set | `chime on` · `by` scenario, `command`, `max-on`, `end of run`, `link`, `stop`, `swap` or `fault` |
//! | Let | `rings = 1` |
//! | Send | `doorbell sent` · the text · the data · `onset T` if before |
//! | Reply | `command refused`, `duplicate`, `expired`, `unknown` · `from` origin · `id N` |
//! | Missed | `every 5min missed 12` · `of` scenario |
//! | Fault | `fault division by zero` · `in ring`; others likewise |
//! | Command | `command set chime on`, `start ring`, `stop ring`, `let rings = 3`, `play button on` · `from` origin · `id N` |
//! | Level | `button reads on` · `after a gap`, or `at rest` if its last edge said otherwise |
//! | Overrun | `button lost 5` · `in the kernel`, `in the queue` or `in a storm`; of all inputs `inputs lost 5` |
//! | Stall | `stalled` · `until T` |
//! | Clock | `clock 2026-11-21 07:30:00 +01:00` · `trusted` or `not trusted`; the first that is trusted after a start, then each step of a second or more, each change of trust or offset |
//! | Done | `chime works again` |
//! | Link | `link home up`, `link home down` |
//! | Install | `program installed` |
//! | Boot | `boot 2` · `off T` or `off unknown`; the first of a node is not shown |
//! | Stop | `stop` |
//!
//! Not shown unless [`verbose`](Trace::verbose): raw edges (`button edge on`, · `late T`), readings, ticks, replies to
//! what was done, and the `Wait` and `Arm` of durable scenarios. Never shown: what only establishes the start, that is
//! the readings at the start with their first events (but those that show a change since the stop), outputs that take
//! their safe level there, and `Restore`.

#[cfg(test)]
mod tests;
pub(crate) mod words;

use std::fmt::{self, Write as _};

use campanile_core::calendar::local_fields;
use campanile_core::decision::{Decision, EndWhy, RunHow, Source};
use campanile_core::id::{InputId, Level, RunId, ScenarioId};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::symbols::Symbols;

pub use words::writer;

/// What happened stands in a column of this width; longer ones push the details aside.
const WIDTH: usize = 18;

/// Turns the records of one node into lines. It has to see all of them in their order, since an `End` names only its
/// run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    verbose: bool,
    /// Which scenario a run is of, by its slot.
    runs: Vec<(RunId, ScenarioId)>,
    /// What inputs were reported as before the start.
    before: Vec<(InputId, Level)>,
    /// Inputs that were read at the start: their next event says so. One bit each.
    read: u64,
    clock: Option<Clock>,
}

#[derive(Clone, Copy, Debug)]
struct Clock {
    at: Instant,
    unix: i64,
    offset: i32,
    trusted: bool,
}

impl Trace {
    /// A trace from the start of a journal or a simulation, or from anywhere: what was before is shown as `?`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows what the module lists as not shown.
    #[must_use]
    pub fn verbose(self) -> Self {
        Self { verbose: true, ..self }
    }

    /// The line of a record at `at`, without a line break; `None` if nobody would care.
    pub fn line(&mut self, at: Instant, record: &Record, symbols: &Symbols) -> Option<String> {
        let what = self.what(at, record, symbols)?;
        let mut line = String::with_capacity(what.len() + 24);
        // A string takes everything.
        let _ = write!(line, "{}  {what}", since_zero(at));
        Some(line)
    }

    /// The line without its time, for those who show another clock.
    pub fn what(&mut self, at: Instant, record: &Record, symbols: &Symbols) -> Option<String> {
        match record {
            Record::Input(input) => self.input(at, input, symbols),
            Record::Decision(decision) => self.decision(at, decision, symbols),
        }
        .map(|line| line.text)
    }

    fn input(&mut self, at: Instant, input: &Input, symbols: &Symbols) -> Option<Line> {
        match *input {
            Input::Edge { input, level } => self.if_verbose(|| {
                Line::new(format_args!("{} edge {}", symbols.input(input), words::level(level)))
            }),
            Input::Late { input, level, by } => self.if_verbose(|| {
                Line::new(format_args!("{} edge {}", symbols.input(input), words::level(level)))
                    .with(format_args!("late {}", Seconds(by)))
            }),
            Input::Level { input, why: LevelWhy::Start, .. } => {
                self.read |= bit(input);
                None
            }
            Input::Level { input, level, why } => Some(
                Line::new(format_args!("{} reads {}", symbols.input(input), words::level(level)))
                    .with(if why == LevelWhy::Gap { "after a gap" } else { "at rest" }),
            ),
            Input::Reading { sensor, value } => self
                .if_verbose(|| Line::new(format_args!("reading {}", words::sensor(symbols, sensor, value)))),
            Input::Command { origin, id, op } => Some(
                Line::new(format_args!("command {}", words::op(symbols, &op)))
                    .with(format_args!("from {}", words::origin(origin)))
                    .with(format_args!("id {id}")),
            ),
            Input::Tick { trigger } => {
                self.if_verbose(|| Line::new(format_args!("tick {}", symbols.trigger(trigger))))
            }
            Input::Clock { unix, offset, trusted } => self.clock(Clock { at, unix, offset, trusted }),
            Input::Done { output, ok: true } => {
                Some(Line::new(format_args!("{} works again", symbols.output(output))))
            }
            // The fault says so.
            Input::Done { output, ok: false } => {
                self.if_verbose(|| Line::new(format_args!("{} refused", symbols.output(output))))
            }
            Input::Overrun { input, lost, why } => {
                let who = input.map_or("inputs", |input| symbols.input(input));
                Some(Line::new(format_args!("{who} lost {lost}")).with(words::lost(why)))
            }
            Input::Stall { until } => {
                Some(Line::new("stalled").with(format_args!("until {}", seconds(until))))
            }
            Input::Link { peer, up } => Some(Line::new(format_args!(
                "link {} {}",
                symbols.peer(peer),
                if up { "up" } else { "down" }
            ))),
            Input::Install { .. } => Some(Line::new("program installed")),
            Input::Boot { boot, off, .. } => {
                *self = Self { verbose: self.verbose, ..Self::default() };
                let count = boot >> 32;
                let off = off.map_or_else(|| "off unknown".to_owned(), |off| format!("off {}", Seconds(off)));
                (count > 1 || self.verbose).then(|| Line::new(format_args!("boot {count}")).with(off))
            }
            Input::Restore { item } => {
                match item {
                    Restore::Input { input, reported, .. } => self.before.push((input, reported)),
                    Restore::Run { run, scenario, .. } => self.remember(run, scenario),
                    _ => {}
                }
                None
            }
            Input::Stop {} => Some(Line::new("stop")),
        }
    }

    fn decision(&mut self, at: Instant, decision: &Decision, symbols: &Symbols) -> Option<Line> {
        match *decision {
            Decision::Event { source: Source::Input { input }, value, onset_ago, bounces } => {
                let level = Level::from_bool(value.is_some_and(|value| value != 0));
                let line = Line::new(format_args!("{} {}", symbols.input(input), words::level(level)));
                let line = line.onset(at, onset_ago);
                let line = if bounces > 0 { line.with(format_args!("bounces {bounces}")) } else { line };
                (!self.is_old(input, level)).then_some(line)
            }
            Decision::Event { source: Source::Sensor { sensor }, value, .. } => {
                Some(Line::new(words::sensor(symbols, sensor, value)))
            }
            Decision::Run { run, scenario, cause, how, .. } => {
                self.remember(run, scenario);
                let how = match how {
                    RunHow::Started => "started",
                    RunHow::Queued => "queued",
                    RunHow::Restarted => "restarted",
                    RunHow::Resumed => "resumed",
                };
                Some(
                    Line::new(format_args!("{} {how}", symbols.scenario(scenario)))
                        .with(format_args!("by {}", words::cause(symbols, cause))),
                )
            }
            Decision::Skip { scenario, why } => {
                Some(Line::new(format_args!("{} skipped", symbols.scenario(scenario))).with(words::skip(why)))
            }
            Decision::Wait { run, left, .. } => self.if_verbose(|| {
                let line = Line::new(format_args!("{} waits", self.of_run(run, symbols)));
                left.map(|left| format!("for {}", Seconds(left))).into_iter().fold(line, Line::with)
            }),
            Decision::TimedOut { run, timed_out } => self.if_verbose(|| {
                let how = if timed_out { "waited in vain" } else { "has waited" };
                Line::new(format_args!("{} {how}", self.of_run(run, symbols)))
            }),
            Decision::End { run, why } => {
                let line = Line::new(format_args!("{} ended", self.of_run(run, symbols)));
                Some(match why {
                    EndWhy::Done => line,
                    why => line.with(format_args!("by {}", words::end(why))),
                })
            }
            Decision::Set { output, level, by } => writer(symbols, by).map(|by| {
                Line::new(format_args!("{} {}", symbols.output(output), words::level(level)))
                    .with(format_args!("by {by}"))
            }),
            Decision::Let { var, value } => {
                Some(Line::new(format_args!("{} = {value}", symbols.variable(var))))
            }
            Decision::Send { template, values, onset_ago } => {
                let line = Line::new(format_args!("{} sent", symbols.message(template)));
                Some(
                    words::message(symbols, template, &values)
                        .into_iter()
                        .fold(line, Line::with)
                        .onset(at, onset_ago),
                )
            }
            Decision::Reply { origin, id, result } => {
                let line = Line::new(format_args!("command {}", words::reply(result)))
                    .with(format_args!("from {}", words::origin(origin)))
                    .with(format_args!("id {id}"));
                (self.verbose || words::is_bad(result)).then_some(line)
            }
            Decision::Missed { trigger, n } => {
                let scenario = symbols.triggers.get(trigger.index()).map(|trigger| trigger.scenario);
                let line = Line::new(format_args!("{} missed {n}", symbols.trigger(trigger)));
                Some(
                    scenario
                        .map(|scenario| format!("of {}", symbols.scenario(scenario)))
                        .into_iter()
                        .fold(line, Line::with),
                )
            }
            Decision::Arm { trigger, left } => self.if_verbose(|| {
                let line = Line::new(format_args!("{} armed", symbols.trigger(trigger)));
                line.with(left.map_or_else(|| "no more".to_owned(), |left| format!("for {}", Seconds(left))))
            }),
            Decision::Fault { what, at } => {
                let (what, place) = words::fault(symbols, what, at);
                Some(Line::new(format_args!("fault {what}")).with(place))
            }
        }
    }

    fn clock(&mut self, new: Clock) -> Option<Line> {
        let old = self.clock.replace(new);
        let news = old.map_or(new.trusted, |old| {
            let predicted = old.unix.saturating_add_unsigned(new.at.since(old.at).micros());
            let stepped = new.unix.abs_diff(predicted) >= Duration::from_secs(1).micros();
            old.trusted != new.trusted || new.trusted && (stepped || old.offset != new.offset)
        });
        (news || self.verbose).then(|| {
            let trust = if new.trusted { "trusted" } else { "not trusted" };
            Line::new(format_args!("clock {}", local(new.unix, new.offset))).with(trust)
        })
    }

    /// Whether the first event of an input at a start only says what was known, or that it is known now. An input
    /// that changed while nobody looked is news.
    fn is_old(&mut self, input: InputId, level: Level) -> bool {
        let was_read = self.read & bit(input) != 0;
        self.read &= !bit(input);
        let before = self.before.iter().find(|(known, _)| *known == input);
        was_read && before.is_none_or(|(_, before)| *before == level)
    }

    fn remember(&mut self, run: RunId, scenario: ScenarioId) {
        self.runs.retain(|(known, _)| *known != run);
        self.runs.push((run, scenario));
    }

    pub(crate) fn of_run<'a>(&self, run: RunId, symbols: &'a Symbols) -> &'a str {
        let scenario = self.runs.iter().find(|(known, _)| *known == run);
        scenario.map_or("?", |(_, scenario)| symbols.scenario(*scenario))
    }

    fn if_verbose(&self, line: impl FnOnce() -> Line) -> Option<Line> {
        self.verbose.then(line)
    }
}

const fn bit(input: InputId) -> u64 {
    1u64.wrapping_shl(input.0 as u32)
}

/// A line in the making; made for each record of a simulated year, so it is written into one buffer.
struct Line {
    text: String,
    detailed: bool,
}

impl Line {
    fn new(what: impl fmt::Display) -> Self {
        let mut line = Self { text: String::with_capacity(96), detailed: false };
        line.add(what);
        line
    }

    fn with(mut self, detail: impl fmt::Display) -> Self {
        if !std::mem::replace(&mut self.detailed, true) {
            let blanks = WIDTH.saturating_sub(self.text.chars().count());
            self.text.extend(std::iter::repeat_n(' ', blanks));
        }
        self.text.push_str("  ");
        self.add(detail);
        self
    }

    fn onset(self, at: Instant, ago: Duration) -> Self {
        if ago.is_zero() { self } else { self.with(format_args!("onset {}", since_zero(at.minus(ago)))) }
    }

    fn add(&mut self, what: impl fmt::Display) {
        // A string takes everything.
        let _ = write!(self.text, "{what}");
    }
}

/// A point in time as a trace shows it.
#[must_use]
pub fn seconds(at: Instant) -> String {
    since_zero(at).to_string()
}

const fn since_zero(at: Instant) -> Seconds {
    Seconds(Duration::from_micros(at.micros()))
}

/// A span in seconds, to the microsecond.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0.micros() / 1_000_000, self.0.micros() % 1_000_000)
    }
}

/// Wall-clock time with its offset from UTC, as a trace and a picture show it.
pub(crate) fn local(unix: i64, offset: i32) -> String {
    let time = local_fields(unix.div_euclid(1_000_000).saturating_add(i64::from(offset)));
    let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs() / 60);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} {sign}{:02}:{:02}",
        time.year,
        time.month,
        time.day,
        time.hour,
        time.minute,
        time.second,
        minutes / 60,
        minutes % 60
    )
}
