//! The story that the demo tells, from the records of the journal and the lines of the receiver: no figure in it is
//! made up. An *episode* is a burst of raw edges on one line and what came of it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use campanile_core::decision::{Decision, RunHow, Source};
use campanile_core::id::{InputId, Level};
use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::symbols::Symbols;
use serde_json::Value;

use super::paint::{Ink, Paint};
use super::scope::{Glyphs, Trace};

/// After the decision and so much quiet an episode is told.
const QUIET: Duration = Duration::from_millis(25);
/// An episode without a decision is told after so much quiet: nothing waits longer for one.
const UNDECIDED: Duration = Duration::from_millis(120);
/// Lines that the receiver got are told so much later at the latest, several in one.
const GATHER: Duration = Duration::from_millis(40);

/// What happened, in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Raw edges of all inputs.
    pub edges: u64,
    /// Debounced changes, without those that only establish the start.
    pub events: u64,
    /// Bursts that decided nothing.
    pub ignored: u64,
    /// Runs of scenarios.
    pub runs: u64,
    /// Messages that scenarios sent.
    pub messages: u64,
    /// Records that a receiver has to get.
    pub due: u64,
    /// Lines that the receiver got.
    pub delivered: u64,
    /// Edges and records that were lost.
    pub lost: u64,
    /// The slowest decision on a press of the button, from the first touch.
    pub slowest_press: Duration,
}

/// Tells it.
#[derive(Debug)]
pub struct Story<'a> {
    symbols: &'a Symbols,
    glyphs: Glyphs,
    paint: Paint,
    began: Instant,
    /// What one would see, until the edges of it come.
    said: Vec<(Instant, String)>,
    open: BTreeMap<InputId, Episode>,
    /// What scenarios did outside of any episode.
    later: Vec<String>,
    /// What the receiver got and nobody has told yet.
    got: Vec<String>,
    got_since: Option<Instant>,
    shown_example: bool,
    first: u64,
    /// The states that no record told at the start are due.
    states_told: bool,
    /// What happened so far.
    pub totals: Totals,
}

#[derive(Debug)]
struct Episode {
    began: Instant,
    last: Instant,
    said: Option<String>,
    edges: Vec<(u64, bool)>,
    decided: Option<(Instant, Level)>,
    did: Vec<String>,
}

impl<'a> Story<'a> {
    /// Begins at `began`, in the time of the records.
    pub const fn new(symbols: &'a Symbols, glyphs: Glyphs, paint: Paint, began: Instant) -> Self {
        Self {
            symbols,
            glyphs,
            paint,
            began,
            said: Vec::new(),
            open: BTreeMap::new(),
            later: Vec::new(),
            got: Vec::new(),
            got_since: None,
            shown_example: false,
            first: 0,
            states_told: false,
            totals: Totals {
                edges: 0,
                events: 0,
                ignored: 0,
                runs: 0,
                messages: 0,
                due: 0,
                delivered: 0,
                lost: 0,
                slowest_press: Duration::ZERO,
            },
        }
    }

    /// What one would see at that moment.
    pub fn say(&mut self, at: Instant, text: &str) {
        self.said.push((at, text.to_owned()));
    }

    /// A record of the journal.
    pub fn record(&mut self, at: Instant, record: &Record) {
        match *record {
            Record::Input(Input::Edge { input, level } | Input::Late { input, level, .. }) => {
                self.edge(at, input, level)
            }
            // The first event of each input only says how it was found.
            Record::Input(Input::Level { input, why: campanile_core::input::LevelWhy::Start, .. }) => {
                self.first |= 1 << input.0;
            }
            Record::Input(Input::Overrun { lost, .. }) => {
                self.totals.lost += u64::from(lost);
                self.totals.due += 1;
            }
            Record::Input(Input::Stall { .. }) => self.totals.due += 1,
            Record::Input(_) => {}
            Record::Decision(decision) => self.decision(at, decision),
        }
    }

    /// A record of the host's own; whether a receiver has to get it.
    pub const fn word(&mut self, due: bool) {
        if due {
            self.totals.due += 1;
        }
    }

