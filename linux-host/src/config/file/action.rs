//! What a scenario does.

use campanile_core::id::Level;
use campanile_core::time::Duration;
use serde_json::{Value, json};
use toml::de::DeValue;

use super::super::read::{At, Definitions, Node, Read, Report, choice, table, wrong_kind};
use super::super::scalar::{Facts, Text};

choice! {
    /// One thing that a scenario does.
    pub enum Action("an action") {
        /// Drive an output.
        "set" => Set(SetAction),
        /// An output on, wait, and off.
        "pulse" => Pulse(PulseAction),
        /// Go on later.
        "wait" => Wait(WaitAction),
        /// Go on when something is true.
        "wait-until" => Until(UntilAction),
        /// Change a variable.
        "let" => Let(LetAction),
        /// One or the other.
        "if" => If(IfAction),
        /// Several times.
        "repeat" => Repeat(RepeatAction),
        /// Send a message.
        "send" => Send(SendAction),
        /// Start a scenario.
        "start" => Start(StartAction),
        /// End the runs of a scenario.
        "stop" => Stop(StopAction),
        /// The run is over.
        "end" => End(EndAction),
    }
}

table! {
    /// Drive an output.
    pub struct SetAction("`set`") {
        /// Which output.
        "set" output (required): At<Text>,
        /// To which level.
        "to" to (required): Level,
    }
}

table! {
    /// An output on, wait, and off.
    pub struct PulseAction("`pulse`") {
        /// Which output.
        "pulse" output (required): At<Text>,
        /// How long it is on.
        "for" length (required): At<Duration>,
    }
}

table! {
    /// Go on later.
    pub struct WaitAction("`wait`") {
        /// How much later.
        "wait" length (required): At<Duration>,
    }
}

table! {
    /// Go on when something is true.
    pub struct UntilAction("`wait-until`") {
        /// What has to be true.
        "wait-until" condition (required): Condition,
        /// Go on after this time all the same; `timed-out` tells.
        "timeout" timeout (optional): At<Duration>,
    }
}

table! {
    /// Change a variable.
    pub struct LetAction("`let`") {
        /// Which variable.
        "let" variable (required): At<Text>,
        /// Its new value.
        "be" value (required): Condition,
    }
}

table! {
    /// One or the other.
    pub struct IfAction("`if`") {
        /// What is asked.
        "if" condition (required): Condition,
        /// Done if it is true.
        "do" then (required): Vec<Action>,
        /// Done if it is false or unknown.
        "else" otherwise (empty): Vec<Action>,
    }
}

table! {
    /// Several times.
    pub struct RepeatAction("`repeat`") {
        /// How many times, 0 to 65535.
        "repeat" times (required): Condition,
        /// What is done each time.
        "do" body (required): Vec<Action>,
    }
}

table! {
    /// Send a message to every sink that does not filter it away.
    pub struct SendAction("`send`") {
        /// The message's name.
        "send" name (required): At<super::Name>,
        /// Its text; `{name}` stands for the value of an input, output, sensor or variable.
        "text" text (optional): At<Text>,
        /// Its data: plain values, and strings with `{name}`.
        "data" data (optional): At<Facts>,
    }
}

table! {
    /// Start a scenario, as by a trigger.
    pub struct StartAction("`start`") {
        /// Which.
        "start" scenario (required): At<Text>,
    }
}

table! {
    /// End the runs of a scenario.
    pub struct StopAction("`stop`") {
        /// Which.
        "stop" scenario (required): At<Text>,
    }
}

table! {
    /// The run is over.
    pub struct EndAction("`end`") {
        /// Always true.
        "end" end (required): At<bool>,
    }
}

/// An expression: a string, or a plain integer, true or false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition(pub At<String>);

impl Read for Condition {
    const WHAT: &'static str = "an expression such as \"rings < 100\"";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let text = match node.value() {
            DeValue::String(text) => text.clone().into_owned(),
            DeValue::Integer(value) if value.radix() == 10 => value.as_str().to_owned(),
            DeValue::Boolean(value) => value.to_string(),
            _ => {
                wrong_kind::<Self>(node, report);
                return None;
            }
        };
        Some(Self(At { value: text, span: node.span() }))
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": ["string", "integer", "boolean"] })
    }
}
