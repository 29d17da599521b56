//! What makes a scenario run.

use campanile_core::id::Level;
use campanile_core::time::Duration;

use super::super::read::{At, choice, table, words};
use super::super::scalar::{Decimal, Text};

choice! {
    /// What makes a scenario run.
    pub enum Trigger("a trigger") {
        /// An input changed, or has stayed so.
        "input" => Input(InputTrigger),
        /// An output changed.
        "output" => Output(OutputTrigger),
        /// A variable changed.
        "variable" => Variable(VariableTrigger),
        /// A sensor changed, or crossed a limit.
        "sensor" => Sensor(SensorTrigger),
        /// Again and again.
        "every" => Every(EveryTrigger),
        /// A time of day.
        "at" => At(AtTrigger),
        /// Times by the rules of cron.
        "cron" => Cron(CronTrigger),
        /// A sink or peer came or went.
        "link" => Link(LinkTrigger),
        /// The node has started.
        "started" => Started(StartedTrigger),
    }
}

table! {
    /// An input changed, or has stayed so.
    pub struct InputTrigger("a trigger by `input`") {
        /// Which input.
        "input" input (required): At<Text>,
        /// To which level; both without it.
        "to" to (optional): Level,
        /// It has stayed so for this time, measured from the decision.
        "for" hold (optional): At<Duration>,
    }
}

table! {
    /// An output changed.
    pub struct OutputTrigger("a trigger by `output`") {
        /// Which output.
        "output" output (required): At<Text>,
        /// To which level; both without it.
        "to" to (optional): Level,
    }
}

table! {
    /// A variable changed.
    pub struct VariableTrigger("a trigger by `variable`") {
        /// Which variable.
        "variable" variable (required): At<Text>,
    }
}

table! {
    /// A sensor crossed a limit; without a limit, its value changed.
    pub struct SensorTrigger("a trigger by `sensor`") {
        /// Which sensor.
        "sensor" sensor (required): At<Text>,
        /// It rose above this.
        "above" above (optional): At<Decimal>,
        /// It fell below this.
        "below" below (optional): At<Decimal>,
        /// How far it must come back before it can fire again.
        "hysteresis" hysteresis (optional): At<Decimal>,
    }
}

table! {
    /// Again and again, without drift.
    pub struct EveryTrigger("a trigger by `every`") {
        /// How long from one to the next.
        "every" period (required): At<Duration>,
    }
}

table! {
    /// A time of day.
    pub struct AtTrigger("a trigger by `at`") {
        /// The time, such as "07:30".
        "at" time (required): At<Text>,
        /// On which days, such as "mon-fri"; every day without it.
        "days" days (optional): At<Text>,
    }
}

table! {
    /// Times by the rules of cron.
    pub struct CronTrigger("a trigger by `cron`") {
        /// Minute, hour, day of the month, month, day of the week, such as "*/5 8-20 * * mon-fri".
        "cron" times (required): At<Text>,
    }
}

table! {
    /// A sink or peer came or went.
    pub struct LinkTrigger("a trigger by `link`") {
        /// Which.
        "link" peer (required): At<Text>,
        /// Came or went; both without it.
        "to" to (optional): LinkState,
    }
}

/// Whether a sink or peer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It came.
    Up,
    /// It went.
    Down,
}

words!(LinkState, "\"up\" or \"down\"", { "up" => LinkState::Up, "down" => LinkState::Down });

table! {
    /// The node has started, or this program was installed.
    pub struct StartedTrigger("a trigger by `started`") {
        /// Always true.
        "started" started (required): At<bool>,
    }
}
