//! Scenarios: triggers sorted as the engine wants them, conditions and bodies in one stretch of code.

use std::ops::Range;

use campanile_core::calendar::Schedule;
use campanile_core::id::{Level, ScenarioId};
use campanile_core::program::verify::check_code;
use campanile_core::program::{Mode, On, ScenarioDef, TriggerDef};
use campanile_core::time::Duration;
use campanile_delivery::symbols::{Message, Trigger as TriggerName};

use super::super::expr::{Named, Scope};
use super::super::file::{
    AtTrigger, CronTrigger, House, LinkState, ModeWord, Scenario, SensorTrigger, Trigger,
};
use super::super::read::{At, Report};
use super::super::scalar::{Decimal, duration_text};
use super::super::source::Diagnostic;
use super::body::Bodies;
use super::hash;
use super::names::{Tables, not_zero};
use super::refuse;
use crate::schedule_text::{Text, TextError, parse_at, parse_cron};

/// The scenarios of a house, compiled.
#[derive(Default)]
pub(super) struct Program {
    pub(super) scenarios: Vec<ScenarioDef>,
    pub(super) triggers: Vec<TriggerDef>,
    pub(super) trigger_names: Vec<TriggerName>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) messages: Vec<Message>,
    pub(super) code: Vec<u8>,
    /// Steps between two waits, at the most.
    pub(super) longest_slice: u32,
}

/// Shorter periods are most likely a mistake of unit.
const BUSY: Duration = Duration::from_millis(10);

/// A trigger before the table is sorted.
struct Found {
    on: On,
    name: TriggerName,
}

/// Compiles all scenarios.
pub(super) fn all(house: &House, tables: &Tables, report: &mut Report<'_>) -> Program {
    let mut program = Program::default();
    let mut found: Vec<Found> = Vec::new();
    let mut bodies = Bodies::new(tables);
    let mut codes = Vec::new();
    for (id, scenario) in (0..=u8::MAX).map(ScenarioId).zip(&house.scenarios) {
        for trigger in &scenario.when {
            for (on, by, text) in occasions(trigger, tables, &mut program.schedules, report) {
                found.push(Found { on, name: TriggerName { scenario: id, by, text } });
            }
        }
        let before = report.found.len();
        let condition = scenario.condition.as_ref().and_then(|condition| {
            let scope = bodies.expression(condition, report)?;
            warn_constant(scenario, &scope, report);
            (scope.constant.is_none_or(|value| value == 0)).then(|| ops(&scope))
        });
        let condition = condition.unwrap_or_default();
        let body = bodies.body(scenario, report);
        let marks = body.marks.behind(condition.len());
        if !super::has_error(report.found.get(before..).unwrap_or_default()) {
            match check_code(&condition, &body.code, &tables.counts(house)) {
                Ok(steps) => program.longest_slice = program.longest_slice.max(steps),
                Err((at, why)) => report.push(refuse::code(why, at, scenario, &marks)),
            }
        }
        program.scenarios.push(ScenarioDef {
            hash: 0,
            condition: u16::try_from(condition.len()).unwrap_or(u16::MAX),
            body: u16::try_from(body.code.len()).unwrap_or(u16::MAX),
            mode: mode(scenario, report),
            after_restart: scenario.after_restart.value,
        });
        codes.push((condition, body.code));
    }
    warn_unreached(house, tables, &bodies, report);
    program.messages = bodies.messages();
    let mut symbols = tables.symbols("");
    symbols.messages.clone_from(&program.messages);
    for ((scenario, def), (place, (condition, body))) in
        house.scenarios.iter().zip(&mut program.scenarios).zip(codes.iter().enumerate())
    {
        let mut text = hash::Text::new(&symbols, &scenario.name.value.0);
        text.settings(def.mode, def.after_restart);
        for found in found.iter().filter(|found| found.name.scenario.index() == place) {
            let schedule = match found.on {
                On::Schedule { schedule } => program.schedules.get(usize::from(schedule)),
                _ => None,
            };
            text.trigger(&found.on, schedule);
        }
        text.condition(condition);
        text.body(body);
        def.hash = text.finish();
        program.code.extend(condition);
        program.code.extend(body);
    }
    // Stable: triggers of one key fire in the order of the file.
    found.sort_by_key(|found| found.on.key());
    for Found { on, name } in found {
        program.triggers.push(TriggerDef { scenario: name.scenario, on });
        program.trigger_names.push(name);
    }
    program
}

/// The bytes of an expression.
pub(super) fn ops(scope: &Scope) -> Vec<u8> {
    scope.ops.iter().flat_map(hash::bytes).collect()
}

