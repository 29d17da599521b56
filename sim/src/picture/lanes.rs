//! The lanes of a recording under way: what each record changes, by the names of the program that runs.

use std::collections::BTreeMap;

use campanile_core::decision::{Decision, EndWhy, SkipWhy, Source};
use campanile_core::id::{InputId, Level, RunId};
use campanile_core::input::{Input, Op};
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_delivery::symbols::Symbols;

use crate::picture::recording::{Lane, Run, Send, Track, value_at};
use crate::trace::words;

/// Lanes, and which of them the ids of the program stand for.
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    symbols: Symbols,
    inputs: Vec<usize>,
    sensors: Vec<usize>,
    variables: Vec<usize>,
    scenarios: Vec<usize>,
    outputs: Vec<usize>,
    messages: Vec<usize>,
    /// Runs that are not over: their lane and their place in it.
    runs: BTreeMap<RunId, (usize, usize)>,
    /// Before the range only the last value of each lane is kept.
    begun: bool,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            lanes: Vec::new(),
            symbols: Symbols::new(""),
            inputs: Vec::new(),
            sensors: Vec::new(),
            variables: Vec::new(),
            scenarios: Vec::new(),
            outputs: Vec::new(),
            messages: Vec::new(),
            runs: BTreeMap::new(),
            begun: false,
        }
    }
}

impl Lanes {
    /// The range has begun.
    pub(super) fn begin(&mut self) {
        self.begun = true;
    }

    /// Another program runs: its ids stand for these names from now on. What it has not is not known any more.
    pub(super) fn name(&mut self, at: u64, symbols: Symbols) {
        let track = |name: &str, track: Track| Lane { name: name.to_owned(), track };
        self.inputs = self.places(symbols.inputs.iter().map(|input| {
            track(&input.name, Track::Input { raw: Vec::new(), reported: Vec::new(), bounces: Vec::new() })
        }));
        self.sensors = self.places(symbols.sensors.iter().map(|sensor| {
            let (decimals, unit) = (sensor.decimals, sensor.unit.clone());
            track(&sensor.name, Track::Sensor { values: Vec::new(), decimals, unit })
        }));
        self.variables = self
            .places(symbols.variables.iter().map(|name| track(name, Track::Variable { values: Vec::new() })));
        self.scenarios = self.places(
            symbols
                .scenarios
                .iter()
                .map(|name| track(name, Track::Scenario { runs: Vec::new(), skips: Vec::new() })),
        );
        self.outputs = self.places(
            symbols.outputs.iter().map(|output| track(&output.name, Track::Output { levels: Vec::new() })),
        );
        self.messages = self.places(
            symbols.messages.iter().map(|message| track(&message.name, Track::Message { sends: Vec::new() })),
        );
        self.symbols = symbols;
        let known = [&self.inputs, &self.sensors, &self.variables, &self.outputs];
        let known: Vec<usize> = known.into_iter().flatten().copied().collect();
        for place in (0..self.lanes.len()).filter(|place| !known.contains(place)) {
            self.forget_lane(place, at);
        }
    }

    /// The places of lanes, which are made if they are new.
    fn places(&mut self, lanes: impl Iterator<Item = Lane>) -> Vec<usize> {
        lanes
            .map(|lane| {
                let same = |other: &Lane| other.name == lane.name && other.track.rank() == lane.track.rank();
                self.lanes.iter().position(same).unwrap_or_else(|| {
                    self.lanes.push(lane);
                    self.lanes.len() - 1
                })
            })
            .collect()
    }

    /// From now on nothing is known.
    pub(super) fn forget(&mut self, at: u64) {
        for place in 0..self.lanes.len() {
            self.forget_lane(place, at);
        }
        for (lane, run) in std::mem::take(&mut self.runs).into_values() {
            self.end(lane, run, at, true);
        }
    }

