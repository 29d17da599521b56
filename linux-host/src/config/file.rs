//! The file: every key, its type, its default and what it means. These declarations read the file and make its JSON
//! Schema; nothing else knows a key.

mod action;
mod board;
mod satellite;
mod sink;
mod trigger;

use std::ops::Range;

use campanile_core::id::Level;
use campanile_core::program::AfterRestart;
use campanile_core::time::Duration;
use campanile_delivery::symbols::{Active, Drive, Line, Pull};
use serde_json::{Value, json};
use toml::de::DeValue;

use super::debounce_text::DebounceText;
use super::read::{At, Definitions, Entries, Needed, Node, Read, Report, table, words};
use super::scalar::{
    Decimal, Facts, H, HeardName, Int, LONGEST, MS, Name, NodeName, Number, Rate, S, SizeWithin, Text,
    Within, Word,
};

pub use action::{Action, Condition, IfAction, PulseAction, RepeatAction, SendAction};
pub use board::{Board, GpiochipBoard, RppalBoard, SerialBoard, VirtualBoard};
pub use satellite::{Satellite, WithoutLink};
pub use sink::{
    AwsIotSink, Beat, ChimeSink, CommandFilters, Common, ConsoleSink, DiscoveryPrefix, ExecSink, FileSink,
    Filled, Filter, Filters, FollowTable, HeaderSecret, HeaderSource, Link, MastodonSink, MqttSink, NtfySink,
    Quota, Sink, Target, Topic, Topics, WebhookSink, XSink, only, secret,
};
pub use trigger::{AtTrigger, CronTrigger, InputTrigger, LinkState, LinkTrigger, SensorTrigger, Trigger};

table! {
    /// A house: its lines, its numbers, its scenarios, and who is told.
    pub struct House("the file") {
        /// Who this is.
        "node" node (required): Needed<NodeTable>,
        /// The journal: records on disk.
        "journal" journal (table): Journal,
        /// Boards: what has lines. With one board, inputs and outputs need not name it; without any there is `pi`, a
        /// gpiochip found by itself.
        "boards" boards (empty): Entries<Board>,
        /// Inputs: lines that are watched.
        "inputs" inputs (empty): Entries<Input>,
        /// Outputs: lines that are driven.
        "outputs" outputs (empty): Entries<Output>,
        /// Sensors: named numbers; values arrive by `feed`, a board or a message.
        "sensors" sensors (empty): Entries<Sensor>,
        /// Variables: named integers with their first values.
        "variables" variables (empty): Entries<Number>,
        /// Scenarios: when, if, do.
        "scenarios" scenarios (empty): Needed<Vec<Scenario>>,
        /// Sinks: who is told what happens.
        "sinks" sinks (empty): Entries<Sink>,
        /// Satellites: nodes of their own at the other end of a serial line.
        "satellites" satellites (empty): Entries<Satellite>,
    }
}

impl Scenario {
    /// Where to say what is wrong with the whole: at its name.
    pub fn place(&self) -> Range<usize> {
        if self.name.is_broken() { self.span.clone() } else { self.name.span.clone() }
    }
}

impl House {
    /// Its scenarios.
    pub fn scenarios(&self) -> &[Scenario] {
        self.scenarios.0.as_deref().unwrap_or_default()
    }

    /// The messages that its triggers wait for, as often as they do.
    pub fn heard(&self) -> impl Iterator<Item = &At<HeardName>> {
        self.scenarios().iter().flat_map(|scenario| &scenario.when).filter_map(|trigger| match trigger {
            Trigger::Message(trigger) => Some(&trigger.message),
            _ => None,
        })
    }
}

table! {
    /// Who this is.
    pub struct NodeTable("[node]") {
        /// The node's name: a-z, 0-9 and -, up to 32.
        "name" name (required): At<NodeName>,
        /// An IANA time zone for `at`, `cron`, `hour`, `minute` and `weekday`; the system's without it.
        "timezone" timezone (optional): At<Word>,
    }
}

