//! `kind = "aws-iot"`: what its table alone cannot tell is wrong.

use crate::config::file::{AwsIotSink, Topic};
use crate::config::read::{At, Report};
use crate::config::source::Diagnostic;
use crate::sinks::aws_iot::limits;

/// Checks one.
pub(super) fn check(sink: &AwsIotSink, report: &mut Report<'_>) {
    let topics = &sink.topics;
    check_topic(&topics.state, report);
    check_topic(&topics.message, report);
    check_topic(&topics.diagnostics, report);
    super::mqtt::check_apart(
        &[
            ("state", &topics.state.value.0, &topics.state.span),
            ("message", &topics.message.value.0, &topics.message.span),
            ("diagnostics", &topics.diagnostics.value.0, &topics.diagnostics.span),
        ],
        report,
    );
    if sink.shadow {
        return;
    }
    super::mqtt::check_states(&topics.state, report);
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
