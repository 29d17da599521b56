//! What makes a scenario run.

use campanile_core::id::Level;

use super::super::read::{At, choice, words};
use super::super::scalar::{Decimal, HeardName, LONGEST, MS, Positive, Text, True, Within, text};

choice! {
    /// What makes a scenario run.
    pub enum Trigger("a trigger", list "a list of triggers such as [{ input = \"button\", to = \"on\" }]", each "a trigger by ") {
        /// An input changed, or has stayed so.
        Input(InputTrigger) {
            /// Which input.
            "input" input (required): At<Text>,
            /// To which level; both without it.
            "to" to (optional): Level,
            /// It has stayed so for this time, measured from the decision.
            "for" hold (optional): At<Positive>,
        }
        rules [
            Rule::needs("for", &["to"], "which level has to last?", "add to = \"on\" or to = \"off\""),
        ]
        /// An output changed.
        Output(OutputTrigger) {
            /// Which output.
            "output" output (required): At<Text>,
            /// To which level; both without it.
            "to" to (optional): Level,
        }
        /// A variable changed.
        Variable(VariableTrigger) {
            /// Which variable.
            "variable" variable (required): At<Text>,
        }
        /// A sensor crossed a limit; without a limit, its value changed.
        Sensor(SensorTrigger) {
            /// Which sensor.
            "sensor" sensor (required): At<Text>,
            /// It rose above this.
            "above" above (optional): At<Decimal>,
            /// It fell below this.
            "below" below (optional): At<Decimal>,
            /// How far it must come back before it can fire again.
            "hysteresis" hysteresis (optional): At<Decimal>,
        }
        rules [
            Rule::excludes(
                "below", "above", "both limits in one trigger",
                "write two triggers; or one of them, and the other limit in the scenario's `if`",
            ),
            Rule::needs("hysteresis", &["above", "below"], "of which limit?", "add `above` or `below`, or leave it out"),
        ]
        /// Again and again, without drift.
        Every(EveryTrigger) {
            /// How long from one to the next, at least "1ms".
            "every" period (required): At<Within<MS, LONGEST>>,
        }
        /// A time of day.
        At(AtTrigger) {
            /// The time, such as "07:30".
            "at" time (required): At<TimeText>,
            /// On which days, such as "mon-fri"; every day without it.
            "days" days (optional): At<DaysText>,
        }
        /// Times by the rules of cron.
        Cron(CronTrigger) {
            /// Minute, hour, day of the month, month, day of the week, such as "*/5 8-20 * * mon-fri".
            "cron" times (required): At<CronText>,
        }
        /// A sink or peer came or went.
        Link(LinkTrigger) {
            /// Which.
            "link" peer (required): At<Text>,
            /// Came or went; both without it.
            "to" to (optional): LinkState,
        }
        /// A message came, from another node for instance, or from a satellite.
        Message(MessageTrigger) {
            /// Its name; a satellite's with the satellite's in front, such as "porch.doorbell".
            "message" message (required): At<HeardName>,
        }
        /// The node has started, or this program was installed.
        Started(StartedTrigger) {
            /// Always true.
            "started" started (required): True,
        }
    }
}

/// A time of day as it is written; `schedule_text` reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeText(pub String);

text!(
    TimeText,
    "a time of day such as \"07:30\"",
    { "type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?$" },
    |text| Ok(Self(text.to_owned())),
    broken: Self(String::new())
);

/// Days as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaysText(pub String);

text!(
    DaysText,
    "days such as \"mon-fri\"",
    { "type": "string", "pattern": "^[A-Za-z, -]+$" },
    |text| Ok(Self(text.to_owned()))
);

/// A text of cron as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronText(pub String);

text!(
    CronText,
    "a text of cron such as \"*/5 8-20 * * mon-fri\"",
    { "type": "string", "pattern": "^ *(@[A-Za-z]+|[^ ]+( +[^ ]+){4}) *$" },
    |text| Ok(Self(text.to_owned())),
    broken: Self(String::new())
);

/// Whether a sink or peer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It came.
    Up,
    /// It went.
    Down,
}

words!(LinkState, "\"up\" or \"down\"", { "up" => LinkState::Up, "down" => LinkState::Down });
