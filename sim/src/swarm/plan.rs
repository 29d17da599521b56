//! A plan: everything that a seed draws, as data. Running a plan is a pure function of it, so that a life that went
//! wrong is shortened by taking things out of its plan, and a plan in a file is the whole of a bug report.
//!
//! Times are microseconds of the world's clock, from its beginning; spans too. Inputs, outputs and so on have their
//! names, so that a plan outlives a change of the house, and a person can read it.

use serde::{Deserialize, Serialize};

use campanile_delivery::symbols::Symbols;

use crate::node::{House, Size};

/// A life of some nodes and all that befalls them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plan {
    /// Of what is left to chance while it runs: who goes first, how long a wake-up takes, which sectors survive.
    pub seed: u64,
    /// Until then stimuli and faults; behind it everything works, and has to settle.
    pub until: u64,
    /// The nodes, each a copy of the house.
    pub nodes: Vec<NodePlan>,
    /// What happens, in the order of time.
    pub items: Vec<Item>,
}

/// A name that no house has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Which item names it, from 0.
    pub item: usize,
    /// What it should be.
    pub what: &'static str,
    /// The name.
    pub name: String,
    /// The names that there are.
    pub known: Vec<String>,
}

impl Plan {
    /// The first name that none of the houses has.
    #[must_use]
    pub fn unknown(&self, houses: &[House]) -> Option<Unknown> {
        self.items.iter().enumerate().find_map(|(item, Item { deed, .. })| {
            let (what, name) = deed.names()?;
            let known: Vec<String> = houses.iter().flat_map(|house| names(&house.symbols, what)).collect();
            (!known.iter().any(|known| known == name)).then(|| Unknown {
                item,
                what,
                name: name.to_owned(),
                known,
            })
        })
    }

    /// As JSON, with a line for each item.
    #[must_use]
    pub fn to_text(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(|node| format!("  {}", json(node))).collect();
        let items: Vec<String> = self.items.iter().map(|item| format!("  {}", json(item))).collect();
        let list = |lines: Vec<String>| {
            if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}\n]", lines.join(",\n")) }
        };
        let (seed, until) = (self.seed, self.until);
        format!("{{\"seed\":{seed},\"until\":{until},\"nodes\":{},\"items\":{}}}", list(nodes), list(items))
    }
}

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
    /// Its journal.
    pub journal: JournalPlan,
    /// Its sinks; each has a receiver of its own.
    pub sinks: Vec<SinkPlan>,
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
}