    fn forget_lane(&mut self, place: usize, at: u64) {
        let begun = self.begun;
        match &mut self.lanes[place].track {
            Track::Input { raw, reported, .. } => {
                change(raw, begun, at, None);
                change(reported, begun, at, None);
            }
            Track::Sensor { values, .. } | Track::Variable { values } => change(values, begun, at, None),
            Track::Output { levels } => change(levels, begun, at, None),
            Track::Scenario { .. } | Track::Message { .. } => {}
        }
    }

    /// Takes a record of the engine's.
    pub(super) fn take(&mut self, at: u64, record: &Record) {
        match record {
            Record::Input(input) => self.input(at, input),
            Record::Decision(decision) => self.decision(at, decision),
        }
    }

    fn input(&mut self, at: u64, input: &Input) {
        match *input {
            Input::Edge { input, level }
            | Input::Late { input, level, .. }
            | Input::Level { input, level, .. }
            | Input::Command { op: Op::Play { input, level }, .. } => self.raw(at, input, level),
            Input::Restore { item: Restore::Var { var, value } } => {
                self.number(self.variables.get(var.index()).copied(), at, Some(value));
            }
            _ => {}
        }
    }

    fn decision(&mut self, at: u64, decision: &Decision) {
        match *decision {
            Decision::Event { source: Source::Input { input }, value, bounces, .. } => {
                let begun = self.begun;
                let place = self.inputs.get(input.index()).copied();
                if let Some(Track::Input { reported, bounces: all, .. }) = self.track(place) {
                    change(reported, begun, at, value.map(|value| value != 0));
                    if bounces > 0 && begun {
                        all.push((at, bounces));
                    }
                }
            }
            Decision::Event { source: Source::Sensor { sensor }, value, .. } => {
                self.number(self.sensors.get(sensor.index()).copied(), at, value);
            }
            Decision::Let { var, value } => {
                self.number(self.variables.get(var.index()).copied(), at, Some(value));
            }
            Decision::Set { output, level, .. } => {
                let begun = self.begun;
                let place = self.outputs.get(output.index()).copied();
                if let Some(Track::Output { levels }) = self.track(place) {
                    change(levels, begun, at, Some(level.is_on()));
                }
            }
            Decision::Run { run, scenario, .. } => {
                // One that begins anew in its slot ends the one before.
                self.over(run, at, true);
                self.start(run, self.scenarios.get(scenario.index()).copied(), at);
            }
            Decision::End { run, why } => self.over(run, at, why != EndWhy::Done),
            Decision::Skip { scenario, why } if why != SkipWhy::Value && self.begun => {
                let place = self.scenarios.get(scenario.index()).copied();
                if let Some(Track::Scenario { skips, .. }) = self.track(place) {
                    skips.push(at);
                }
            }
            Decision::Send { template, values, .. } if self.begun => {
                let text = words::message(&self.symbols, template, &values).join("  ");
                let place = self.messages.get(template.index()).copied();
                if let Some(Track::Message { sends }) = self.track(place) {
                    sends.push(Send { at, text });
                }
            }
            _ => {}
        }
    }

    /// Takes an item of a checkpoint: news only where nothing was known.
    pub(super) fn restore(&mut self, at: u64, item: &Restore) {
        match *item {
            Restore::Input { input, raw, reported } => {
                let place = self.inputs.get(input.index()).copied();
                if let Some(Track::Input { raw: line, reported: said, .. }) = self.track(place) {
                    learn(line, at, raw.is_on());
                    learn(said, at, reported.is_on());
                }
            }
            Restore::Sensor { sensor, value: Some(value) } => {
                let place = self.sensors.get(sensor.index()).copied();
                if let Some(Track::Sensor { values, .. }) = self.track(place) {
                    learn(values, at, value);
                }
            }
            Restore::Var { var, value } => {
                let place = self.variables.get(var.index()).copied();
                if let Some(Track::Variable { values }) = self.track(place) {
                    learn(values, at, value);
                }
            }
            Restore::Output { output, level, .. } => {
                let place = self.outputs.get(output.index()).copied();
                if let Some(Track::Output { levels }) = self.track(place) {
                    learn(levels, at, level.is_on());
                }
            }
            Restore::Run { run, scenario, .. } if !self.runs.contains_key(&run) => {
                self.start(run, self.scenarios.get(scenario.index()).copied(), at);
            }
            _ => {}
        }
    }

