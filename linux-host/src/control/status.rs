//! The house at a glance: what `status` shows and `status --json` prints. Fields may be added, never renamed.

use serde::{Deserialize, Serialize};

use super::switch::Switch;
use crate::satellites::view::SatelliteStatus;

/// Everything of a running house.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Status {
    /// The node's name.
    pub node: String,
    /// The daemon's version.
    pub version: String,
    /// This start: the counter of starts and 32 random bits.
    pub boot: String,
    /// Seconds since the daemon started.
    pub uptime_s: f64,
    /// The time of day, RFC 3339 with the node's offset.
    pub time: String,
    /// Whether that is synchronised.
    pub trusted: bool,
    /// Whether the loop runs with real-time priority.
    pub realtime: bool,
    /// The file that runs.
    pub file: String,
    /// The hash of its program.
    pub program: String,
    /// In the order of the file.
    pub inputs: Vec<InputStatus>,
    /// In the order of the file.
    pub outputs: Vec<OutputStatus>,
    /// In the order of the file.
    pub sensors: Vec<SensorStatus>,
    /// In the order of the file.
    pub variables: Vec<VariableStatus>,
    /// In the order of the file.
    pub scenarios: Vec<ScenarioStatus>,
    /// In the order of the file.
    pub sinks: Vec<SinkStatus>,
    /// In the order of the file.
    pub satellites: Vec<SatelliteStatus>,
    /// The log on disk.
    pub journal: JournalStatus,
    /// Everything that was lost, since the start of the daemon.
    pub losses: Losses,
}

/// One input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct InputStatus {
    /// Its name.
    pub name: String,
    /// Board and line.
    pub line: String,
    /// The debounced level.
    pub value: Option<Switch>,
    /// The level as of the last edge.
    pub raw: Option<Switch>,
    /// Debounced changes since the start.
    pub events: u64,
    /// Raw edges since the start.
    pub edges: u64,
    /// Of these, suppressed as bounces.
    pub bounces: u64,
    /// Edges lost in front of the engine.
    pub lost: u64,
    /// Seconds since the last debounced change.
    pub changed_s: Option<f64>,
}

/// One output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct OutputStatus {
    /// Its name.
    pub name: String,
    /// Board and line.
    pub line: String,
    /// Its level.
    pub value: Option<Switch>,
    /// Who wrote it last: a scenario, `command`, `start`, `max-on`, ...
    pub by: String,
    /// The hardware does not take the level.
    pub failed: bool,
    /// Seconds since it was written.
    pub changed_s: Option<f64>,
}

/// One sensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct SensorStatus {
    /// Its name.
    pub name: String,
    /// Its value with its decimals; none if it is not known.
    pub value: Option<String>,
    /// The unit.
    pub unit: String,
    /// Seconds since the value changed.
    pub changed_s: Option<f64>,
}

/// One variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct VariableStatus {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: i32,
}

/// One scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ScenarioStatus {
    /// Its name.
    pub name: String,
    /// Runs that are not over.
    pub running: u32,
    /// Runs since the start of the daemon.
    pub runs: u64,
    /// Occurrences that started none.
    pub skipped: u64,
    /// Faults.
    pub faults: u64,
    /// Seconds since the last run began.
    pub last_s: Option<f64>,
}

/// One sink.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct SinkStatus {
    /// Its name.
    pub name: String,
    /// `mqtt`, `file`, `console`, ...
    pub kind: String,
    /// In words: `connected`, `retrying in 4 s: connection refused`.
    pub state: String,
    /// Whether it delivers now.
    pub up: bool,
    /// Records behind its cursor; none while that is in an earlier start.
    pub lag: Option<u64>,
    /// Seconds that the oldest message under way has been so.
    pub lag_s: Option<f64>,
    /// Delivered since the start.
    pub delivered: u64,
    /// Bytes of topics and payloads that went out since the start, repeats included.
    pub bytes: u64,
    /// About what that cost this month, since the start, where a receiver takes money.
    pub nanodollars: Option<u64>,
    /// Refused for good by the receiver.
    pub dead_letters: u64,
    /// Why, of the last of these.
    pub last_dead_letter: Option<String>,
    /// Seconds until the next may go, while the sink's quota is used up and something waits.
    pub quota_s: Option<f64>,
    /// Records that were gone before it had read them.
    pub lost: u64,
    /// Commands and messages that came in over it and were carried out.
    pub taken: u64,
    /// What came in and was not carried out.
    pub turned_away: u64,
    /// Why, of the last of these.
    pub last_turned_away: Option<String>,
}

/// The log on disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct JournalStatus {
    /// Where it is.
    pub path: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// The bound of `bytes`.
    pub bytes_max: u64,
    /// Files of records.
    pub segments: usize,
    /// The number of the last record.
    pub seq: u64,
    /// Why it goes on from memory, if it does.
    pub degraded: Option<String>,
    /// Bytes of memory that stand in for the disk.
    pub memory: usize,
    /// Writes since the start, for the wear of the card.
    pub writes: u64,
    /// Syncs since the start.
    pub syncs: u64,
}

/// What was lost: nothing is dropped silently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Losses {
    /// Edges, in the kernel's buffers.
    pub kernel: u64,
    /// Inputs, in the queue to the engine.
    pub queue: u64,
    /// Edges, masked by the storm guard.
    pub storm: u64,
    /// Moments of `every` that fell into a stall.
    pub missed: u64,
    /// Stalls of the loop.
    pub stalls: u64,
    /// Records that the journal could not keep.
    pub journal: u64,
    /// Records deleted before a sink had delivered them.
    pub dropped: u64,
    /// Parts of the journal that could not be read.
    pub damaged: u64,
    /// Faults of scenarios and outputs.
    pub faults: u64,
}

impl Losses {
    /// The figures with what they mean, for a person.
    pub fn entries(&self) -> [(&'static str, u64); 9] {
        [
            ("edges lost in the kernel", self.kernel),
            ("inputs lost in the queue", self.queue),
            ("edges masked as a storm", self.storm),
            ("moments missed", self.missed),
            ("stalls", self.stalls),
            ("records the journal lost", self.journal),
            ("records dropped before delivery", self.dropped),
            ("damaged parts of the journal", self.damaged),
            ("faults", self.faults),
        ]
    }
}
