//! Names to ids: the tables of a house, each name once, each line once.

use std::collections::HashMap;
use std::ops::Range;

use campanile_core::id::{InputId, MessageId, OutputId, PeerId, ScenarioId, SensorId, VarId};
use campanile_core::program::image::Counts;
use campanile_core::program::verify::Room;
use campanile_core::program::{InputDef, OutputDef, SensorDef, VarDef};
use campanile_core::time::Duration;
use campanile_delivery::symbols::{self, Drive, Line, Symbols};

use super::super::expr::{Named, Names, suggestion_of_line};
use super::super::file::{Board, House};
use super::super::read::{At, Entries, Report, suggestion};
use super::super::scalar::check_name;
use super::super::source::Diagnostic;
use super::hash;
use super::lines::{Lines, ONLY_BOARD};
use super::room::{Gauge, SHARE};

/// Stands in for a sensor's `decimals` that are wrong: most numbers fit.
const SOME_DECIMALS: u8 = 4;

/// The tables of a house. Wrong entries keep their ids, so that what uses them is not wrong too.
pub(super) struct Tables {
    pub(super) inputs: Vec<InputDef>,
    pub(super) outputs: Vec<OutputDef>,
    pub(super) sensors: Vec<SensorDef>,
    pub(super) variables: Vec<VarDef>,
    /// With the implicit one.
    pub(super) boards: Vec<(String, Board)>,
    names: HashMap<String, (Named, Range<usize>)>,
    /// All names of inputs, outputs, sensors and variables are known.
    whole: bool,
    /// The house is a satellite's own.
    is_satellite: bool,
    scenarios: Place,
    peers: Place,
    symbols: Symbols,
}

/// What has a link, in a house that may have satellites.
pub(in super::super) const fn word_for_peers(with_satellites: bool) -> &'static str {
    if with_satellites { "sink or satellite" } else { "sink" }
}

/// Names whose ids are their places.
struct Place {
    kind: &'static str,
    names: Vec<String>,
    whole: bool,
}

impl Names for Tables {
    fn find(&self, name: &str) -> Option<Named> {
        self.names.get(name).map(|(named, _)| *named)
    }

    fn satellite(&self, name: &str) -> Option<PeerId> {
        let (satellite, _) = name.split_once('.')?;
        let place = self.peers.names.iter().position(|peer| peer == satellite)?;
        u8::try_from(place).ok().map(PeerId)
    }

    fn all(&self) -> Vec<&str> {
        let mut all: Vec<_> = self.names.keys().map(String::as_str).collect();
        all.sort_unstable();
        all
    }

    fn is_whole(&self) -> bool {
        self.whole
    }

    fn is_satellite(&self) -> bool {
        self.is_satellite
    }
}

impl Tables {
    /// Gives every name its id, and says which names and lines are wrong.
    pub(super) fn new(house: &House, room: &Room, report: &mut Report<'_>) -> Self {
        let mut tables = Self {
            inputs: Vec::new(),
            outputs: Vec::new(),
            sensors: Vec::new(),
            variables: Vec::new(),
            boards: super::owned(&house.boards),
            names: HashMap::new(),
            whole: house.inputs.is_whole()
                && house.outputs.is_whole()
                && house.sensors.is_whole()
                && house.variables.is_whole()
                && house.satellites.is_whole(),
            is_satellite: super::lines::is_satellite(house),
            scenarios: Place {
                kind: "scenario",
                names: house.scenarios().iter().map(|scenario| scenario.name.value.0.clone()).collect(),
                whole: house.scenarios.0.is_some(),
            },
            peers: Place {
                kind: word_for_peers(house.satellites.names().next().is_some()),
                names: house.sinks.names().chain(house.satellites.names()).map(str::to_owned).collect(),
                whole: house.sinks.is_whole() && house.satellites.is_whole(),
            },
            symbols: Symbols::new(""),
        };
        check_entries("boards", &house.boards, u8::MAX, report);
        check_entries("inputs", &house.inputs, room.counts.inputs, report);
        check_entries("outputs", &house.outputs, room.counts.outputs, report);
        check_entries("sensors", &house.sensors, room.counts.sensors, report);
        check_entries("variables", &house.variables, room.counts.variables, report);
        check_entries("sinks", &house.sinks, u8::MAX, report);
        check_entries("satellites", &house.satellites, u8::MAX, report);
        if super::lines::own_boards(house).next().is_none() {
            tables.boards.push((ONLY_BOARD.to_owned(), Board::default()));
        }
        let mut lines = Lines::new(house);
        tables.take_inputs(&mut lines, report);
        tables.take_outputs(&mut lines, report);
        lines.warn_unused(report);
        tables.take_numbers(report, house);
        check_scenarios(house, room, report);
        tables.symbols.scenarios.clone_from(&tables.scenarios.names);
        tables.symbols.peers.clone_from(&tables.peers.names);
        for name in house.heard().filter(|name| !name.is_broken()) {
            if tables.symbols.find_heard(&name.value.0).is_none() {
                tables.symbols.heard.push(name.value.0.clone());
            }
        }
        tables
    }

