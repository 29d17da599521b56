//! The symbol table: the names behind the ids of one image, and what the host knows of its inputs and outputs.
//!
//! The compiler writes it beside the image; the journal keeps both by the image's hash, so that records of years ago
//! still have names. Its form is JSON with a version: fields may be added, never renamed; a table of a newer version is
//! refused. Every getter gives something for every id: an id that the table has not is shown as `?`.

mod message;
#[cfg(test)]
mod tests;

use campanile_core::id::{
    InputId, Level, MessageId, OutputId, PeerId, ScenarioId, SensorId, TemplateId, TriggerId, VarId,
};
use campanile_core::time::Duration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use message::{Datum, Kind, Message, Part, Slot, number};

/// The version that this build writes, and the newest that it reads.
pub const VERSION: u16 = 1;

/// What is shown for an id that the table has not.
const NOBODY: &str = "?";

/// Names for the ids of one image, each list in the order of the ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Symbols {
    version: u16,
    /// The node's name.
    pub node: String,
    /// Inputs.
    pub inputs: Vec<Input>,
    /// Outputs.
    pub outputs: Vec<Output>,
    /// Sensors.
    pub sensors: Vec<Sensor>,
    /// Variables.
    pub variables: Vec<String>,
    /// Scenarios.
    pub scenarios: Vec<String>,
    /// Triggers.
    pub triggers: Vec<Trigger>,
    /// Messages: what `send` sends.
    pub messages: Vec<Message>,
    /// Who may be at the other end of a wire: the sinks.
    pub peers: Vec<String>,
    /// Messages that triggers wait for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<String>,
}

/// An input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Which board its line is on.
    pub board: String,
    /// Its line.
    pub line: Line,
    /// Which voltage means on.
    pub active: Active,
    /// The bias to ask for.
    pub pull: Pull,
    /// What it is, in Home Assistant's words for binary sensors, or `button`.
    pub class: String,
    /// Its records are synced to disk before they are published.
    pub durable: bool,
    /// What else to report with its state.
    pub report: Report,
}

/// An output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Which board its line is on.
    pub board: String,
    /// Its line.
    pub line: Line,
    /// Which voltage means on.
    pub active: Active,
    /// How the line is driven.
    pub drive: Drive,
    /// The level to request the line with.
    pub safe: Level,
}

/// A sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sensor {
    /// Its name.
    pub name: String,
    /// The unit of its values, empty if it has none.
    pub unit: String,
    /// How many decimals its integers have.
    pub decimals: u8,
    /// In front of the engine: smaller changes than this do not enter, in units of its last decimal.
    pub deadband: i32,
    /// In front of the engine: values do not enter faster than this, in microseconds.
    pub min_interval_us: u64,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Trigger {
    /// Whose it is.
    pub scenario: ScenarioId,
    /// What stands behind "by" in a trace: `button`, `every 5min`, `at 07:30`.
    pub by: String,
    /// The whole of it: `button on for 5s`.
    pub text: String,
}

/// A line of a board, as the file names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// By its offset on the chip.
    Offset(u32),
    /// By its name.
    Name(String),
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Offset(offset) => write!(f, "{offset}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What to report with the state of an input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Added to the object when it is on.
    pub on: Map<String, Value>,
    /// Added to the object when it is off.
    pub off: Map<String, Value>,
    /// The state is published again after so many microseconds.
    pub every_us: Option<u64>,
}

impl Report {
    /// What is added at a level.
    pub const fn at(&self, level: Level) -> &Map<String, Value> {
        match level {
            Level::On => &self.on,
            Level::Off => &self.off,
        }
    }

    /// After how long the state is published again.
    pub fn every(&self) -> Option<Duration> {
        self.every_us.map(Duration::from_micros)
    }
}

/// Which voltage of a line means on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Active {
    /// The high one.
    #[default]
    High,
    /// The low one.
    Low,
}

/// The bias of an input's line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pull {
    /// Towards the high voltage.
    Up,
    /// Towards the low voltage.
    Down,
    /// Switched off.
    None,
    /// Not touched.
    #[default]
    AsIs,
}

/// How an output's line is driven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drive {
    /// Both voltages.
    #[default]
    PushPull,
    /// The low one only.
    OpenDrain,
    /// The high one only.
    OpenSource,
}

/// Why bytes are not a symbol table of this build.
#[derive(Debug)]
pub enum SymbolsError {
    /// Written by a newer build.
    Newer {
        /// Its version.
        have: u16,
    },
    /// Something else.
    Damaged(serde_json::Error),
}

