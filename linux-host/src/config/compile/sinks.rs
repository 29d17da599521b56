//! Sinks and the node: what the types alone cannot tell is wrong.

use std::net::IpAddr;

use campanile_delivery::SinkName;

use super::super::file::{Action, Board, FileSink, Filter, Filters, House, MqttSink, Sink, Topics};
use super::super::read::{At, Entries, Report, suggestion};
use super::super::scalar::{Word, check_name};
use super::super::source::Diagnostic;
use crate::sinks::message::Kind;
use crate::sinks::only::Only;
use crate::zone::ZoneError;

/// Checks the node's time zone, boards against this build, and every sink.
pub(super) fn check(house: &House, report: &mut Report<'_>) {
    let messages = messages(house);
    if let Some(zone) = house.node.0.as_ref().and_then(|node| node.timezone.as_ref()) {
        check_zone(zone, report);
    }
    for (name, board) in house.boards.iter() {
        if matches!(board, Some(Board::Rppal(_))) && !cfg!(feature = "rppal") {
            report.push(
                Diagnostic::warning(name.span.clone(), "this build has no boards of kind rppal")
                    .label("cannot run here")
                    .help("kind = \"gpiochip\" works on every Pi; or build with `--features rppal`"),
            );
        }
    }
    for (name, sink) in house.sinks.iter() {
        // Its cursor is a file of that name.
        if check_name(&name.value).is_ok() && name.value.parse::<SinkName>().is_err() {
            report.push(
                Diagnostic::error(name.span.clone(), format!("\"{}\" is no name for a sink", name.value))
                    .label("here")
                    .help("a-z, 0-9 and -"),
            );
        }
        match sink {
            Some(Sink::Mqtt(mqtt)) => {
                check_mqtt(mqtt, report);
                check_topics(&mqtt.topics, report);
                check_only(&mqtt.only, house, messages.as_deref(), report);
            }
            Some(Sink::File(file)) => check_only(&file.only, house, messages.as_deref(), report),
            Some(Sink::Console(console)) => check_only(&console.only, house, messages.as_deref(), report),
            None => {}
        }
    }
    check_shared(house, report);
}

/// Two sinks that would get into each other's way.
fn check_shared(house: &House, report: &mut Report<'_>) {
    let mut clients: Vec<(&MqttSink, &At<Word>)> = Vec::new();
    let mut files: Vec<&FileSink> = Vec::new();
    for (_, sink) in house.sinks.iter() {
        match sink {
            Some(Sink::Mqtt(mqtt)) if !mqtt.url.is_broken() => {
                let Some(id) = &mqtt.client_id else { continue };
                let same = |(other, other_id): &&(&MqttSink, &At<Word>)| {
                    other.url.value == mqtt.url.value && other_id.value == id.value
                };
                if let Some((_, first)) = clients.iter().find(same) {
                    report.push(
                        Diagnostic::error(id.span.clone(), "two sinks with one client-id at one broker")
                            .label("a second time")
                            .other(first.span.clone(), "the first time")
                            .help("the broker would throw one out for the other: give each its own, or none"),
                    );
                }
                clients.push((mqtt, id));
            }
            Some(Sink::File(file)) if !file.path.is_broken() => {
                if let Some(first) = files.iter().find(|first| first.path.value == file.path.value) {
                    report.push(
                        Diagnostic::error(file.path.span.clone(), "two sinks write to one file")
                            .label("a second time")
                            .other(first.path.span.clone(), "the first time")
                            .help(
                                "give each a file of its own; one sink can have several patterns in `only`",
                            ),
                    );
                }
                files.push(file);
            }
            _ => {}
        }
    }
}

/// What a topic holds is known from the topic alone: one for several things would mix them up.
fn check_topics(topics: &Topics, report: &mut Report<'_>) {
    if !topics.state.value.0.contains("{name}") && !topics.state.is_broken() {
        report.push(
            Diagnostic::error(topics.state.span.clone(), "one topic for all states")
                .label("each state would replace the others")
                .help("put {name} into it, such as \"campanile/{node}/{kind}/{name}\""),
        );
    }
    let all = [
        ("status", &topics.status.value.0, &topics.status.span),
        ("state", &topics.state.value.0, &topics.state.span),
        ("message", &topics.message.value.0, &topics.message.span),
        ("diagnostics", &topics.diagnostics.value.0, &topics.diagnostics.span),
    ];
    for (place, (key, topic, span)) in all.iter().enumerate() {
        if let Some((other, ..)) = all.iter().take(place).find(|(_, earlier, _)| earlier == topic) {
            report.push(
                Diagnostic::error((*span).clone(), format!("`{key}` and `{other}` have one topic"))
                    .label("nobody could tell them apart")
                    .help("give each a topic of its own"),
            );
        }
    }
}

