//! `kind = "aws-iot"`: what its table alone cannot tell is wrong.

use std::collections::HashMap;

use crate::config::file::{AwsIotSink, House, Topic, only};
use crate::config::read::{At, Report};
use crate::config::source::Diagnostic;
use crate::sinks::aws_iot::limits;
use crate::sinks::message::Kind;

/// Where AWS IoT listens for MQTT with a certificate.
const PORTS: [i64; 2] = [8883, 443];

/// Checks one.
pub(super) fn check(sink: &AwsIotSink, house: &House, report: &mut Report<'_>) {
    check_port(sink, report);
    let topics = &sink.topics;
    check_topic(&topics.state, report);
    check_topic(&topics.message, report);
    check_topic(&topics.diagnostics, report);
    check_topic(&topics.batch, report);
    super::mqtt::check_apart(
        &[
            ("state", &topics.state.value.0, &topics.state.span),
            ("message", &topics.message.value.0, &topics.message.span),
            ("diagnostics", &topics.diagnostics.value.0, &topics.diagnostics.span),
            ("batch", &topics.batch.value.0, &topics.batch.span),
        ],
        report,
    );
    if sink.shadow {
        check_names(sink, house, report);
        return;
    }
    super::mqtt::check_states(&topics.state, report);
}

/// A typing error here is a connection that never comes about.
fn check_port(sink: &AwsIotSink, report: &mut Report<'_>) {
    let port = &sink.port;
    if PORTS.contains(&port.value.0) || !sink.endpoint.value.0.ends_with(".amazonaws.com") {
        return;
    }
    report.push(
        Diagnostic::warning(port.span.clone(), format!("AWS IoT does not listen on port {}", port.value.0))
            .label("nobody answers there")
            .help("8883, or 443 where a firewall lets nothing else out"),
    );
}

/// In a device shadow each thing has a name of its own: with `report` two could take the same, and each would replace what
/// the other says.
fn check_names(sink: &AwsIotSink, house: &House, report: &mut Report<'_>) {
    let only = only(&sink.only);
    let mut taken: HashMap<&str, (&At<String>, Kind)> = HashMap::new();
    for (name, owner, kind) in names(house) {
        if !only.takes(kind, &owner.value) {
            continue;
        }
        match taken.get(name) {
            // Two things of one name are wrong by themselves, and what another sink has led to is said once.
            Some((first, other)) if first.value != owner.value && report.is_clean(&owner.span) => report.push(
                Diagnostic::error(owner.span.clone(), format!("two things are named `{name}` in the device shadow"))
                    .label(format!("this {} is one", kind.word()))
                    .other(first.span.clone(), format!("this {} is the other", other.word()))
                    .help("each would overwrite the other: give one of them another key in its `report`, or say `shadow = false`"),
            ),
            Some(_) => {}
            None => drop(taken.insert(name, (owner, kind))),
        }
    }
}

/// The names that stand in a shadow, whose they are, and what that is.
fn names(house: &House) -> Vec<(&str, &At<String>, Kind)> {
    let mut names = Vec::new();
    for (owner, input) in house.inputs.iter() {
        let levels = input
            .as_ref()
            .and_then(|input| input.report.as_ref())
            .map(|report| [&report.on.0, &report.off.0]);
        for level in levels.into_iter().flatten() {
            names.extend(level.keys().map(|key| (key.as_str(), owner, Kind::Input)));
        }
        if levels.is_none_or(|levels| levels.iter().any(|level| level.is_empty())) {
            names.push((owner.value.as_str(), owner, Kind::Input));
        }
    }
    names.extend(house.outputs.iter().map(|(owner, _)| (owner.value.as_str(), owner, Kind::Output)));
    names.extend(house.sensors.iter().map(|(owner, _)| (owner.value.as_str(), owner, Kind::Sensor)));
    names.extend(house.variables.iter().map(|(owner, _)| (owner.value.as_str(), owner, Kind::Variable)));
    names
}

/// AWS hangs up over a topic that is over its limits.
fn check_topic<const N: usize>(topic: &At<Topic<N>>, report: &mut Report<'_>) {
    let text = &topic.value.0;
    let slashes = text.matches('/').count();
    if slashes > limits::SLASHES && !topic.is_broken() {
        report.push(
            Diagnostic::error(topic.span.clone(), format!("a topic with {slashes} slashes"))
                .label(format!("AWS IoT takes {} of them", limits::SLASHES))
                .help("join some of its parts with - or _"),
        );
    }
    // As long as the names in it can be.
    let most = text.len() + text.matches('{').count() * crate::config::scalar::NAME_MAX;
    if most > limits::TOPIC && !topic.is_broken() {
        report.push(
            Diagnostic::error(topic.span.clone(), "a topic that can be too long")
                .label(format!("up to {most} bytes with the names, and AWS IoT takes {}", limits::TOPIC))
                .help("make it shorter"),
        );
    }
}