    /// The symbol table, still without triggers and messages.
    pub(super) fn symbols(&self, node: &str) -> Symbols {
        let mut symbols = self.symbols.clone();
        node.clone_into(&mut symbols.node);
        symbols
    }

    /// How many ids there are of each kind, for the check of code.
    pub(super) fn counts(&self, house: &House) -> Counts {
        let count = |items: usize| u8::try_from(items).unwrap_or(u8::MAX);
        Counts {
            inputs: count(self.inputs.len()),
            outputs: count(self.outputs.len()),
            sensors: count(self.sensors.len()),
            variables: count(self.variables.len()),
            scenarios: count(house.scenarios().len()),
            ..Counts::default()
        }
    }

    fn take(&mut self, name: &At<String>, named: Named, report: &mut Report<'_>) {
        if let Some((_, first)) = self.names.get(&name.value) {
            report.push(
                Diagnostic::error(name.span.clone(), format!("the name `{}` is taken", name.value))
                    .label("a second time")
                    .other(first.clone(), "the first time")
                    .help("inputs, outputs, sensors and variables share their names in expressions"),
            );
            return;
        }
        self.names.insert(name.value.clone(), (named, name.span.clone()));
    }

    fn take_inputs(&mut self, lines: &mut Lines<'_>, report: &mut Report<'_>) {
        for (id, (name, input)) in (0..=u8::MAX).zip(lines.house().inputs.iter()) {
            self.take(name, Named::Input(InputId(id)), report);
            let place = input.map(|input| lines.take(input.board.as_ref(), &input.line, name, report));
            let (board, line) = place.unwrap_or_else(|| (String::new(), Line::Offset(0)));
            self.inputs.push(InputDef {
                line: lines.hash(&board, &line),
                debounce: input.map(|input| input.debounce.value.0).unwrap_or_default(),
                storm: input.map_or(0, |input| input.storm.0),
            });
            let report_table = input.and_then(|input| input.report.as_ref());
            self.symbols.inputs.push(symbols::Input {
                name: name.value.clone(),
                board,
                line,
                active: input.map(|input| input.active).unwrap_or_default(),
                pull: input.map(|input| input.pull).unwrap_or_default(),
                class: input.map_or("", |input| input.class.0).to_owned(),
                durable: input.is_some_and(|input| input.durable),
                report: report_table.map_or_else(symbols::Report::default, |table| symbols::Report {
                    on: table.on.0.clone(),
                    off: table.off.0.clone(),
                    every_us: table.every.as_ref().map(|every| every.value.0.micros()),
                }),
            });
        }
    }

