//! Sinks and the node: what the types alone cannot tell is wrong.

use std::net::IpAddr;

use campanile_delivery::SinkName;

use super::super::file::{Action, Board, Filter, House, MqttSink, Sink};
use super::super::read::{At, Entries, Report, suggestion};
use super::super::scalar::check_name;
use super::super::source::Diagnostic;
use crate::sinks::message::Kind;

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
                check_only(&mqtt.only, house, messages.as_deref(), report);
            }
            Some(Sink::File(file)) => check_only(&file.only, house, messages.as_deref(), report),
            Some(Sink::Console(console)) => check_only(&console.only, house, messages.as_deref(), report),
            None => {}
        }
    }
}

fn check_zone(zone: &At<String>, report: &mut Report<'_>) {
    // Needs no database, which a small system may not have.
    if zone.value == "UTC" {
        return;
    }
    let database = jiff::tz::db();
    if database.is_definitively_empty() {
        report.push(
            Diagnostic::warning(zone.span.clone(), "this machine has no database of time zones")
                .label("not checked")
                .help("install it: `apt install tzdata`"),
        );
    } else if database.get(&zone.value).is_err() {
        let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
        let help = match super::super::read::nearest(&zone.value, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => {
                "a name of the IANA database, such as \"Europe/Berlin\"; `timedatectl list-timezones` has all"
                    .to_owned()
            }
        };
        report.push(
            Diagnostic::error(zone.span.clone(), format!("unknown time zone \"{}\"", zone.value))
                .label("here")
                .help(help),
        );
    }
}

fn check_mqtt(mqtt: &MqttSink, report: &mut Report<'_>) {
    let address = &mqtt.url.value;
    let local = address.host == "localhost" || is_loopback(&address.host);
    let password = mqtt.password_file.is_some() || mqtt.password_env.is_some();
    if password && !address.tls && !local {
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
fn check_only(only: &[At<Filter>], house: &House, messages: Option<&[&str]>, report: &mut Report<'_>) {
    fn of<T>(entries: &Entries<T>) -> Option<Vec<&str>> {
        entries.is_whole().then(|| entries.names().collect())
    }
    for filter in only {
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
        if !name.contains('*') && !known.contains(&name.as_str()) {
            report.push(
                Diagnostic::error(filter.span.clone(), format!("unknown {} `{name}`", kind.word()))
                    .label("lets nothing pass")
                    .help(suggestion(name, known))
                    .may_follow(),
            );
        }
    }
}
