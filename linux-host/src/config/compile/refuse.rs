//! What the engine's own check refuses, in the words and at the places of the file.

use campanile_core::program::code::MAX_STEPS;
use campanile_core::program::verify::{CodeError, LoadError};

use super::super::file::Scenario;
use super::super::source::Diagnostic;
use super::code::Marks;

/// Of a whole program. The compiler makes none that is refused; should it ever, the words say which.
pub(super) fn program(error: LoadError) -> Diagnostic {
    Diagnostic::error(0..0, format!("the engine refuses the program: {error}")).help(MISTAKE)
}

const MISTAKE: &str = "this is a mistake of campanile, not of the file: please report it with the file";

/// At a place of a scenario's code.
pub(super) fn code(why: CodeError, at: usize, scenario: &Scenario, marks: &Marks) -> Diagnostic {
    let span = marks.at(at).unwrap_or_else(|| scenario.place());
    let scenario = &scenario.name.value.0;
    match why {
        CodeError::TooManySteps { have } => Diagnostic::error(
            span,
            format!("`{scenario}` makes {have} steps without a wait, and {MAX_STEPS} are allowed"),
        )
        .label("up to here")
        .help("put { wait = \"0s\" } between them, so that other scenarios can run"),
        other => Diagnostic::error(span, format!("the engine refuses `{scenario}`: {other}")).help(MISTAKE),
    }
}
