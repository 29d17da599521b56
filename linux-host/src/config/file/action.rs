//! What a scenario does.

use campanile_core::id::Level;
use campanile_core::time::Duration;
use serde_json::{Value, json};
use toml::de::DeValue;

use super::super::read::{At, Definitions, Node, Read, Report, choice, wrong_kind};
use super::super::scalar::{Facts, Name, Positive, Text, True};

choice! {
    /// One thing that a scenario does.
    pub enum Action("an action", list "a list of actions such as [{ set = \"lamp\", to = \"on\" }]", each "") {
        /// Drive an output.
        Set(SetAction) {
            /// Which output.
            "set" output (required): At<Text>,
            /// To which level.
            "to" to (required): Level,
        }
        /// An output on, wait, and off.
        Pulse(PulseAction) {
            /// Which output.
            "pulse" output (required): At<Text>,
            /// How long it is on.
            "for" length (required): At<Positive>,
        }
        /// Go on later.
        Wait(WaitAction) {
            /// How much later.
            "wait" length (required): At<Duration>,
        }
        /// Go on when something is true.
        Until(UntilAction) {
            /// What has to be true.
            "wait-until" condition (required): Condition,
            /// Go on after this time all the same; `timed-out` tells.
            "timeout" timeout (optional): At<Positive>,
        }
        /// Change a variable.
        Let(LetAction) {
            /// Which variable.
            "let" variable (required): At<Text>,
            /// Its new value.
            "be" value (required): Condition,
        }
        /// One or the other.
        If(IfAction) {
            /// What is asked.
            "if" condition (required): Condition,
            /// Done if it is true.
            "do" then (required): Vec<Action>,
            /// Done if it is false or unknown.
            "else" otherwise (empty): Vec<Action>,
        }
        /// Several times.
        Repeat(RepeatAction) {
            /// How many times, 0 to 65535.
            "repeat" times (required): Condition,
            /// What is done each time.
            "do" body (required): Vec<Action>,
        }
        /// Send a message to every sink that does not filter it away.
        Send(SendAction) {
            /// The message's name.
            "send" name (required): At<Name>,
            /// Its text; `{name}` stands for the value of an input, output, sensor or variable.
            "text" text (optional): At<Text>,
            /// Its data: plain values, and strings with `{name}`.
            "data" data (optional): At<Facts<false>>,
        }
        /// Start a scenario, as by a trigger.
        Start(StartAction) {
            /// Which.
            "start" scenario (required): At<Text>,
        }
        /// End the runs of a scenario.
        Stop(StopAction) {
            /// Which.
            "stop" scenario (required): At<Text>,
        }
        /// The run is over.
        End(EndAction) {
            /// Always true.
            "end" end (required): True,
        }
    }
}

impl Action {
    /// Whether a run may wait in it.
    pub fn waits(&self) -> bool {
        match self {
            Self::Wait(_) | Self::Pulse(_) | Self::Until(_) | Self::Broken => true,
            Self::If(branch) => branch.then.iter().chain(&branch.otherwise).any(Self::waits),
            Self::Repeat(repeat) => repeat.body.iter().any(Self::waits),
            _ => false,
        }
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

    fn hint(_: Node<'_>, _: &Report<'_>) -> Option<String> {
        Some("text between quotes, such as \"button == on and rings < 100\"".to_owned())
    }

    fn broken() -> Option<Self> {
        Some(Self(At { value: "0".to_owned(), span: 0..0 }))
    }
}
