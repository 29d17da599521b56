//! What two sinks cannot share.

use std::ops::Range;

use crate::config::file::{AwsIotSink, DiscoveryPrefix, FileSink, House, MqttSink, Sink};
use crate::config::read::Report;
use crate::config::source::Diagnostic;
use crate::sinks::mqtt::client_id_of;

/// Two sinks that would get into each other's way.
pub(super) fn check(house: &House, report: &mut Report<'_>) {
    let mut clients: Vec<(&MqttSink, String, Range<usize>)> = Vec::new();
    let mut files: Vec<&FileSink> = Vec::new();
    let mut things: Vec<&AwsIotSink> = Vec::new();
    let node = house.node.0.as_ref().map_or_else(String::new, |node| node.name.value.0.clone());
    // What a sink without a name of its own is called counts too.
    let thing =
        |sink: &AwsIotSink| sink.thing.as_ref().map_or_else(|| node.clone(), |thing| thing.value.0.clone());
    for (name, sink) in house.sinks.iter() {
        match sink {
            Some(Sink::Mqtt(mqtt)) if !mqtt.url.is_broken() => {
                let written = mqtt.client_id.as_ref();
                let id = written.map_or_else(|| client_id_of(&node, &name.value), |id| id.value.0.clone());
                let span = written.map_or_else(|| name.span.clone(), |id| id.span.clone());
                let same = |(other, other_id, _): &&(&MqttSink, String, Range<usize>)| {
                    other.url.value == mqtt.url.value && *other_id == id
                };
                if let Some((.., first)) = clients.iter().find(same) {
                    report.push(
                        Diagnostic::error(span.clone(), "two sinks with one client-id at one broker")
                            .label("a second time")
                            .other(first.clone(), "the first time")
                            .help("the broker would disconnect one of them: give each its own, or none"),
                    );
                }
                check_discovery(mqtt, clients.iter().map(|(other, ..)| *other), report);
                clients.push((mqtt, id, span));
            }
            Some(Sink::AwsIot(aws)) if !aws.endpoint.is_broken() => {
                let same = |other: &&AwsIotSink| {
                    other.endpoint.value == aws.endpoint.value && thing(other) == thing(aws)
                };
                if let Some(first) = things.iter().copied().find(same) {
                    report.push(
                        Diagnostic::error(
                            aws.endpoint.span.clone(),
                            "two sinks use one thing at one endpoint",
                        )
                        .label("a second time")
                        .other(first.endpoint.span.clone(), "the first time")
                        .help("AWS IoT would disconnect one of them: give each its own `thing`"),
                    );
                }
                things.push(aws);
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

/// Each takes back what the program does not have by its own `only`: the other's introductions too.
fn check_discovery<'a>(
    mqtt: &MqttSink,
    mut earlier: impl Iterator<Item = &'a MqttSink>,
    report: &mut Report<'_>,
) {
    let introduces = |sink: &MqttSink| matches!(sink.discovery, Some(DiscoveryPrefix::Prefix(_)));
    let same = |other: &&MqttSink| other.url.value == mqtt.url.value && other.discovery == mqtt.discovery;
    if introduces(mqtt) && earlier.any(|other| same(&other)) {
        report.push(
            Diagnostic::error(
                mqtt.url.span.clone(),
                "two sinks announce this node to Home Assistant at one broker",
            )
            .label("with `discovery` a second time")
            .help(
                "keep `discovery` on one of them, whose `only` includes all that Home Assistant should know",
            ),
        );
    }
}
