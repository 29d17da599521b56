//! Scenarios: triggers sorted as the engine wants them, conditions and bodies in one stretch of code.

use std::ops::Range;

use campanile_core::calendar::Schedule;
use campanile_core::id::ScenarioId;
use campanile_core::program::verify::{CodeError, Room, check_code};
use campanile_core::program::{AfterRestart, Mode, On, ScenarioDef, TriggerDef};
use campanile_delivery::symbols::{Message, Trigger as TriggerName};

use super::super::expr::{Named, Names as _, Scope};
use super::super::file::{Action, House, ModeWord, Scenario, Trigger};
use super::super::read::Report;
use super::super::source::Diagnostic;
use super::body::Bodies;
use super::code::ops;
use super::hash;
use super::names::Tables;
use super::refuse;
use super::room::{Gauge, SHARE};
use super::trigger::occasions;

/// The scenarios of a house, compiled.
#[derive(Default)]
pub(super) struct Program {
    pub(super) scenarios: Vec<ScenarioDef>,
    pub(super) triggers: Vec<TriggerDef>,
    pub(super) trigger_names: Vec<TriggerName>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) messages: Vec<Message>,
    pub(super) code: Vec<u8>,
    /// Slots of the pool of runs.
    pub(super) runs: usize,
    /// Steps between two waits, at the most.
    pub(super) longest_slice: u32,
}

/// A trigger before the table is sorted.
struct Found {
    on: On,
    name: TriggerName,
    span: Range<usize>,
}

/// Compiles all scenarios.
pub(super) fn all(house: &House, tables: &Tables, room: &Room, report: &mut Report<'_>) -> Program {
    let mut program = Program::default();
    let mut found: Vec<Found> = Vec::new();
    let mut bodies = Bodies::new(tables);
    let mut codes = Vec::new();
    let counts = tables.counts(house);
    let mut triggers = Gauge::new("triggers", room.counts.triggers);
    let mut schedules = Gauge::new("different schedules", room.counts.schedules);
    let mut runs = Gauge::new("runs", room.runs);
    let mut code = Gauge::new("bytes of code", room.counts.code);
    for (id, scenario) in (0..=u8::MAX).map(ScenarioId).zip(house.scenarios()) {
        let place = &scenario.place();
        let (triggers_before, schedules_before) = (found.len(), program.schedules.len());
        for trigger in &scenario.when {
            for (on, by, text) in occasions(trigger, tables, &mut program.schedules, report) {
                let span = trigger.span();
                let first = found.iter().skip(triggers_before).find(|found| found.name.text == text);
                if first.is_some_and(|first| report.is_clean(&first.span) && report.is_clean(&span)) {
                    report.push(
                        Diagnostic::error(span.clone(), format!("the trigger `{text}` is listed twice"))
                            .label("a second time")
                            .help("one of them is enough"),
                    );
                }
                found.push(Found { on, name: TriggerName { scenario: id, by, text }, span });
            }
        }
        triggers.take(found.len() - triggers_before, place);
        schedules.take(program.schedules.len() - schedules_before, place);
        let condition = scenario.condition.as_ref().and_then(|condition| {
            let scope = bodies.expression(condition, report)?;
            warn_constant(scenario, &scope, report);
            (scope.constant.is_none_or(|value| value == 0)).then(|| ops(&scope))
        });
        let condition = condition.unwrap_or_default();
        let body = bodies.body(scenario, report);
        let marks = body.marks.behind(condition.len());
        match check_code(&condition, &body.code, &counts) {
            Ok(steps) => program.longest_slice = program.longest_slice.max(steps),
            // What else the engine would refuse follows from an error that has been reported.
            Err((_, why)) if report.has_errors() && !matches!(why, CodeError::TooManySteps { .. }) => {}
            Err((at, why)) => report.push(refuse::code(why, at, scenario, &marks)),
        }
        let mode = mode(scenario);
        runs.take(mode.slots().into(), place);
        code.take(condition.len() + body.code.len(), place);
        program.scenarios.push(ScenarioDef {
            hash: 0,
            condition: u16::try_from(condition.len()).unwrap_or(u16::MAX),
            body: u16::try_from(body.code.len()).unwrap_or(u16::MAX),
            mode,
            after_restart: scenario.after_restart.value,
        });
        codes.push((condition, body.code));
    }
    triggers.finish(SHARE, report);
    schedules.finish(SHARE, report);
    code.finish("long bodies that are alike can be one scenario that others `start`", report);
    program.runs = runs.finish("queued and parallel take `max` each, the others one: lower `max`", report);
    warn_unreached(house, tables, &bodies, report);
    program.messages = bodies.messages();
    let mut symbols = tables.symbols("");
    symbols.messages.clone_from(&program.messages);
    for ((scenario, def), (place, (condition, body))) in
        house.scenarios().iter().zip(&mut program.scenarios).zip(codes.iter().enumerate())
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
    for Found { on, name, .. } in found {
        program.triggers.push(TriggerDef { scenario: name.scenario, on });
        program.trigger_names.push(name);
    }
    program
}

fn mode(scenario: &Scenario) -> Mode {
    /// Runs of `queued` and `parallel` without `max`.
    const RUNS: u8 = 4;
    let max = scenario.max.as_ref().and_then(|max| u8::try_from(max.value.0).ok()).unwrap_or(RUNS);
    match scenario.mode.value {
        ModeWord::Single => Mode::Single,
        ModeWord::Restart => Mode::Restart,
        ModeWord::Queued => Mode::Queued(max),
        ModeWord::Parallel => Mode::Parallel(max),
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
    for (id, scenario) in (0..=u8::MAX).map(ScenarioId).zip(house.scenarios()) {
        let holds = |trigger: &Trigger| matches!(trigger, Trigger::Input(input) if input.hold.is_some());
        let lasts = scenario.actions.iter().any(Action::waits) || scenario.when.iter().any(holds);
        if scenario.after_restart.value != AfterRestart::Cancel && !lasts {
            report.push(
                Diagnostic::warning(scenario.after_restart.span.clone(), "`after-restart` without a wait")
                    .label("its runs are over at once")
                    .help("leave it out"),
            );
        }
        if scenario.when.is_empty() && !bodies.starts(id) {
            let name = &scenario.name;
            report.push(
                Diagnostic::warning(scenario.place(), format!("nothing makes `{}` run", name.value.0))
                    .label("no `when`, and no scenario starts it")
                    .help(format!("only `campanile start {}` will", name.value.0)),
            );
        }
    }
    for (name, _) in house.variables.iter() {
        let Some(named @ Named::Variable(_)) = tables.find(&name.value) else { continue };
        let triggers = house.scenarios().iter().flat_map(|scenario| &scenario.when);
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
