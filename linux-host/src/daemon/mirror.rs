//! The state of the house as its records tell it: what `status` shows without asking the loop.
//!
//! The journal's thread applies every record once it has it; whoever asks takes a copy. Counters begin with the start
//! of the daemon and do not wrap in its life.

use std::sync::Arc;

use campanile_core::decision::{By, Decision, FaultKind, ReplyResult, RunHow, Source};
use campanile_core::id::{InputId, Level, RunId, ScenarioId};
use campanile_core::input::{Input, Origin, OverrunWhy};
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::symbols::{self, Line, Symbols, number};
use campanile_sim::trace;

use crate::control::status::{
    InputStatus, Losses, OutputStatus, ScenarioStatus, SensorStatus, Status, VariableStatus,
};

/// Answers that came with the records taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// To whom.
    pub origin: Origin,
    /// Their number.
    pub id: u32,
    /// What became of it.
    pub result: ReplyResult,
}

/// Wall-clock time at a moment of the loop's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallMark {
    at: Instant,
    unix: i64,
    offset: i32,
    trusted: bool,
}

#[derive(Clone, Debug, Default)]
struct InputState {
    raw: Option<Level>,
    reported: Option<Level>,
    events: u64,
    edges: u64,
    bounces: u64,
    lost: u64,
    changed: Option<Instant>,
}

