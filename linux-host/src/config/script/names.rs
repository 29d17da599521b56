//! Names in steps: each is one that some house of the script has.

use super::super::compile::word_for_peers;
use super::super::file::House;
use super::super::read::{At, Report, suggestion};
use super::super::source::Diagnostic;

/// What a name of a step is a name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Input,
    Output,
    Sensor,
    Variable,
    Scenario,
    Sink,
    Message,
}

impl Kind {
    fn word(self, houses: &[&House]) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Sensor => "sensor",
            Self::Variable => "variable",
            Self::Scenario => "scenario",
            Self::Sink => {
                word_for_peers(houses.iter().any(|house| house.satellites.names().next().is_some()))
            }
            Self::Message => "message",
        }
    }

    /// The names of this kind; `None` if an error left some of them unread.
    fn of(self, house: &House) -> Option<Vec<&str>> {
        let (whole, names) = match self {
            Self::Input => (house.inputs.is_whole(), house.inputs.names().collect()),
            Self::Output => (house.outputs.is_whole(), house.outputs.names().collect()),
            Self::Sensor => (house.sensors.is_whole(), house.sensors.names().collect()),
            Self::Variable => (house.variables.is_whole(), house.variables.names().collect()),
            Self::Sink => {
                let whole = house.sinks.is_whole() && house.satellites.is_whole();
                (whole, house.sinks.names().chain(house.satellites.names()).collect())
            }
            Self::Message => (
                house.scenarios.0.is_some(),
                house.heard().map(|name| name.value.0.as_str()).collect::<Vec<_>>(),
            ),
            Self::Scenario => (
                house.scenarios.0.is_some(),
                house.scenarios().iter().map(|scenario| scenario.name.value.0.as_str()).collect::<Vec<_>>(),
            ),
        };
        whole.then_some(names)
    }
}

/// Says which names of the steps none of the houses has.
pub(super) fn check(named: &[(Kind, At<String>)], houses: &[&House], report: &mut Report<'_>) {
    for (kind, name) in named.iter().filter(|(_, name)| !name.is_broken()) {
        let Some(known) = houses.iter().map(|house| kind.of(house)).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let known = known.concat();
        if !known.contains(&name.value.as_str()) {
            report.push(
                Diagnostic::error(
                    name.span.clone(),
                    format!("unknown {} `{}`", kind.word(houses), name.value),
                )
                .label("here")
                .help(suggestion(&name.value, known))
                .may_follow(),
            );
        }
    }
}