    /// A checkpoint. From the first one of a start a receiver learns what no record has said: variables and sensors.
    pub const fn checkpoint(&mut self) {
        if !self.states_told {
            self.states_told = true;
            self.totals.due += (self.symbols.variables.len() + self.symbols.sensors.len()) as u64;
        }
    }

    /// Whether everything is told, and the receiver has got all that it should.
    pub fn is_told(&self) -> bool {
        self.open.is_empty()
            && self.later.is_empty()
            && self.got.is_empty()
            && self.totals.delivered >= self.totals.due
    }

    /// A line of the receiver.
    pub fn delivered(&mut self, now: Instant, line: &str) {
        self.totals.delivered += 1;
        self.got.push(line.to_owned());
        self.got_since.get_or_insert(now);
    }

    /// What there is to tell by now.
    pub fn tell(&mut self, now: Instant) -> Vec<String> {
        let mut lines = Vec::new();
        let ripe = |episode: &Episode| {
            let quiet = now.since(episode.last);
            quiet >= if episode.decided.is_some() { QUIET } else { UNDECIDED }
        };
        let done: Vec<InputId> =
            self.open.iter().filter(|(_, episode)| ripe(episode)).map(|(id, _)| *id).collect();
        for input in done {
            if let Some(episode) = self.open.remove(&input) {
                self.tell_episode(input, &episode, &mut lines);
            }
        }
        if self.open.is_empty() {
            if !self.later.is_empty() {
                let later = std::mem::take(&mut self.later).join(self.glyphs.dot());
                lines.push(self.row(Ink::Scenario, "scenario", &later));
            }
            if self.got_since.is_some_and(|since| now.since(since) >= GATHER) {
                if self.totals.edges == 0 {
                    self.head(now, "the house starts: receivers learn every state", &mut lines);
                }
                self.tell_delivered(&mut lines);
            }
        }
        lines
    }

    fn edge(&mut self, at: Instant, input: InputId, level: Level) {
        self.totals.edges += 1;
        let episode = self.open.entry(input).or_insert_with(|| Episode {
            began: at,
            last: at,
            said: self.said.pop_if(|(when, _)| *when <= at).map(|(_, text)| text),
            edges: Vec::new(),
            decided: None,
            did: Vec::new(),
        });
        episode.last = at;
        episode.edges.push((at.since(episode.began).micros(), level.is_on()));
    }

    fn decision(&mut self, at: Instant, decision: Decision) {
        let symbols = self.symbols;
        let did = match decision {
            Decision::Event { source: Source::Input { input }, value, .. } => {
                self.totals.due += 1;
                let bit = 1 << input.0;
                if self.first & bit != 0 {
                    self.first &= !bit;
                    return;
                }
                self.totals.events += 1;
                if let Some(episode) = self.open.get_mut(&input) {
                    episode.decided = Some((at, Level::from_bool(value == Some(1))));
                    episode.last = at;
                    if value == Some(1) && symbols.input(input) == "button" {
                        self.totals.slowest_press = self.totals.slowest_press.max(at.since(episode.began));
                    }
                }
                return;
            }
            Decision::Event { .. } => {
                self.totals.due += 1;
                return;
            }
            Decision::Run { scenario, how, .. } => {
                self.totals.runs += 1;
                let how = match how {
                    RunHow::Started => "started",
                    RunHow::Queued => "queued",
                    RunHow::Restarted => "began anew",
                    RunHow::Resumed => "went on",
                };
                format!("{} {how}", symbols.scenario(scenario))
            }
            Decision::Set { output, level, by } => {
                self.totals.due += 1;
                if matches!(
                    by,
                    campanile_core::decision::By::Safety { why: campanile_core::decision::SafetyWhy::Start }
                ) {
                    return;
                }
                format!("{} {}", symbols.output(output), if level.is_on() { "on" } else { "off" })
            }
            Decision::Let { var, value } => {
                self.totals.due += 1;
                format!("{} = {value}", symbols.variable(var))
            }
            Decision::Send { template, values, .. } => {
                self.totals.due += 1;
                self.totals.messages += 1;
                let message = symbols.messages.get(template.index());
                let text = message.and_then(|message| message.text(values.as_slice())).unwrap_or_default();
                format!("says \"{text}\"")
            }
            Decision::Missed { .. } | Decision::Fault { .. } => {
                self.totals.due += 1;
                return;
            }
            _ => return,
        };
        // What follows a decision belongs to it, as long as its episode is not told.
        match self
            .open
            .values_mut()
            .filter(|episode| episode.decided.is_some())
            .max_by_key(|episode| episode.began)
        {
            Some(episode) => episode.did.push(did),
            None => self.later.push(did),
        }
    }

