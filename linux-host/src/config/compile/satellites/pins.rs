//! The pins of a satellite, where the file says what kind of board it is: what that would refuse is refused here, with its
//! place.

use std::collections::HashMap;

use campanile_delivery::symbols::Line;

use super::super::super::file::{Board, Satellite};
use super::super::super::machines::{MACHINES, Machine};
use super::super::super::read::{At, Report, suggestion};
use super::super::super::source::Diagnostic;

/// Checks the lines of a satellite on this board.
pub(super) fn check(board: &Board, satellite: &Satellite, report: &mut Report<'_>) {
    let Board::Serial(board) = board else { return };
    let Some(at) = &board.machine else { return };
    let Some(machine) = Machine::find(&at.value) else {
        let known = MACHINES.iter().map(|machine| machine.name);
        let help = suggestion(&at.value, known);
        report.push(
            Diagnostic::error(at.span.clone(), format!("unknown machine `{}`", at.value))
                .label("here")
                .help(format!("a board of your own does without it; {help}")),
        );
        return;
    };
    let inputs = satellite.inputs.iter().filter_map(|(name, input)| Some((name, &input?.line)));
    let outputs = satellite.outputs.iter().filter_map(|(name, output)| Some((name, &output?.line)));
    let mut seen: HashMap<u32, (&At<String>, &At<Line>)> = HashMap::new();
    for (owner, line) in inputs.chain(outputs).filter(|(_, line)| !line.is_broken()) {
        let Some(pin) = machine.pin(&line.value) else {
            report.push(
                Diagnostic::error(
                    line.span.clone(),
                    format!("a {} has no line {}", machine.name, line.value),
                )
                .label("here")
                .help(lines_of(machine)),
            );
            continue;
        };
        if machine.reserved.contains(&pin) {
            let reserved: Vec<_> = machine.reserved.iter().map(u32::to_string).collect();
            report.push(
                Diagnostic::error(line.span.clone(), format!("pin {pin} of a {} is reserved", machine.name))
                    .label("here")
                    .help(format!("its serial line needs {}: take another pin", reserved.join(" and "))),
            );
        }
        match seen.get(&pin) {
            // Written in the same way it has been refused already, as on any board.
            Some((other, first)) if first.value.to_string() != line.value.to_string() => report.push(
                Diagnostic::error(line.span.clone(), format!("pin {pin} is used twice"))
                    .label(format!("by `{}`", owner.value))
                    .other(first.span.clone(), format!("by `{}`: it is pin {pin}, too", other.value))
                    .help("a line is one input or one output; an expression can read an output"),
            ),
            Some(_) => {}
            None => {
                seen.insert(pin, (owner, line));
            }
        }
    }
}

fn lines_of(machine: &Machine) -> String {
    let named: Vec<_> = machine.lines.iter().map(|(name, _)| *name).collect();
    format!("it has {}, and the pins 0 to {}", named.join(", "), machine.pins - 1)
}