table! {
    /// The journal: records on disk, under /var/lib/campanile as a service, else $XDG_STATE_HOME/campanile.
    pub struct Journal("[journal]") {
        /// The most it takes on disk, from "256KiB" to "1TiB"; the oldest goes first.
        "size" size (= "256MiB"): At<JournalSize>,
        /// Records older than this go, at least "1h", or "forever".
        "age" age (= "forever"): At<Age>,
        /// Records reach the disk at the latest after this time, "1ms" to "1min", or "always" before they are
        /// published.
        "sync" sync (= "200ms"): At<Sync>,
        /// When it is full and a sink has not read the oldest: drop-oldest, or keep it and drop the newest.
        "when-full" when_full (= "drop-oldest"): WhenFull,
    }
}

/// A few segments at least, and no more than any disk has.
type JournalSize = SizeWithin<{ 256 << 10 }, { 1 << 40 }>;

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// As long as there is room.
    Forever,
    /// At the most.
    Most(Duration),
}

/// When records reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Each before it is published.
    Always,
    /// At the latest after this time.
    Every(Duration),
}

/// What happens to a full journal that a sink has not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The oldest records go, counted.
    DropOldest,
    /// New records go, counted.
    Keep,
}

words!(WhenFull, "a policy for a full journal", {
    "drop-oldest" => WhenFull::DropOldest, "keep" => WhenFull::Keep,
});

/// A duration within bounds, or a word that stands for something else.
macro_rules! duration_or {
    ($ty:ty, $what:literal, $word:literal => $value:expr, $within:ty => $make:expr) => {
        impl Read for $ty {
            const WHAT: &'static str = $what;

            fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
                match node.value() {
                    DeValue::String(word) if word == $word => Some($value),
                    DeValue::String(_) => {
                        let or = concat!(", or \"", $word, "\"");
                        <$within>::read_or(node, or, report).map(|span| $make(span.0))
                    }
                    _ => {
                        super::read::wrong_kind::<Self>(node, report);
                        None
                    }
                }
            }

            fn hint(node: Node<'_>, report: &Report<'_>) -> Option<String> {
                Duration::hint(node, report)
            }

            fn schema(definitions: &mut Definitions) -> Value {
                json!({ "anyOf": [{ "const": $word }, <$within>::schema(definitions)] })
            }
        }
    };
}
duration_or!(Age, "a duration such as \"90d\", or \"forever\"", "forever" => Self::Forever, Within<H, LONGEST> => Self::Most);
duration_or!(Sync, "a duration such as \"200ms\", or \"always\"", "always" => Self::Always, Within<MS, { 60 * S }> => Self::Every);

table! {
    /// An input: a line that is watched.
    pub struct Input("an input") {
        /// Which board its line is on; needed when there are several.
        "board" board (optional): At<Text>,
        /// The line: its name such as "GPIO14", or its offset.
        "line" line (required): At<Line>,
        /// The bias: up, down, none, or as-is to leave it alone.
        "pull" pull (= "as-is"): Pull,
        /// Which voltage means on.
        "active" active (= "high"): Active,
        /// How bounces are kept away; for buttons "asym 20ms 30ms".
        "debounce" debounce (= "10ms"): At<DebounceText>,
        /// The guard against a line that never rests: so many edges per second in the long run, or "off".
        "storm" storm (= "500/s"): Rate,
        /// Records of this input are on disk before they are published.
        "durable" durable (= false): bool,
        /// What it is: button, or one of Home Assistant's device classes for binary sensors.
        "class" class (= "button"): Class,
        /// What else to report with its state.
        "report" report (optional): ReportTable,
    }
}