fn mode(scenario: &Scenario, report: &mut Report<'_>) -> Mode {
    /// Runs of `queued` and `parallel` without `max`.
    const RUNS: u8 = 4;
    let max = scenario.max.as_ref().and_then(|max| u8::try_from(max.value.0).ok()).unwrap_or(RUNS);
    match scenario.mode.value {
        ModeWord::Queued => Mode::Queued(max),
        ModeWord::Parallel => Mode::Parallel(max),
        single => {
            if let Some(max) = &scenario.max {
                report.push(
                    Diagnostic::warning(max.span.clone(), "`max` without a mode that has several runs")
                        .label("only for queued and parallel")
                        .help("leave it out, or write mode = \"queued\" or mode = \"parallel\""),
                );
            }
            if single == ModeWord::Restart { Mode::Restart } else { Mode::Single }
        }
    }
}

fn warn_constant(scenario: &Scenario, scope: &Scope, report: &mut Report<'_>) {
    let Some(condition) = &scenario.condition else { return };
    if scope.constant == Some(0) {
        report.push(
            Diagnostic::warning(condition.0.span.clone(), format!("`{}` never runs", scenario.name.value.0))
                .label("always false"),
        );
    }
}

/// Scenarios that only a command can start, and variables that nobody reads or writes.
fn warn_unreached(house: &House, tables: &Tables, bodies: &Bodies<'_>, report: &mut Report<'_>) {
    for (id, scenario) in (0..=u8::MAX).map(ScenarioId).zip(&house.scenarios) {
        if scenario.when.is_empty() && !bodies.starts(id) {
            let name = &scenario.name;
            report.push(
                Diagnostic::warning(name.span.clone(), format!("nothing makes `{}` run", name.value.0))
                    .label("no `when`, and no scenario starts it")
                    .help(format!("only `campanile start {}` will", name.value.0)),
            );
        }
    }
    for (name, _) in house.variables.iter() {
        let Some(named @ Named::Variable(_)) = super::super::expr::Names::find(tables, &name.value) else {
            continue;
        };
        let triggers = house.scenarios.iter().flat_map(|scenario| &scenario.when);
        let triggers = triggers.filter(
            |trigger| matches!(trigger, Trigger::Variable(variable) if variable.variable.value == name.value),
        );
        if !bodies.uses(named) && triggers.count() == 0 {
            report.push(
                Diagnostic::warning(name.span.clone(), format!("nothing uses the variable `{}`", name.value))
                    .label("neither read nor written"),
            );
        }
    }
}

/// What a trigger of the file means to the engine: the occasions, what stands behind "by", and the whole in words.
fn occasions(
    trigger: &Trigger,
    tables: &Tables,
    schedules: &mut Vec<Schedule>,
    report: &mut Report<'_>,
) -> Vec<(On, String, String)> {
    let one = |on: Option<On>, by: &str, text: String| -> Vec<_> {
        on.map(|on| (on, by.to_owned(), text)).into_iter().collect()
    };
    match trigger {
        Trigger::Input(t) => {
            let hold = t.hold.as_ref().map_or(Duration::ZERO, |hold| hold.value);
            if let (Some(at), None) = (&t.hold, t.to) {
                report.push(
                    Diagnostic::error(at.span.clone(), "`for` without `to`")
                        .label("which level has to last?")
                        .help("add to = \"on\" or to = \"off\""),
                );
            }
            let mut text = format!("{}{}", t.input.value, level(t.to));
            if !hold.is_zero() {
                text.push_str(&format!(" for {}", duration_text(hold)));
            }
            let on = tables.input(&t.input, report).map(|input| On::Input { input, to: t.to, hold });
            one(on, &t.input.value, text)
        }
        Trigger::Output(t) => {
            let on = tables.output(&t.output, report).map(|output| On::Output { output, to: t.to });
            one(on, &t.output.value, format!("{}{}", t.output.value, level(t.to)))
        }
        Trigger::Variable(t) => {
            let on = tables.variable(&t.variable, report).map(|var| On::Variable { var });
            one(on, &t.variable.value, t.variable.value.clone())
        }
        Trigger::Sensor(t) => sensor(t, tables, report),
        Trigger::Every(t) => {
            not_zero(&t.period, "a period of no time", report);
            if !t.period.value.is_zero() && t.period.value < BUSY {
                report.push(
                    Diagnostic::warning(t.period.span.clone(), "this keeps the machine busy")
                        .label(format!("{} times a second", 1_000_000 / t.period.value.micros())),
                );
            }
            let text = format!("every {}", duration_text(t.period.value));
            one(Some(On::Every { period: t.period.value }), &text, text.clone())
        }
        Trigger::At(t) => {
            let text = match &t.days {
                Some(days) => format!("at {} {}", t.time.value, days.value),
                None => format!("at {}", t.time.value),
            };
            one(at(t, schedules, report), &text, text.clone())
        }
        Trigger::Cron(t) => {
            let text = format!("cron {}", t.times.value);
            one(cron(t, schedules, report), &text, text.clone())
        }
        Trigger::Link(t) => {
            let Some(peer) = tables.peer(&t.peer, report) else { return Vec::new() };
            let states = match t.to {
                Some(LinkState::Up) => &[true][..],
                Some(LinkState::Down) => &[false],
                None => &[true, false],
            };
            let word = |up| format!("{} {}", t.peer.value, if up { "up" } else { "down" });
            states.iter().map(|&up| (On::Link { peer, up }, t.peer.value.clone(), word(up))).collect()
        }
        Trigger::Started(t) => {
            only_true("started", &t.started, report);
            one(Some(On::Started), "started", "started".to_owned())
        }
    }
}