impl std::fmt::Display for SymbolsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Newer { have } => {
                write!(
                    f,
                    "the symbol table has version {have}, this build reads up to {VERSION}: update campanile"
                )
            }
            Self::Damaged(error) => write!(f, "the symbol table is damaged: {error}"),
        }
    }
}

impl std::error::Error for SymbolsError {}

impl Symbols {
    /// A table without names.
    pub fn new(node: impl Into<String>) -> Self {
        Self {
            version: VERSION,
            node: node.into(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            sensors: Vec::new(),
            variables: Vec::new(),
            scenarios: Vec::new(),
            triggers: Vec::new(),
            messages: Vec::new(),
            peers: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// The bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        // Maps have string keys and numbers are finite, so that nothing here can be refused.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what [`encode`](Self::encode) wrote, in this build or an older one.
    ///
    /// # Errors
    /// A newer version, or bytes that are no table.
    pub fn decode(bytes: &[u8]) -> Result<Self, SymbolsError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u16,
        }
        let Versioned { version } = serde_json::from_slice(bytes).map_err(SymbolsError::Damaged)?;
        if version > VERSION {
            return Err(SymbolsError::Newer { have: version });
        }
        serde_json::from_slice(bytes).map_err(SymbolsError::Damaged)
    }

    /// The name of an input.
    pub fn input(&self, id: InputId) -> &str {
        self.inputs.get(id.index()).map_or(NOBODY, |input| &input.name)
    }

    /// The name of an output.
    pub fn output(&self, id: OutputId) -> &str {
        self.outputs.get(id.index()).map_or(NOBODY, |output| &output.name)
    }

    /// The name of a sensor.
    pub fn sensor(&self, id: SensorId) -> &str {
        self.sensors.get(id.index()).map_or(NOBODY, |sensor| &sensor.name)
    }

    /// The name of a variable.
    pub fn variable(&self, id: VarId) -> &str {
        self.variables.get(id.index()).map_or(NOBODY, String::as_str)
    }

    /// The name of a scenario.
    pub fn scenario(&self, id: ScenarioId) -> &str {
        self.scenarios.get(id.index()).map_or(NOBODY, String::as_str)
    }

    /// What stands behind "by" for a trigger.
    pub fn trigger(&self, id: TriggerId) -> &str {
        self.triggers.get(id.index()).map_or(NOBODY, |trigger| &trigger.by)
    }

    /// The name of a message.
    pub fn message(&self, id: TemplateId) -> &str {
        self.messages.get(id.index()).map_or(NOBODY, |message| &message.name)
    }

    /// The name of a peer.
    pub fn peer(&self, id: PeerId) -> &str {
        self.peers.get(id.index()).map_or(NOBODY, String::as_str)
    }

    /// The name of a message that triggers wait for.
    pub fn heard(&self, id: MessageId) -> &str {
        self.heard.get(id.index()).map_or(NOBODY, String::as_str)
    }

    /// How a sensor's integers are shown.
    pub fn kind(&self, id: SensorId) -> Kind {
        Kind::Number { decimals: self.sensors.get(id.index()).map_or(0, |sensor| sensor.decimals) }
    }

    /// The input of that name.
    pub fn find_input(&self, name: &str) -> Option<InputId> {
        place(self.inputs.iter().map(|input| input.name.as_str()), name).map(InputId)
    }

    /// The output of that name.
    pub fn find_output(&self, name: &str) -> Option<OutputId> {
        place(self.outputs.iter().map(|output| output.name.as_str()), name).map(OutputId)
    }

    /// The sensor of that name.
    pub fn find_sensor(&self, name: &str) -> Option<SensorId> {
        place(self.sensors.iter().map(|sensor| sensor.name.as_str()), name).map(SensorId)
    }

    /// The variable of that name.
    pub fn find_variable(&self, name: &str) -> Option<VarId> {
        place(self.variables.iter().map(String::as_str), name).map(VarId)
    }

    /// The scenario of that name.
    pub fn find_scenario(&self, name: &str) -> Option<ScenarioId> {
        place(self.scenarios.iter().map(String::as_str), name).map(ScenarioId)
    }

    /// The peer of that name.
    pub fn find_peer(&self, name: &str) -> Option<PeerId> {
        place(self.peers.iter().map(String::as_str), name).map(PeerId)
    }

    /// The message of that name that triggers wait for.
    pub fn find_heard(&self, name: &str) -> Option<MessageId> {
        place(self.heard.iter().map(String::as_str), name).map(MessageId)
    }
}

fn place<'a>(mut names: impl Iterator<Item = &'a str>, name: &str) -> Option<u8> {
    names.position(|other| other == name).and_then(|place| u8::try_from(place).ok())
}
