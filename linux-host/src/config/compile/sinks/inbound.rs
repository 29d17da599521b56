//! What comes in over sinks: names that the house has, and messages that something brings.

use crate::config::file::{CommandFilters, House, Satellite, Scenario, Sink};
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
    fn of<T>(entries: &Entries<T>) -> Option<Vec<String>> {
        entries.is_whole().then(|| entries.names().map(str::to_owned).collect())
    }
    for filter in filters.0.iter().flatten() {
        let (verb, name) = (filter.value.verb, &filter.value.name);
        let (kind, known) = match verb {
            Verb::Set => ("output", of(&house.outputs)),
            Verb::Let => ("variable", with_theirs(of(&house.variables), house, |of_it| of(&of_it.variables))),
            Verb::Feed => ("sensor", of(&house.sensors)),
            Verb::Start | Verb::Stop => {
                let names =
                    |all: &[Scenario]| all.iter().map(|scenario| scenario.name.value.0.clone()).collect();
                let own = house.scenarios.0.as_deref().map(names);
                let theirs = |of_it: &Satellite| of_it.scenarios.0.as_deref().map(names);
                ("scenario", with_theirs(own, house, theirs))
            }
        };
        let Some(known) = known else { continue };
        let only = Commands::new([(verb, name.clone())]);
        if name != "*" && !filter.is_broken() && !known.iter().any(|known| only.allow(verb, known)) {
            report.push(
                Diagnostic::error(filter.span.clone(), format!("unknown {kind} `{name}`"))
                    .label("lets nothing in")
                    .help(suggestion(name, known.iter().map(String::as_str)))
                    .may_follow(),
            );
        }
    }
}

/// Names of the house, and those of its satellites behind the satellites' names; `None` if they are not all known.
fn with_theirs(
    own: Option<Vec<String>>,
    house: &House,
    of: impl Fn(&Satellite) -> Option<Vec<String>>,
) -> Option<Vec<String>> {
    let mut names = own.filter(|_| house.satellites.is_whole())?;
    for (satellite, it) in house.satellites.iter() {
        names.extend(of(it?)?.iter().map(|name| format!("{}.{name}", satellite.value)));
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use crate::config::{Source, compile};

    #[test]
    fn commands_may_be_for_what_a_satellite_has() {
        let errors = |commands: &str| {
            let text = format!(
                r#"
                [node]
                name = "hall"
                [sinks.home]
                kind = "mqtt"
                url = "mqtt://broker.example"
                commands = [{commands}]
                [boards.porch]
                kind = "serial"
                port = "/dev/ttyACM0"
                [satellites.porch.variables]
                visits = 3
                [[satellites.porch.scenarios]]
                name = "show"
                do = [{{ let = "visits", be = "0" }}]
                "#
            );
            compile(&Source::new("house.toml", text)).err().map(|errors| format!("{errors:?}"))
        };
        assert_eq!(errors(r#""start:porch.show", "stop:porch.*", "let:porch.visits""#), None);
        for (wrong, near) in [("start:porch.shwo", "porch.show"), ("let:porch.visit", "porch.visits")] {
            let error = errors(&format!("\"{wrong}\"")).unwrap_or_default();
            assert!(error.contains("unknown") && error.contains(near), "{error}");
        }
    }
}