/// `started` and `end` have no opposite.
pub(super) fn only_true(key: &str, value: &At<bool>, report: &mut Report<'_>) {
    if !value.value {
        report.push(
            Diagnostic::error(value.span.clone(), format!("`{key} = false` has no meaning"))
                .label("true, or leave it out"),
        );
    }
}

const fn level(to: Option<Level>) -> &'static str {
    match to {
        Some(Level::On) => " on",
        Some(Level::Off) => " off",
        None => "",
    }
}

fn sensor(t: &SensorTrigger, tables: &Tables, report: &mut Report<'_>) -> Vec<(On, String, String)> {
    let Some((sensor, decimals)) = tables.sensor(&t.sensor, report) else { return Vec::new() };
    let mut scaled = |at: &At<Decimal>| match at.value.scaled(decimals) {
        Ok(value) => Some(value),
        Err(wrong) => {
            report.push(wrong.at(at.span.clone()));
            None
        }
    };
    let above = t.above.as_ref().map(&mut scaled);
    let below = t.below.as_ref().map(&mut scaled);
    let hysteresis = t.hysteresis.as_ref().map_or(Some(0), &mut scaled);
    if let Some(at) = &t.hysteresis {
        if at.value.is_negative() {
            report.push(Diagnostic::error(at.span.clone(), "a hysteresis below zero").label("zero or more"));
        }
        if t.above.is_none() && t.below.is_none() {
            report.push(
                Diagnostic::error(at.span.clone(), "`hysteresis` without a limit")
                    .label("needs `above` or `below`"),
            );
        }
    }
    let Some(hysteresis) = hysteresis else { return Vec::new() };
    let (name, unit) = (&t.sensor.value, |at: &Option<At<Decimal>>| {
        at.as_ref().map(|at| at.value.to_string()).unwrap_or_default()
    });
    let mut all = Vec::new();
    match (above, below) {
        (None, None) => all.push((On::Sensor { sensor }, name.clone(), name.clone())),
        (above, below) => {
            if let Some(limit) = above.flatten() {
                let text = format!("{name} above {}", unit(&t.above));
                all.push((On::Above { sensor, limit, hysteresis }, name.clone(), text));
            }
            if let Some(limit) = below.flatten() {
                let text = format!("{name} below {}", unit(&t.below));
                all.push((On::Below { sensor, limit, hysteresis }, name.clone(), text));
            }
        }
    }
    all
}

fn at(t: &AtTrigger, schedules: &mut Vec<Schedule>, report: &mut Report<'_>) -> Option<On> {
    let days = t.days.as_ref().map(|days| days.value.as_str());
    schedule(parse_at(&t.time.value, days), schedules, report, |text| match text {
        Text::Days => t.days.as_ref().unwrap_or(&t.time),
        _ => &t.time,
    })
}

fn cron(t: &CronTrigger, schedules: &mut Vec<Schedule>, report: &mut Report<'_>) -> Option<On> {
    schedule(parse_cron(&t.times.value), schedules, report, |_| &t.times)
}

/// Schedules that are the same share a place in the table.
fn schedule<'t>(
    parsed: Result<Schedule, TextError>,
    schedules: &mut Vec<Schedule>,
    report: &mut Report<'_>,
    place: impl Fn(Text) -> &'t At<String>,
) -> Option<On> {
    match parsed {
        Ok(schedule) => {
            let known = schedules.iter().position(|known| *known == schedule);
            let place = known.unwrap_or_else(|| {
                schedules.push(schedule);
                schedules.len() - 1
            });
            // Beyond 255 the image's own check says that there are too many.
            Some(On::Schedule { schedule: u8::try_from(place).unwrap_or(u8::MAX) })
        }
        Err(error) => {
            let at = place(error.text);
            let span = pointed(report, at, error.span);
            report.push(Diagnostic::error(span, error.what).label("here").help(error.help));
            None
        }
    }
}

/// A part of a string, or its end where something is missing.
pub(super) fn pointed(report: &Report<'_>, at: &At<String>, part: Range<usize>) -> Range<usize> {
    report.within(at.span.clone(), &at.value, part)
}
