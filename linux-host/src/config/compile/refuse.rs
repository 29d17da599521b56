//! What the engine's own check refuses, in the words and at the places of the file.

use campanile_core::program::code::{MAX_BLOCKS, MAX_LOOPS, MAX_STACK, MAX_STEPS};
use campanile_core::program::verify::{CodeError, LoadError, What};

use super::super::file::Scenario;
use super::super::source::Diagnostic;
use super::body::Marks;
use super::names::Tables;

/// One refusal as a diagnostic.
pub(super) fn refusal(error: LoadError, scenarios: &[Scenario], tables: &Tables) -> Diagnostic {
    let of = |scenario: u8| scenarios.get(usize::from(scenario));
    match error {
        LoadError::TooMany { what, have, max } => {
            let last = scenarios.last().map_or(0..0, |scenario| scenario.name.span.clone());
            Diagnostic::error(last, format!("{have} {}, and this engine has room for {max}", word(what)))
                .label("in all scenarios together")
                .help(relief(what))
        }
        LoadError::Mode { scenario } => {
            let span = of(scenario).map_or(0..0, |scenario| scenario.mode.span.clone());
            Diagnostic::error(span, "a mode without room for a run").label("at least one")
        }
        LoadError::Debounce { input } => {
            let name = tables.input_name(input);
            Diagnostic::error(0..0, format!("the debounce of `{name}` is longer than half an hour"))
        }
        // The compiler makes none of these; should it ever, the words say which.
        other => Diagnostic::error(0..0, format!("the engine refuses the program: {other:?}"))
            .help("this is a mistake of campanile, not of the file: please report it with the file"),
    }
}

/// What the engine refuses at a place of a scenario's code.
pub(super) fn code(why: CodeError, at: usize, scenario: &Scenario, marks: &Marks) -> Diagnostic {
    let span = marks.at(at).unwrap_or_else(|| scenario.name.span.clone());
    let scenario = &scenario.name.value.0;
    match why {
        CodeError::TooManySteps { have } => Diagnostic::error(
            span,
            format!("`{scenario}` makes {have} steps without a wait, and {MAX_STEPS} are allowed"),
        )
        .label("up to here")
        .help("put { wait = \"0s\" } between: others come to their turn there"),
        CodeError::UnboundedLoop => {
            Diagnostic::error(span, "a loop without a wait, and nobody knows how often it goes round")
                .label("the count is no constant")
                .help("put { wait = \"0s\" } into it, or write the count as a number")
        }
        CodeError::TooDeep => {
            Diagnostic::error(span, format!("blocks within each other, more than {MAX_BLOCKS}"))
        }
        CodeError::Loops => {
            Diagnostic::error(span, format!("loops within each other, more than {MAX_LOOPS}"))
        }
        CodeError::Stack => {
            Diagnostic::error(span, format!("more than {MAX_STACK} values have to be kept in mind"))
        }
        other => Diagnostic::error(span, format!("the engine refuses `{scenario}`: {other:?}"))
            .help("this is a mistake of campanile, not of the file: please report it with the file"),
    }
}

const fn word(what: What) -> &'static str {
    match what {
        What::Inputs => "inputs",
        What::Outputs => "outputs",
        What::Sensors => "sensors",
        What::Variables => "variables",
        What::Triggers => "triggers",
        What::Schedules => "different schedules",
        What::Scenarios => "scenarios",
        What::Runs => "runs",
        What::Code => "bytes of code",
        What::Peers => "links and sinks that scenarios look at",
    }
}

const fn relief(what: What) -> &'static str {
    match what {
        What::Runs => "queued and parallel take `max` each, the others one: lower `max`",
        What::Code => "long bodies that are alike can be one scenario that others `start`",
        _ => "leave some out, or share them between two nodes",
    }
}
