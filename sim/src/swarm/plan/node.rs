//! How the nodes of a plan are built.

use campanile_core::calendar::ZoneTable;
use serde::{Deserialize, Serialize};

use super::Ask;
use crate::node::Size;

/// How a node is built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct NodePlan {
    /// What the engine has room for.
    pub size: Size,
    /// How long after its stamp an edge may reach the loop.
    pub slack: u64,
    /// How long after its stamp an edge does reach the loop, at most; more than the slack makes late edges.
    pub capture: u64,
    /// How much later than it could the loop gets its turn, at most.
    pub wake: u64,
    /// What its clock shows at the beginning.
    pub clock: u64,
    /// How much faster than the world its clock goes, in millionths.
    pub drift: i32,
    /// The local time of where it stands.
    #[serde(skip_serializing_if = "ZonePlan::is_utc")]
    pub zone: ZonePlan,
    /// Its journal.
    pub journal: JournalPlan,
    /// Its sinks; each has a receiver of its own.
    pub sinks: Vec<SinkPlan>,
    /// The boards that are its satellites, in the order in which the files name their ports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub satellites: Vec<SatellitePlan>,
}

/// Local time, as seconds ahead of UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ZonePlan {
    /// Before the first change, at most 26 hours.
    pub offset: i32,
    /// From these seconds since 1970 on, which rise, it is another one: nights in which clocks change.
    pub changes: Vec<(i64, i32)>,
}

impl ZonePlan {
    fn is_utc(&self) -> bool {
        *self == Self::default()
    }

    /// As the calendar has it; UTC if it is no zone.
    pub(in crate::swarm) fn table(&self) -> ZoneTable<'_> {
        ZoneTable::new(self.offset, &self.changes).unwrap_or(ZoneTable::UTC)
    }
}

/// How a satellite is built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SatellitePlan {
    /// What its engine has room for.
    pub size: Size,
    /// How much faster than the world its clock goes, in millionths. It begins with 0 at each start.
    pub drift: i32,
    /// How long after its pin has moved an interrupt comes, at most.
    #[serde(skip_serializing_if = "is_none")]
    pub interrupt: u64,
    /// How many edges wait for its loop before some are lost.
    #[serde(skip_serializing_if = "Waiting::is_firmware")]
    pub waiting: Waiting,
    /// Its pins interrupt in a storm, too: nobody can disable them.
    #[serde(skip_serializing_if = "is_false")]
    pub unmaskable: bool,
    /// How much later than it could its loop gets its turn, at most.
    #[serde(skip_serializing_if = "is_none")]
    pub wake: u64,
    /// The program that is linked in: the one that the house with this number, of those that know its port, has for it, counted
    /// round.
    pub linked: u8,
    /// Its flash, if it has any that outlives a start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flash: Option<FlashPlan>,
    /// How much its house keeps of what it records, if that is not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptPlan>,
}

/// How many edges may wait for a satellite's loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waiting {
    /// As many as the firmware has room for.
    #[default]
    Firmware,
    /// Not even a switch's bounce.
    Few,
    /// One.
    One,
}

impl Waiting {
    /// How many that are.
    pub(in crate::swarm) const fn edges(self) -> usize {
        match self {
            Self::Firmware => 32,
            Self::Few => 4,
            Self::One => 1,
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
    fn is_firmware(&self) -> bool {
        *self == Self::Firmware
    }
}

/// Of a satellite's journal, what is too much or too old goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct KeptPlan {
    /// The most bytes; segments have a tenth of it.
    pub size: u64,
    /// What is older goes; 0 for never.
    pub age: u64,
}

/// A satellite's flash, beside the places for two programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct FlashPlan {
    /// Pages of 1 KiB for the log, from 4 to 64.
    pub pages: u8,
    /// So often a page can be erased before it takes nothing more; 0 for ever.
    pub endurance: u32,
}

/// How a journal is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct JournalPlan {
    /// The most bytes; segments have a tenth of it.
    pub size: u64,
    /// The window of a sync; 0 for `always`.
    pub sync: u64,
    /// How long raw edges wait for company.
    pub linger: u64,
    /// The most bytes that stand in for a disk.
    pub memory: u64,
    /// `when-full = "keep"`.
    pub keep: bool,
    /// What is older goes; 0 for never.
    #[serde(skip_serializing_if = "is_none")]
    pub age: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
const fn is_none(span: &u64) -> bool {
    *span == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
const fn is_false(it: &bool) -> bool {
    !*it
}

impl Default for JournalPlan {
    fn default() -> Self {
        Self { size: 1 << 20, sync: 200_000, linger: 20_000, memory: 1 << 20, keep: false, age: 0 }
    }
}

/// How a sink works, and how far away its receiver is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SinkPlan {
    /// What it sends.
    pub wants: Wants,
    /// The most messages under way.
    pub window: u32,
    /// The wait after the first failure; the longest is twenty times that.
    pub retry: u64,
    /// The most messages a second, 0 for no limit.
    pub pace: u32,
    /// From the node to the receiver and back, at most, each way.
    pub latency: u64,
    /// What its receiver makes of it elsewhere.
    pub rings: Option<Ring>,
}

/// A press here rings there: whenever the receiver gets the message that an input is on, also again, another node gets a
/// command, with the record's place as its number. The way there is as the way back to the sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ring {
    /// The other node.
    pub node: u8,
    /// What it is asked for.
    pub ask: Ask,
}

impl Default for SinkPlan {
    fn default() -> Self {
        Self { wants: Wants::Everything, window: 16, retry: 500_000, pace: 0, latency: 2_000, rings: None }
    }
}

/// Which records a sink sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wants {
    /// All of the engine's.
    #[default]
    Everything,
    /// What was decided.
    Decisions,
    /// What inputs and sensors report.
    Events,
}
