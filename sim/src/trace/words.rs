//! The words that traces use. They are a promise: a case in the field expects them.

use campanile_core::decision::{By, Cause, EndWhy, FaultKind, ReplyResult, SafetyWhy, SkipWhy, Values};
use campanile_core::id::{Level, OutputId, ScenarioId, SensorId, TemplateId};
use campanile_core::input::{Op, Origin, OverrunWhy};
use campanile_delivery::symbols::Symbols;

pub(super) const fn level(level: Level) -> &'static str {
    if level.is_on() { "on" } else { "off" }
}

pub(super) const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Local => "local",
        Origin::Message => "message",
        Origin::Gateway => "gateway",
        Origin::Link => "link",
        Origin::Script => "script",
    }
}

pub(super) fn sensor(symbols: &Symbols, id: SensorId, value: Option<i32>) -> String {
    let name = symbols.sensor(id);
    if value.is_none() {
        return format!("{name} lost");
    }
    let unit = symbols.sensors.get(id.index()).map_or("", |sensor| &sensor.unit);
    format!("{name} = {} {unit}", symbols.kind(id).text(value)).trim_end().to_owned()
}

pub(super) fn op(symbols: &Symbols, op: &Op) -> String {
    match *op {
        Op::Set { output, level: to } => format!("set {} {}", symbols.output(output), level(to)),
        Op::Start { scenario } => format!("start {}", symbols.scenario(scenario)),
        Op::Stop { scenario } => format!("stop {}", symbols.scenario(scenario)),
        Op::Let { var, value } => format!("let {} = {value}", symbols.variable(var)),
        Op::Play { input, level: to } => format!("play {} {}", symbols.input(input), level(to)),
        Op::Expired {} => "too late".to_owned(),
        Op::Message { message } => format!("message {}", symbols.heard(message)),
    }
}

pub(super) const fn lost(why: OverrunWhy) -> &'static str {
    match why {
        OverrunWhy::Kernel => "in the kernel",
        OverrunWhy::Queue => "in the queue",
        OverrunWhy::Storm => "in a storm",
    }
}

pub(super) fn cause(symbols: &Symbols, cause: Cause) -> &str {
    match cause {
        Cause::Trigger { trigger } => symbols.trigger(trigger),
        Cause::Scenario { scenario } => symbols.scenario(scenario),
        Cause::Command { .. } => "command",
    }
}

pub(super) const fn skip(why: SkipWhy) -> &'static str {
    match why {
        SkipWhy::Condition => "condition false",
        SkipWhy::Unknown => "condition unknown",
        SkipWhy::Busy => "busy",
        SkipWhy::Value => "value unknown",
    }
}

pub(super) const fn end(why: EndWhy) -> &'static str {
    match why {
        EndWhy::Done => "itself",
        EndWhy::Ended => "end",
        EndWhy::Stopped => "stop",
        EndWhy::Fault => "fault",
        EndWhy::Reboot => "restart",
        EndWhy::Swap => "swap",
    }
}

/// Who wrote an output, in a word; `None` for the safe levels of a start, which nobody cares about.
pub fn writer(symbols: &Symbols, by: By) -> Option<&str> {
    Some(match by {
        By::Run { scenario, .. } => symbols.scenario(scenario),
        By::Command { .. } => "command",
        By::Safety { why } => match why {
            SafetyWhy::Start => return None,
            SafetyWhy::MaxOn => "max-on",
            SafetyWhy::RunEnded => "end of run",
            SafetyWhy::Link => "link",
            SafetyWhy::Stop => "stop",
            SafetyWhy::Swap => "swap",
            SafetyWhy::Fault => "fault",
        },
    })
}

pub(super) const fn reply(result: ReplyResult) -> &'static str {
    match result {
        ReplyResult::Done => "done",
        ReplyResult::Duplicate => "duplicate",
        ReplyResult::Unknown => "unknown",
        ReplyResult::Expired => "expired",
        ReplyResult::Refused => "refused",
    }
}

/// Whether a command was not carried out.
pub(super) const fn is_bad(result: ReplyResult) -> bool {
    !matches!(result, ReplyResult::Done)
}

/// Text and data of a message, as details.
pub(crate) fn message(symbols: &Symbols, id: TemplateId, values: &Values) -> Vec<String> {
    let Some(message) = symbols.messages.get(id.index()) else { return Vec::new() };
    let text = message.text(values.as_slice()).map(|text| format!("\"{text}\""));
    let data = message.data(values.as_slice());
    let data = data.iter().map(|(key, value)| format!("{key}={value}"));
    text.into_iter().chain(data).collect()
}

/// What is wrong, and where.
pub(super) fn fault(symbols: &Symbols, what: FaultKind, at: u8) -> (&'static str, String) {
    let scenario = |preposition| format!("{preposition} {}", symbols.scenario(ScenarioId(at)));
    let output = || format!("at {}", symbols.output(OutputId(at)));
    match what {
        FaultKind::DivisionByZero => ("division by zero", scenario("in")),
        FaultKind::Cascade => ("cascade", scenario("dropped")),
        FaultKind::AgendaFull => ("agenda full", scenario("dropped")),
        FaultKind::TooManySteps => ("too many steps", scenario("in")),
        FaultKind::OutputFailed => ("output failed", output()),
        FaultKind::SafetyHolds => ("safety holds", output()),
        FaultKind::LogicBug => ("logic bug", format!("at {at}")),
    }
}
