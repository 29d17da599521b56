//! `kind = "mqtt"`: what its table alone cannot tell is wrong.

use std::net::IpAddr;
use std::ops::Range;

use crate::config::file::{DiscoveryPrefix, MqttSink, Topic, Topics};
use crate::config::read::{At, Report};
use crate::config::source::Diagnostic;

/// Checks one.
pub(super) fn check(mqtt: &MqttSink, report: &mut Report<'_>) {
    check_connection(mqtt, report);
    check_topics(&mqtt.topics, report);
    check_discovery(mqtt, report);
    check_batch(mqtt, report);
}

/// What is in an array is read by whoever knows of it, and has to be JSON.
fn check_batch(mqtt: &MqttSink, report: &mut Report<'_>) {
    let Some(batch) = &mqtt.batch else { return };
    if let Some(DiscoveryPrefix::Prefix(_)) = &mqtt.discovery {
        report.push(
            Diagnostic::error(batch.span.clone(), "batches that Home Assistant cannot read")
                .label("with `discovery` it listens to each topic by itself, and would miss what happens between two batches")
                .help("leave it out, or give whoever reads batches a sink of its own"),
        );
    }
    let payloads = &mqtt.payloads;
    if let Some(other) =
        [&payloads.state, &payloads.message, &payloads.diagnostics].into_iter().flatten().next()
    {
        report.push(
            Diagnostic::error(other.span.clone(), "a custom payload in a batch")
                .label("the array has the documented objects")
                .other(batch.span.clone(), "many messages in one array")
                .help("keep one of `payloads` and `batch`"),
        );
    }
}

/// Home Assistant is told to read the documented objects.
fn check_discovery(mqtt: &MqttSink, report: &mut Report<'_>) {
    let payloads = &mqtt.payloads;
    let other = [&payloads.state, &payloads.diagnostics].into_iter().flatten().next();
    if let (Some(DiscoveryPrefix::Prefix(_)), Some(other)) = (&mqtt.discovery, other) {
        report.push(
            Diagnostic::error(other.span.clone(), "a payload that Home Assistant cannot read")
                .label("with `discovery` it reads the documented objects")
                .help("leave it out, or tell whoever needs it over a sink of its own"),
        );
    }
}

fn check_connection(mqtt: &MqttSink, report: &mut Report<'_>) {
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
    if address.tls || mqtt.url.is_broken() {
        return;
    }
    let spans = [
        ("ca", "checks nothing", mqtt.ca.as_ref().map(|path| &path.span)),
        ("certificate", "is shown to nobody", mqtt.certificate.as_ref().map(|path| &path.span)),
        ("alpn", "is told to nobody", mqtt.alpn.as_ref().map(|word| &word.span)),
    ];
    for (key, label, span) in spans {
        let Some(span) = span else { continue };
        report.push(
            Diagnostic::error(span.clone(), format!("`{key}` without TLS"))
                .label(label)
                .other(mqtt.url.span.clone(), "no TLS here")
                .help(format!("write mqtts:// in `url`, or leave `{key}` out")),
        );
    }
}

fn is_loopback(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What a topic holds is known from the topic alone: one for several things would mix them up.
fn check_topics(topics: &Topics, report: &mut Report<'_>) {
    check_states(&topics.state, report);
    check_command(&topics.command, report);
    check_apart(
        &[
            ("status", &topics.status.value.0, &topics.status.span),
            ("state", &topics.state.value.0, &topics.state.span),
            ("message", &topics.message.value.0, &topics.message.span),
            ("diagnostics", &topics.diagnostics.value.0, &topics.diagnostics.span),
            ("figures", &topics.figures.value.0, &topics.figures.span),
            ("batch", &topics.batch.value.0, &topics.batch.span),
        ],
        report,
    );
}

/// Each state has a topic of its own.
pub(super) fn check_states<const N: usize>(state: &At<Topic<N>>, report: &mut Report<'_>) {
    if !state.value.0.contains("{name}") && !state.is_broken() {
        report.push(
            Diagnostic::error(state.span.clone(), "one topic for all states")
                .label("each state would replace the others")
                .help("put {name} into it, such as \"campanile/{node}/{kind}/{name}\""),
        );
    }
}

/// A command's topic says what is asked for, and of what.
fn check_command(command: &At<Topic<3>>, report: &mut Report<'_>) {
    let missing = ["{kind}", "{name}"].into_iter().find(|place| !command.value.0.contains(place));
    if let Some(place) = missing.filter(|_| !command.is_broken()) {
        report.push(
            Diagnostic::error(command.span.clone(), format!("the topic of commands has no {place}"))
                .label("the command would be ambiguous")
                .help("such as \"campanile/{node}/{kind}/{name}\""),
        );
    }
}

/// Each of these keys has a topic of its own.
pub(super) fn check_apart(all: &[(&str, &String, &Range<usize>)], report: &mut Report<'_>) {
    for (place, (key, topic, span)) in all.iter().enumerate() {
        if let Some((other, ..)) = all.iter().take(place).find(|(_, earlier, _)| earlier == topic) {
            report.push(
                Diagnostic::error((*span).clone(), format!("`{key}` and `{other}` have one topic"))
                    .label("the two could not be told apart")
                    .help("give each a topic of its own"),
            );
        }
    }
}
