//! Sinks and the node: what the types alone cannot tell is wrong.

mod aws_iot;
mod inbound;
mod mqtt;
mod programs;
mod quota;
mod shared;
mod web;

use campanile_delivery::SinkName;

use super::super::file::{Action, Board, Filter, Filters, House, Sink};
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
                Diagnostic::error(name.span.clone(), format!("\"{}\" is not a valid sink name", name.value))
                    .label("here")
                    .help("a-z, 0-9 and -"),
            );
        }
        let Some(sink) = sink else { continue };
        check_kind(sink, house, report);
        check_only(sink.common().only(), house, messages.as_deref(), report);
    }
    inbound::check(house, report);
    shared::check(house, report);
}

/// What is special about its kind.
fn check_kind(sink: &Sink, house: &House, report: &mut Report<'_>) {
    match sink {
        Sink::Mqtt(mqtt) => mqtt::check(mqtt, report),
        Sink::AwsIot(aws) => aws_iot::check(aws, house, report),
        Sink::Webhook(hook) => web::check_webhook(hook, report),
        Sink::Ntfy(ntfy) => web::check_ntfy(ntfy, report),
        Sink::Mastodon(mastodon) => web::check_mastodon(mastodon, report),
        Sink::X(x) => web::check_x(x, report),
        Sink::Exec(exec) => programs::check_exec(exec, report),
        Sink::Chime(_) | Sink::File(_) | Sink::Console(_) => {}
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