#[derive(Clone, Debug, Default)]
struct OutputState {
    level: Option<Level>,
    by: String,
    failed: bool,
    changed: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct SensorState {
    value: Option<i32>,
    changed: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct ScenarioState {
    runs: u64,
    skipped: u64,
    faults: u64,
    last: Option<Instant>,
}

/// The state of the house, up to the last record applied.
#[derive(Clone, Debug)]
pub struct Mirror {
    symbols: Arc<Symbols>,
    inputs: Vec<InputState>,
    outputs: Vec<OutputState>,
    sensors: Vec<SensorState>,
    variables: Vec<i32>,
    scenarios: Vec<ScenarioState>,
    /// Runs that are not over, by their slots.
    runs: Vec<(RunId, ScenarioId)>,
    wall: Option<WallMark>,
    losses: Losses,
}

impl Mirror {
    /// A house of which nothing is known but its names and the first values of its variables.
    pub fn new(symbols: Arc<Symbols>, initial: &[i32]) -> Self {
        let mut mirror = Self {
            inputs: Vec::new(),
            outputs: Vec::new(),
            sensors: Vec::new(),
            variables: Vec::new(),
            scenarios: Vec::new(),
            runs: Vec::new(),
            wall: None,
            losses: Losses::default(),
            symbols: symbols.clone(),
        };
        mirror.resize(&symbols, initial);
        mirror
    }

    fn resize(&mut self, symbols: &Symbols, initial: &[i32]) {
        self.inputs = vec![InputState::default(); symbols.inputs.len()];
        self.outputs = vec![OutputState::default(); symbols.outputs.len()];
        self.sensors = vec![SensorState::default(); symbols.sensors.len()];
        self.variables = (0..symbols.variables.len()).map(|i| initial.get(i).copied().unwrap_or(0)).collect();
        self.scenarios = vec![ScenarioState::default(); symbols.scenarios.len()];
    }

    /// Another program runs from now on: what both have keeps its state, as it does in the engine: lines by where they
    /// are, whatever they are called, all else by name.
    pub fn install(&mut self, symbols: Arc<Symbols>, initial: &[i32]) {
        let old = std::mem::replace(self, Self::new(symbols.clone(), initial));
        let kept = &old.symbols;
        for (new, input) in self.inputs.iter_mut().zip(&symbols.inputs) {
            let same = |other: &symbols::Input| other.board == input.board && other.line == input.line;
            if let Some(place) = kept.inputs.iter().position(same) {
                *new = old.inputs[place].clone();
            }
        }
        for (new, output) in self.outputs.iter_mut().zip(&symbols.outputs) {
            let same = |other: &symbols::Output| other.board == output.board && other.line == output.line;
            if let Some(place) = kept.outputs.iter().position(same) {
                *new = old.outputs[place].clone();
            }
        }
        for (new, sensor) in self.sensors.iter_mut().zip(&symbols.sensors) {
            if let Some(id) = kept.find_sensor(&sensor.name)
                && kept.sensors[id.index()].decimals == sensor.decimals
            {
                *new = old.sensors[id.index()];
            }
        }
        for (new, variable) in self.variables.iter_mut().zip(&symbols.variables) {
            if let Some(id) = kept.find_variable(variable) {
                *new = old.variables[id.index()];
            }
        }
        for (new, scenario) in self.scenarios.iter_mut().zip(&symbols.scenarios) {
            if let Some(id) = kept.find_scenario(scenario) {
                *new = old.scenarios[id.index()];
            }
        }
        let renamed = |(run, scenario): &(RunId, ScenarioId)| {
            Some((*run, symbols.find_scenario(kept.scenario(*scenario))?))
        };
        self.runs = old.runs.iter().filter_map(renamed).collect();
        (self.wall, self.losses) = (old.wall, old.losses);
    }

    /// Takes a record; gives the answer if it is one.
    pub fn apply(&mut self, at: Instant, record: &Record) -> Option<Answer> {
        match record {
            Record::Input(input) => {
                self.apply_input(at, input);
                None
            }
            Record::Decision(Decision::Reply { origin, id, result }) => {
                Some(Answer { origin: *origin, id: *id, result: *result })
            }
            Record::Decision(decision) => {
                self.apply_decision(at, decision);
                None
            }
        }
    }

    fn apply_input(&mut self, at: Instant, input: &Input) {
        match *input {
            Input::Edge { input, level } | Input::Late { input, level, .. } => {
                if let Some(state) = self.inputs.get_mut(input.index()) {
                    state.edges += 1;
                    state.raw = Some(level);
                }
            }
            Input::Level { input, level, .. } => {
                if let Some(state) = self.inputs.get_mut(input.index()) {
                    state.raw = Some(level);
                }
            }
            Input::Clock { unix, offset, trusted } => {
                self.wall = Some(WallMark { at, unix, offset, trusted })
            }
            Input::Done { output, ok } => {
                if let Some(state) = self.outputs.get_mut(output.index()) {
                    state.failed = !ok;
                }
            }
            Input::Overrun { input, lost, why } => self.lose(input, u64::from(lost), why),
            Input::Stall { .. } => self.losses.stalls += 1,
            Input::Restore { item } => self.restore(item),
            Input::Reading { .. }
            | Input::Command { .. }
            | Input::Tick { .. }
            | Input::Link { .. }
            | Input::Install { .. }
            | Input::Boot { .. }
            | Input::Stop {} => {}
        }
    }

    fn lose(&mut self, input: Option<InputId>, lost: u64, why: OverrunWhy) {
        *match why {
            OverrunWhy::Kernel => &mut self.losses.kernel,
            OverrunWhy::Queue => &mut self.losses.queue,
            OverrunWhy::Storm => &mut self.losses.storm,
        } += lost;
        if let Some(state) = input.and_then(|input| self.inputs.get_mut(input.index())) {
            state.lost += lost;
        }
    }

    fn restore(&mut self, item: Restore) {
        match item {
            Restore::Sensor { sensor, value } => {
                if let Some(state) = self.sensors.get_mut(sensor.index()) {
                    state.value = value;
                }
            }
            Restore::Var { var, value } => {
                if let Some(variable) = self.variables.get_mut(var.index()) {
                    *variable = value;
                }
            }
            _ => {}
        }
    }

    fn apply_decision(&mut self, at: Instant, decision: &Decision) {
        match *decision {
            Decision::Event { source: Source::Input { input }, value, onset_ago, bounces } => {
                if let Some(state) = self.inputs.get_mut(input.index()) {
                    let known = state.reported.is_some();
                    state.reported = value.map(|value| Level::from_bool(value != 0));
                    state.bounces += u64::from(bounces);
                    // The first only says how things are.
                    if known {
                        state.events += 1;
                        state.changed = Some(at.minus(onset_ago));
                    }
                }
            }
            Decision::Event { source: Source::Sensor { sensor }, value, .. } => {
                if let Some(state) = self.sensors.get_mut(sensor.index()) {
                    *state = SensorState { value, changed: Some(at) };
                }
            }
            Decision::Run { run, scenario, how, .. } => {
                self.runs.retain(|(slot, _)| *slot != run);
                self.runs.push((run, scenario));
                if let Some(state) =
                    self.scenarios.get_mut(scenario.index()).filter(|_| how != RunHow::Queued)
                {
                    state.runs += 1;
                    state.last = Some(at);
                }
            }
            Decision::Skip { scenario, .. } => {
                if let Some(state) = self.scenarios.get_mut(scenario.index()) {
                    state.skipped += 1;
                }
            }
            Decision::End { run, .. } => self.runs.retain(|(slot, _)| *slot != run),
            Decision::Set { output, level, by } => {
                let by = self.writer(by);
                if let Some(state) = self.outputs.get_mut(output.index()) {
                    state.level = Some(level);
                    state.by = by;
                    state.changed = Some(at);
                }
            }
            Decision::Let { var, value } => {
                if let Some(variable) = self.variables.get_mut(var.index()) {
                    *variable = value;
                }
            }
            Decision::Missed { n, .. } => self.losses.missed += u64::from(n),
            Decision::Fault { what, at } => self.fault(what, at),
            Decision::Send { .. }
            | Decision::Wait { .. }
            | Decision::TimedOut { .. }
            | Decision::Arm { .. }
            | Decision::Reply { .. } => {}
        }
    }

    fn fault(&mut self, what: FaultKind, at: u8) {
        self.losses.faults += 1;
        let of_scenario = matches!(
            what,
            FaultKind::DivisionByZero | FaultKind::Cascade | FaultKind::AgendaFull | FaultKind::TooManySteps
        );
        if let Some(state) = self.scenarios.get_mut(usize::from(at)).filter(|_| of_scenario) {
            state.faults += 1;
        }
        if let Some(state) = self.outputs.get_mut(usize::from(at)).filter(|_| what == FaultKind::OutputFailed)
        {
            state.failed = true;
        }
    }

    fn writer(&self, by: By) -> String {
        trace::writer(&self.symbols, by).unwrap_or("start").to_owned()
    }

    /// The reported level of an input.
    pub fn input(&self, input: InputId) -> Option<Level> {
        self.inputs.get(input.index())?.reported
    }

    /// The time of day at a moment of the loop's: microseconds since 1970, seconds ahead of UTC, whether it is trusted.
    pub fn wall(&self, at: Instant) -> Option<(i64, i32, bool)> {
        let mark = self.wall?;
        let since = |span: Duration| i64::try_from(span.micros()).unwrap_or(i64::MAX);
        let unix =
            mark.unix.saturating_add(since(at.since(mark.at))).saturating_sub(since(mark.at.since(at)));
        Some((unix, mark.offset, mark.trusted))
    }

    /// Edges and moments that were lost since the start.
    pub const fn lost(&self) -> u64 {
        let Losses { kernel, queue, storm, missed, .. } = self.losses;
        kernel + queue + storm + missed
    }

    /// The parts of the status that are in the records.
    pub fn fill(&self, status: &mut Status, now: Instant) {
        let ago = |at: Option<Instant>| at.map(|at| now.since(at).micros() as f64 / 1e6);
        let symbols = &self.symbols;
        status.node.clone_from(&symbols.node);
        status.losses = self.losses.clone();
        let inputs = self.inputs.iter().zip(&symbols.inputs).map(|(state, input)| InputStatus {
            name: input.name.clone(),
            line: place(&input.board, &input.line),
            value: state.reported.map(Into::into),
            raw: state.raw.map(Into::into),
            events: state.events,
            edges: state.edges,
            bounces: state.bounces,
            lost: state.lost,
            changed_s: ago(state.changed),
        });
        status.inputs = inputs.collect();
        let outputs = self.outputs.iter().zip(&symbols.outputs).map(|(state, output)| OutputStatus {
            name: output.name.clone(),
            line: place(&output.board, &output.line),
            value: state.level.map(Into::into),
            by: state.by.clone(),
            failed: state.failed,
            changed_s: ago(state.changed),
        });
        status.outputs = outputs.collect();
        let sensors = self.sensors.iter().zip(&symbols.sensors).map(|(state, sensor)| SensorStatus {
            name: sensor.name.clone(),
            value: state.value.map(|value| number(value, sensor.decimals)),
            unit: sensor.unit.clone(),
            changed_s: ago(state.changed),
        });
        status.sensors = sensors.collect();
        let variables = self.variables.iter().zip(&symbols.variables);
        status.variables =
            variables.map(|(value, name)| VariableStatus { name: name.clone(), value: *value }).collect();
        let running =
            |name: &String| self.runs.iter().filter(|(_, id)| symbols.scenario(*id) == name).count();
        let scenarios = self.scenarios.iter().zip(&symbols.scenarios).map(|(state, name)| ScenarioStatus {
            name: name.clone(),
            running: u32::try_from(running(name)).unwrap_or(u32::MAX),
            runs: state.runs,
            skipped: state.skipped,
            faults: state.faults,
            last_s: ago(state.last),
        });
        status.scenarios = scenarios.collect();
    }
}

fn place(board: &str, line: &Line) -> String {
    format!("{board} {line}")
}