    fn tell_episode(&mut self, input: InputId, episode: &Episode, lines: &mut Vec<String>) {
        let name = self.symbols.input(input);
        let text = episode.said.clone().unwrap_or_else(|| format!("{name} moves"));
        self.head(episode.began, &text, lines);
        let trace = Trace::draw(&episode.edges, self.glyphs);
        let span = episode.edges.last().map_or(0, |(at, _)| *at);
        let edges = episode.edges.len();
        let how = if edges == 1 { "1 edge".to_owned() } else { format!("{edges} edges in {}", ms(span)) };
        lines.push(self.row(Ink::Pin, "pin", &format!("{}  {how}", trace.line)));
        let verdict = match episode.decided {
            Some((at, level)) => {
                let after = at.since(episode.began).micros();
                let level = if level.is_on() { "on" } else { "off" };
                let bounces = match edges - 1 {
                    0 => String::new(),
                    1 => ", 1 bounce suppressed".to_owned(),
                    n => format!(", {n} bounces suppressed"),
                };
                trace.mark(after, self.glyphs, &format!("{name} {level} after {}{bounces}", ms(after)))
            }
            None => {
                self.totals.ignored += 1;
                "too short to be meant: ignored".to_owned()
            }
        };
        lines.push(self.row(Ink::Debounce, "debounce", &verdict));
        if !episode.did.is_empty() {
            lines.push(self.row(Ink::Scenario, "scenario", &episode.did.join(self.glyphs.dot())));
        }
        if self.open.is_empty() {
            self.tell_delivered(lines);
        }
    }

    fn head(&self, at: Instant, text: &str, lines: &mut Vec<String>) {
        let time = at.since(self.began).micros() as f64 / 1e6;
        lines.push(String::new());
        let time = self.paint.ink(Ink::Dim, &format!("{time:6.2} s"));
        lines.push(format!("{time} {}", self.paint.ink(Ink::Bold, text)));
    }

    fn tell_delivered(&mut self, lines: &mut Vec<String>) {
        self.got_since = None;
        let got = std::mem::take(&mut self.got);
        if got.is_empty() {
            return;
        }
        let short: Vec<_> = got.iter().map(|line| shorten(line)).collect();
        lines.push(self.row(Ink::Delivered, "delivered", &short.join(self.glyphs.dot())));
        // Once, what a receiver really reads: of something that happened, not of how things were found.
        let example = got.iter().find(|line| line.contains("\"bounces\""));
        if let Some(example) = example.filter(|_| !self.shown_example && self.totals.events > 0) {
            self.shown_example = true;
            lines.push(format!("             {}", self.paint.ink(Ink::Dim, example)));
        }
    }

    fn row(&self, ink: Ink, what: &str, text: &str) -> String {
        format!("  {} {}", self.paint.ink(Ink::Dim, &format!("{what:<10}")), self.paint.ink(ink, text))
    }
}

fn ms(us: u64) -> String {
    format!("{:.1} ms", us as f64 / 1e3)
}

/// `input/button on` of a line of the receiver.
fn shorten(line: &str) -> String {
    let object: Value = serde_json::from_str(line).unwrap_or_default();
    let topic = object["topic"].as_str().unwrap_or("?");
    let topic = topic.splitn(3, '/').nth(2).unwrap_or(topic);
    match &object["value"] {
        _ if topic.starts_with("message/") => topic.to_owned(),
        Value::String(value) => format!("{topic} {value}"),
        value => format!("{topic} {value}"),
    }
}