impl Default for JournalPlan {
    fn default() -> Self {
        Self { size: 1 << 20, sync: 200_000, linger: 20_000, memory: 1 << 20, keep: false }
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

/// Something that happens at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Item {
    /// When.
    pub at: u64,
    /// To which node.
    pub node: u8,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
}

/// What can happen to a node. Stimuli first, then faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", tag = "deed")]
pub enum Deed {
    /// An input's line moves, and bounces at these microseconds after the first edge. The first edge goes to the new level, the others
    /// alternate, the last one always brings the line to it.
    Touch {
        /// The input.
        input: String,
        /// The level at which it comes to rest.
        on: bool,
        /// The edges after the first.
        bounce: Vec<u32>,
    },
    /// So many edges, one `every` microseconds: a meter, a chattering contact, a broken cable.
    Edges {
        /// The input.
        input: String,
        /// How many.
        count: u32,
        /// From one to the next.
        every: u32,
    },
    /// The line moves and the kernel has no room for its edges.
    Lose {
        /// The input.
        input: String,
        /// How many edges are lost.
        lost: u32,
        /// The level at which it comes to rest.
        on: bool,
    },
    /// A sensor's value arrives, in units of its last decimal, or is lost.
    Feed {
        /// The sensor.
        sensor: String,
        /// The value.
        value: Option<i32>,
    },
    /// Somebody asks for something.
    Command {
        /// What.
        ask: Ask,
        /// The sender's number: one that was there already is a repeat.
        id: u32,
        /// How long it was under way.
        late: u64,
    },
    /// The wall clock is set.
    Clock {
        /// Microseconds since 1970.
        unix: i64,
        /// Whether it is synchronised.
        trusted: bool,
    },
    /// A peer comes or goes.
    Link {
        /// The peer.
        peer: String,
        /// Comes, or goes.
        up: bool,
    },
    /// Another program takes over: the house with this number.
    Swap {
        /// Among the houses that the swarm was given; counted round.
        house: u8,
    },
    /// The process dies (SIGKILL) and is started again.
    Kill {
        /// After this time.
        off: u64,
    },
    /// The process ends in order (SIGTERM) and is started again.
    Stop {
        /// After this time.
        off: u64,
    },
    /// The power is cut and comes back.
    Cut {
        /// After this time.
        off: u64,
        /// What is left of the writes that were not synced.
        leaves: Leaves,
    },
    /// The process dies in the middle of a write, or the power goes then, and comes back. Nothing happens if nothing is
    /// written for ten seconds.
    Break {
        /// After so many bytes.
        bytes: u32,
        /// Comes back after this time.
        off: u64,
        /// The power goes, and this is left of the writes that were not synced; or only the process dies.
        power: Option<Leaves>,
    },
    /// The process stands still (SIGSTOP, starved).
    Stall {
        /// For this time.
        span: u64,
    },
    /// The journal's thread stands still, and the loop goes on.
    Lag {
        /// For this time.
        span: u64,
        /// So many bytes of records may wait for it.
        room: u32,
    },
    /// An output's hardware refuses levels.
    Jam {
        /// The output.
        output: String,
        /// For this time.
        span: u64,
    },
    /// The disk is in trouble.
    Disk {
        /// What it does.
        fault: DiskFault,
        /// For this time.
        span: u64,
    },
    /// A byte of a segment changes by itself.
    Rot {
        /// Which segment, counted round.
        segment: u32,
        /// Which byte, counted round the used part.
        byte: u32,
    },
    /// The way to a receiver, or the receiver, is in trouble.
    Net {
        /// Which of the node's sinks, counted round.
        sink: u8,
        /// What happens.
        fault: NetFault,
        /// For this time.
        span: u64,
    },
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// An output's level.
    Set(String, bool),
    /// A scenario's start.
    Start(String),
    /// The end of a scenario's runs.
    Stop(String),
    /// A variable's value.
    Let(String, i32),
    /// An input that is played.
    Press(String, bool),
}

/// What a power cut leaves of the writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leaves {
    /// Nothing.
    Nothing,
    /// So many bytes of each file, in the order of writing.
    Bytes(u32),
    /// Each sector or not.
    Sectors,
}

/// What a disk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskFault {
    /// It is full.
    Full,
    /// The kernel has made it read-only.
    ReadOnly,
    /// Writes stop in the middle after so many bytes.
    Tears(u32),
    /// Syncs fail, and what they should have kept is forgotten.
    Syncs,
    /// One operation in so many fails.
    Flaky(u8),
    /// Nothing can be read.
    Reads,
    /// It says that it has synced, and forgets that in a power cut.
    Forgets,
}

/// What befalls a receiver, or the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetFault {
    /// Nothing gets through, and nobody is told.
    Partition,
    /// It is dead: the connection breaks, and no other comes about.
    Dead,
    /// It forgets its session once.
    Forgets,
    /// It takes messages, and the connection breaks before it says so.
    Mute,
    /// It acknowledges a message and dies, with all that was under way.
    Dies,
    /// It takes each message twice.
    Twice,
    /// So much slower, each way.
    Slow(u32),
    /// It refuses every so-manieth message for good.
    Refuses(u8),
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| unreachable!("plain data: {error}"))
}

/// All names of one sort.
fn names(symbols: &Symbols, what: &str) -> Vec<String> {
    match what {
        "input" => symbols.inputs.iter().map(|input| input.name.clone()).collect(),
        "output" => symbols.outputs.iter().map(|output| output.name.clone()).collect(),
        "sensor" => symbols.sensors.iter().map(|sensor| sensor.name.clone()).collect(),
        "variable" => symbols.variables.clone(),
        "scenario" => symbols.scenarios.clone(),
        _ => symbols.peers.clone(),
    }
}

impl Deed {
    /// What it names, and as what.
    fn names(&self) -> Option<(&'static str, &str)> {
        Some(match self {
            Self::Touch { input, .. } | Self::Edges { input, .. } | Self::Lose { input, .. } => {
                ("input", input)
            }
            Self::Feed { sensor, .. } => ("sensor", sensor),
            Self::Command { ask, .. } => match ask {
                Ask::Set(output, _) => ("output", output),
                Ask::Start(scenario) | Ask::Stop(scenario) => ("scenario", scenario),
                Ask::Let(variable, _) => ("variable", variable),
                Ask::Press(input, _) => ("input", input),
            },
            Self::Link { peer, .. } => ("sink or peer", peer),
            Self::Jam { output, .. } => ("output", output),
            _ => return None,
        })
    }
}