    fn track(&mut self, place: Option<usize>) -> Option<&mut Track> {
        self.lanes.get_mut(place?).map(|lane| &mut lane.track)
    }

    fn raw(&mut self, at: u64, input: InputId, level: Level) {
        let begun = self.begun;
        let place = self.inputs.get(input.index()).copied();
        if let Some(Track::Input { raw, .. }) = self.track(place) {
            change(raw, begun, at, Some(level.is_on()));
        }
    }

    fn number(&mut self, place: Option<usize>, at: u64, value: Option<i32>) {
        let begun = self.begun;
        if let Some(Track::Sensor { values, .. } | Track::Variable { values }) = self.track(place) {
            change(values, begun, at, value);
        }
    }

    fn start(&mut self, run: RunId, place: Option<usize>, at: u64) {
        let Some(place) = place else { return };
        if let Some(Track::Scenario { runs, .. }) = self.track(Some(place)) {
            runs.push(Run { from: at, to: None, cut: false, slot: run.0 });
            let index = runs.len() - 1;
            self.runs.insert(run, (place, index));
        }
    }

    fn over(&mut self, run: RunId, at: u64, cut: bool) {
        if let Some((lane, run)) = self.runs.remove(&run) {
            self.end(lane, run, at, cut);
        }
    }

    fn end(&mut self, lane: usize, run: usize, at: u64, cut: bool) {
        if let Some(Track::Scenario { runs, .. }) = self.track(Some(lane))
            && let Some(run) = runs.get_mut(run)
        {
            (run.to, run.cut) = (Some(at), cut);
        }
    }

    /// The lanes in their order, with their times from `begin` on.
    pub(super) fn finish(mut self, begin: u64) -> Vec<Lane> {
        for lane in &mut self.lanes {
            match &mut lane.track {
                Track::Input { raw, reported, bounces } => {
                    shift(raw, begin);
                    shift(reported, begin);
                    bounces.iter_mut().for_each(|(at, _)| *at -= begin.min(*at));
                }
                Track::Sensor { values, .. } | Track::Variable { values } => shift(values, begin),
                Track::Output { levels } => shift(levels, begin),
                Track::Scenario { runs, skips } => {
                    runs.retain(|run| run.to.is_none_or(|to| to >= begin));
                    for run in runs {
                        run.from = run.from.saturating_sub(begin);
                        run.to = run.to.map(|to| to.saturating_sub(begin));
                    }
                    skips.iter_mut().for_each(|at| *at -= begin.min(*at));
                }
                Track::Message { sends } => sends.iter_mut().for_each(|send| send.at -= begin.min(send.at)),
            }
        }
        self.lanes.sort_by_key(|lane| lane.track.rank());
        self.lanes
    }
}

/// Adds a change, if it is one. Before the range the last one is enough.
fn change<T: Copy + PartialEq>(changes: &mut Vec<(u64, Option<T>)>, begun: bool, at: u64, value: Option<T>) {
    if changes.last().map_or_else(|| value.is_none(), |(_, last)| *last == value) {
        return;
    }
    if !begun {
        changes.clear();
    }
    changes.push((at, value));
}

/// Adds what was not known.
fn learn<T: Copy>(changes: &mut Vec<(u64, Option<T>)>, at: u64, value: T) {
    if value_at(changes, at).is_none() {
        changes.push((at, Some(value)));
    }
}

fn shift<T>(changes: &mut [(u64, Option<T>)], begin: u64) {
    changes.iter_mut().for_each(|(at, _)| *at = at.saturating_sub(begin));
}