fn check_zone(zone: &At<Word>, report: &mut Report<'_>) {
    let Err(error) = crate::zone::named(&zone.value.0) else { return };
    report.push(match error {
        // The file may be for another machine, which has one.
        ZoneError::NoDatabase => Diagnostic::warning(zone.span.clone(), error.to_string())
            .label("not known here")
            .help(error.help()),
        ZoneError::Unknown(_) => {
            Diagnostic::error(zone.span.clone(), error.to_string()).label("here").help(error.help())
        }
    });
}

fn check_mqtt(mqtt: &MqttSink, report: &mut Report<'_>) {
    let address = &mqtt.url.value;
    let local = address.host == "localhost" || is_loopback(&address.host);
    let password_file = mqtt.password_file.as_ref().map(|file| &file.span);
    let password = password_file.or_else(|| mqtt.password_env.as_ref().map(|variable| &variable.span));
    if let Some(span) = password.filter(|_| mqtt.username.is_none()) {
        report.push(
            Diagnostic::warning(span.clone(), "a password without a user")
                .label("most brokers ignore it")
                .help("add `username`"),
        );
    }
    if password.is_some() && !address.tls && !local {
        report.push(
            Diagnostic::warning(mqtt.url.span.clone(), "the password goes over the network in the clear")
                .label("without TLS")
                .help("mqtts:// encrypts; brokers listen for it on port 8883"),
        );
    }
    if let Some(ca) = mqtt.ca.as_ref().filter(|_| !address.tls && !mqtt.url.is_broken()) {
        report.push(
            Diagnostic::error(ca.span.clone(), "`ca` without TLS")
                .label("checks nothing")
                .other(mqtt.url.span.clone(), "no TLS here")
                .help("write mqtts:// in `url`, or leave `ca` out"),
        );
    }
}

fn is_loopback(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The names of all messages; `None` while some are unknown.
fn messages(house: &House) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut actions: Vec<&Action> = Vec::new();
    for scenario in house.scenarios.0.as_ref()? {
        actions.extend(&scenario.actions);
    }
    while let Some(action) = actions.pop() {
        match action {
            Action::Send(send) => names.push(send.name.value.0.as_str()),
            Action::If(branch) => actions.extend(branch.then.iter().chain(&branch.otherwise)),
            Action::Repeat(repeat) => actions.extend(&repeat.body),
            Action::Broken => return None,
            _ => {}
        }
    }
    names.sort_unstable();
    names.dedup();
    Some(names)
}

/// A filter for a name that nothing has lets nothing pass.
fn check_only(only: &Filters, house: &House, messages: Option<&[&str]>, report: &mut Report<'_>) {
    fn of<T>(entries: &Entries<T>) -> Option<Vec<&str>> {
        entries.is_whole().then(|| entries.names().collect())
    }
    for filter in &only.0 {
        let Filter { kind, name, .. } = &filter.value;
        let known = match kind {
            Kind::Input => of(&house.inputs),
            Kind::Output => of(&house.outputs),
            Kind::Sensor => of(&house.sensors),
            Kind::Variable => of(&house.variables),
            Kind::Message => messages.map(<[&str]>::to_vec),
            Kind::Diagnostics => None,
        };
        let Some(known) = known else { continue };
        let only = Only::parse(&[&filter.value.pattern]).unwrap_or_default();
        if name != "*" && !known.iter().any(|known| only.takes(*kind, known)) {
            report.push(
                Diagnostic::error(filter.span.clone(), format!("unknown {} `{name}`", kind.word()))
                    .label("lets nothing pass")
                    .help(suggestion(name, known))
                    .may_follow(),
            );
        }
    }
}