    fn take_outputs(&mut self, lines: &mut Lines<'_>, report: &mut Report<'_>) {
        for (id, (name, output)) in (0..=u8::MAX).zip(lines.house().outputs.iter()) {
            self.take(name, Named::Output(OutputId(id)), report);
            let place = output.map(|output| lines.take(output.board.as_ref(), &output.line, name, report));
            let (board, line) = place.unwrap_or_else(|| (String::new(), Line::Offset(0)));
            if let Some(drive) =
                output.map(|output| &output.drive).filter(|drive| drive.value != Drive::PushPull)
                && matches!(lines.board(&board), Some(Board::Rppal(_)))
            {
                report.push(
                    Diagnostic::error(
                        drive.span.clone(),
                        "a board of kind rppal drives lines push-pull only",
                    )
                    .label("not on this board")
                    .help("leave it out, or give the board kind = \"gpiochip\""),
                );
            }
            let safe = output.map(|output| output.safe.value).unwrap_or_default();
            if let Some(output) =
                output.filter(|output| output.safe.value.is_on() && !output.line.is_broken())
            {
                report.push(
                    Diagnostic::warning(output.safe.span.clone(), format!("`{}` is safe when it is on", name.value))
                        .label("holds only while campanile runs")
                        .help("when the process has ended, the kernel may release the line: make the hardware safe when off"),
                );
            }
            let max_on = output.and_then(|output| output.max_on.as_ref());
            self.outputs.push(OutputDef {
                line: lines.hash(&board, &line),
                safe,
                max_on: max_on.map_or(Duration::ZERO, |max_on| max_on.value.0),
            });
            self.symbols.outputs.push(symbols::Output {
                name: name.value.clone(),
                board,
                line,
                active: output.map(|output| output.active).unwrap_or_default(),
                drive: output.map(|output| output.drive.value).unwrap_or_default(),
                safe,
            });
        }
    }

    fn take_numbers(&mut self, report: &mut Report<'_>, house: &House) {
        for (id, (name, sensor)) in (0..=u8::MAX).zip(house.sensors.iter()) {
            let decimals = sensor.map(|sensor| &sensor.decimals).filter(|decimals| !decimals.is_broken());
            let decimals = decimals
                .map_or(SOME_DECIMALS, |decimals| u8::try_from(decimals.value.0).unwrap_or(SOME_DECIMALS));
            self.take(name, Named::Sensor(SensorId(id), decimals), report);
            let deadband = sensor.map_or(0, |sensor| {
                let at = &sensor.deadband;
                if at.value.is_negative() {
                    report.push(
                        Diagnostic::error(at.span.clone(), "a deadband below zero").label("zero or more"),
                    );
                }
                at.value.scaled(decimals).unwrap_or_else(|wrong| {
                    report.push(wrong.at(at.span.clone()));
                    0
                })
            });
            self.sensors.push(SensorDef { name: hash::sensor(&name.value, decimals) });
            self.symbols.sensors.push(symbols::Sensor {
                name: name.value.clone(),
                unit: sensor.map(|sensor| sensor.unit.clone()).unwrap_or_default(),
                decimals,
                deadband,
                min_interval_us: sensor.map_or(0, |sensor| sensor.min_interval.0.micros()),
            });
        }
        for (id, (name, initial)) in (0..=u8::MAX).zip(house.variables.iter()) {
            self.take(name, Named::Variable(VarId(id)), report);
            self.variables.push(VarDef {
                name: hash::of(name.value.as_bytes()),
                initial: initial.and_then(|initial| i32::try_from(initial.0).ok()).unwrap_or(0),
            });
            self.symbols.variables.push(name.value.clone());
        }
    }

    /// The input of a name, or an error with the nearest one.
    pub(super) fn input(&self, name: &At<String>, report: &mut Report<'_>) -> Option<InputId> {
        self.expect("input", name, report, |named| if let Named::Input(id) = named { Some(id) } else { None })
    }

    /// The output of a name.
    pub(super) fn output(&self, name: &At<String>, report: &mut Report<'_>) -> Option<OutputId> {
        self.expect(
            "output",
            name,
            report,
            |named| if let Named::Output(id) = named { Some(id) } else { None },
        )
    }

    /// The sensor of a name, and its decimals.
    pub(super) fn sensor(&self, name: &At<String>, report: &mut Report<'_>) -> Option<(SensorId, u8)> {
        self.expect("sensor", name, report, |named| {
            if let Named::Sensor(id, decimals) = named { Some((id, decimals)) } else { None }
        })
    }