table! {
    /// What to report with the state of an input.
    pub struct ReportTable("a report") {
        /// Added to the object when it is on.
        "on" on (empty): Facts<true>,
        /// Added to the object when it is off.
        "off" off (empty): Facts<true>,
        /// The state is published again after so long, at least "100ms".
        "every" every (optional): At<Within<{ 100 * MS }, LONGEST>>,
    }
}

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class(pub &'static str);

/// Declares the classes that [`Class`] reads.
macro_rules! classes {
    ($($word:literal)*) => {
        words!(Class, "a class of input", { $($word => Class($word)),* });
    };
}
classes! {
    "button" "battery" "battery_charging" "carbon_monoxide" "cold" "connectivity" "door" "garage_door" "gas" "heat"
    "light" "lock" "moisture" "motion" "moving" "occupancy" "opening" "plug" "power" "presence" "problem" "running"
    "safety" "smoke" "sound" "tamper" "update" "vibration" "window"
}

table! {
    /// An output: a line that is driven.
    pub struct Output("an output") {
        /// Which board its line is on; needed when there are several.
        "board" board (optional): At<Text>,
        /// The line: its name such as "GPIO23", or its offset.
        "line" line (required): At<Line>,
        /// Which voltage means on.
        "active" active (= "high"): Active,
        /// The level at start, at stop and on a fault.
        "safe" safe (= "off"): At<Level>,
        /// The longest time away from the safe level, at least "1ms".
        "max-on" max_on (optional): At<Within<MS, LONGEST>>,
        /// How the line is driven.
        "drive" drive (= "push-pull"): At<Drive>,
        /// Of a satellite: what it does when the link dies over which it was switched, hold or safe.
        "without-link" without_link (optional): At<WithoutLink>,
    }
}

table! {
    /// A sensor: a named number.
    pub struct Sensor("a sensor") {
        /// The unit of its values, as it is shown.
        "unit" unit (= ""): Text,
        /// How many decimals are kept: the engine calculates with integers of this many decimals.
        "decimals" decimals (= 0): At<Int<0, 9>>,
        /// Smaller changes than this do not enter.
        "deadband" deadband (= 0): At<Decimal>,
        /// Values do not enter faster than this, up to "1d".
        "min-interval" min_interval (= "0s"): Within<0, { 24 * H }>,
    }
}

table! {
    /// A scenario: when something happens, and if a condition holds, do this.
    pub struct Scenario("a scenario") {
        /// Its name.
        "name" name (required): At<Name>,
        /// What makes it run; without any it is started by other scenarios and commands.
        "when" when (empty): Vec<Trigger>,
        /// It runs only if this is true then.
        "if" condition (optional): Condition,
        /// What it does.
        "do" actions (required): Vec<Action>,
        /// What happens when it is to run while it runs: it is skipped, begins anew, waits, or runs too.
        "mode" mode (= "single"): At<ModeWord>,
        /// The most runs at once, of queued (those that wait included) and parallel: 2 to 254.
        "max" max (optional): At<Int<2, 254>>,
        /// What happens to its runs when the power comes back.
        "after-restart" after_restart (= "cancel"): At<AfterRestart>,
    }
    rules [
        Rule::not_with(
            "max", "mode", &["single", "restart"], "only for queued and parallel",
            "leave it out, or write mode = \"queued\" or mode = \"parallel\"",
        ),
    ]
}

/// What happens when a scenario is to run while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModeWord {
    /// It is skipped.
    Single,
    /// The run begins anew.
    Restart,
    /// It waits for its turn.
    Queued,
    /// It runs too.
    Parallel,
}

words!(ModeWord, "a mode", {
    "single" => ModeWord::Single, "restart" => ModeWord::Restart, "queued" => ModeWord::Queued,
    "parallel" => ModeWord::Parallel,
});
words!(AfterRestart, "a restart policy", {
    "resume" => AfterRestart::Resume, "cancel" => AfterRestart::Cancel,
    "fire-if-missed" => AfterRestart::FireIfMissed,
});
