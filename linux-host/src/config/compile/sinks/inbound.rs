//! What comes in over sinks: names that the house has, and messages that something brings.

use crate::config::file::{CommandFilters, House, Sink};
use crate::config::read::{Entries, Report, suggestion};
use crate::config::source::Diagnostic;
use crate::sinks::commands::{Commands, Verb};

/// Checks all sinks.
pub(super) fn check(house: &House, report: &mut Report<'_>) {
    for (_, sink) in house.sinks.iter() {
        if let Some(Sink::Mqtt(mqtt)) = sink {
            check_commands(&mqtt.commands, house, report);
        }
    }
    let brings = |sink: Option<&Sink>| sink.is_none_or(|sink| sink.common().brings_messages());
    if let Some(message) = house.heard().find(|message| message.value.of_satellite().is_none())
        && !house.sinks.iter().any(|(_, sink)| brings(sink))
    {
        report.push(
            Diagnostic::warning(message.span.clone(), "nothing brings messages to this house")
                .label("never comes")
                .help("a sink of kind mqtt does, from every node at its broker; one of kind mastodon or x with `follow`"),
        );
    }
}

/// A pattern for a name that nothing has lets nothing in.
fn check_commands(filters: &CommandFilters, house: &House, report: &mut Report<'_>) {
    fn of<T>(entries: &Entries<T>) -> Option<Vec<&str>> {
        entries.is_whole().then(|| entries.names().collect())
    }
    for filter in filters.0.iter().flatten() {
        let (verb, name) = (filter.value.verb, &filter.value.name);
        let (kind, known) = match verb {
            Verb::Set => ("output", of(&house.outputs)),
            Verb::Let => ("variable", of(&house.variables)),
            Verb::Feed => ("sensor", of(&house.sensors)),
            Verb::Start | Verb::Stop => {
                let names =
                    || house.scenarios().iter().map(|scenario| scenario.name.value.0.as_str()).collect();
                ("scenario", house.scenarios.0.is_some().then(names))
            }
        };
        let Some(known) = known else { continue };
        let only = Commands::new([(verb, name.clone())]);
        if name != "*" && !filter.is_broken() && !known.iter().any(|known| only.allow(verb, known)) {
            report.push(
                Diagnostic::error(filter.span.clone(), format!("unknown {kind} `{name}`"))
                    .label("lets nothing in")
                    .help(suggestion(name, known))
                    .may_follow(),
            );
        }
    }
}