    /// The variable of a name.
    pub(super) fn variable(&self, name: &At<String>, report: &mut Report<'_>) -> Option<VarId> {
        self.expect(
            "variable",
            name,
            report,
            |named| if let Named::Variable(id) = named { Some(id) } else { None },
        )
    }

    fn expect<T>(
        &self,
        kind: &str,
        name: &At<String>,
        report: &mut Report<'_>,
        pick: fn(Named) -> Option<T>,
    ) -> Option<T> {
        let found = self.find(&name.value);
        let picked = found.and_then(pick);
        let guess = name.is_broken() || found.is_none() && !self.whole;
        if picked.is_none() && !guess {
            let other = found.map(|named| match named {
                Named::Input(_) => "an input",
                Named::Output(_) => "an output",
                Named::Sensor(..) => "a sensor",
                Named::Variable(_) => "a variable",
            });
            let mut of_kind: Vec<_> = self
                .names
                .iter()
                .filter(|(_, (named, _))| pick(*named).is_some())
                .map(|(name, _)| name.as_str())
                .collect();
            of_kind.sort_unstable();
            let what = match other {
                Some(other) => format!("`{}` is {other}, not an {kind}", name.value)
                    .replace("an s", "a s")
                    .replace("an v", "a v"),
                None => format!("unknown {kind} `{}`", name.value),
            };
            let help = match kind {
                "input" | "output" => suggestion_of_line(&name.value, &of_kind, self),
                _ => suggestion(&name.value, of_kind),
            };
            report.push(Diagnostic::error(name.span.clone(), what).label("here").help(help).may_follow());
        }
        picked
    }

    /// The scenario of a name.
    pub(super) fn scenario(&self, name: &At<String>, report: &mut Report<'_>) -> Option<ScenarioId> {
        self.scenarios.of(name, report).map(ScenarioId)
    }

    /// The message of a name; it has one as soon as a trigger waits for it.
    pub(super) fn message(&self, name: &str) -> Option<MessageId> {
        self.symbols.find_heard(name)
    }

    /// The peer of a name: a sink.
    pub(super) fn peer(&self, name: &At<String>, report: &mut Report<'_>) -> Option<PeerId> {
        self.peers.of(name, report).map(PeerId)
    }
}

impl Place {
    fn of(&self, name: &At<String>, report: &mut Report<'_>) -> Option<u8> {
        let place = self.names.iter().position(|known| *known == name.value);
        if place.is_none() && self.whole && !name.is_broken() {
            let known = self.names.iter().map(String::as_str).filter(|known| !known.is_empty());
            report.push(
                Diagnostic::error(name.span.clone(), format!("unknown {} `{}`", self.kind, name.value))
                    .label("here")
                    .help(suggestion(&name.value, known))
                    .may_follow(),
            );
        }
        place.and_then(|place| u8::try_from(place).ok())
    }
}

/// Each name once, and no more of them than the engine has room for.
fn check_scenarios(house: &House, room: &Room, report: &mut Report<'_>) {
    let mut first: HashMap<&str, Range<usize>> = HashMap::new();
    let mut gauge = Gauge::new("scenarios", room.counts.scenarios);
    for scenario in house.scenarios() {
        let name = &scenario.name;
        if let Some(first) = first.get(name.value.0.as_str()).filter(|_| !name.is_broken()) {
            report.push(
                Diagnostic::error(name.span.clone(), format!("the name `{}` is taken", name.value.0))
                    .label("a second time")
                    .other(first.clone(), "the first time"),
            );
        }
        first.entry(&name.value.0).or_insert_with(|| name.span.clone());
        gauge.take(1, &scenario.place());
    }
    gauge.finish(SHARE, report);
}

fn check_entries<T>(what: &'static str, entries: &Entries<T>, max: u8, report: &mut Report<'_>) {
    let mut gauge = Gauge::new(what, max);
    for (place, (name, _)) in entries.iter().enumerate() {
        gauge.take(1, &name.span);
        if let Err(wrong) = check_name(&name.value)
            && place < entries.own()
        {
            report.push(wrong.at(name.span.clone()));
        }
    }
    gauge.finish(SHARE, report);
}
