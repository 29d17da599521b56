//! What can happen to a node: stimuli first, then faults.

use serde::{Deserialize, Serialize};

/// What can happen to a node. Stimuli first, then faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", tag = "deed", deny_unknown_fields)]
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
    /// A line sticks: it goes to this level, and whatever moves it, it stays there. When it comes loose it goes to where it
    /// was last moved meanwhile.
    Stick {
        /// The input.
        input: String,
        /// The level at which it sticks.
        on: bool,
        /// For this time.
        span: u64,
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
    /// The line moves and the kernel has no room for its edges. That of a satellite moves so often that its queue has none.
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
    /// A byte of a file changes by itself; if the item is about a satellite, of its journal at the house.
    Rot {
        /// Of what.
        #[serde(default, skip_serializing_if = "Rots::is_segment")]
        of: Rots,
        /// Which segment, or other file, counted round.
        segment: u32,
        /// Which byte, counted round the used part.
        byte: u32,
    },
    /// The flash of the satellite that the item is about is in trouble, for good; without flash nothing comes of it.
    Flash {
        /// What happens.
        fault: FlashFault,
    },
    /// The satellite that the item is about breaks, and another board like it, with a blank flash, is put in its place.
    Exchange {
        /// After this time.
        off: u64,
    },
    /// The wire to the satellite that the item is about is in trouble.
    Wire {
        /// What happens.
        fault: WireFault,
        /// For this time.
        span: u64,
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

impl Deed {
    /// What it names, and as what.
    pub(super) fn names(&self) -> Option<(&'static str, &str)> {
        Some(match self {
            Self::Touch { input, .. }
            | Self::Stick { input, .. }
            | Self::Edges { input, .. }
            | Self::Lose { input, .. } => ("input", input),
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

    /// How long it takes, and by which name a plan has that.
    pub(in crate::swarm) const fn time(&mut self) -> Option<(&'static str, &mut u64)> {
        match self {
            Self::Kill { off }
            | Self::Stop { off }
            | Self::Cut { off, .. }
            | Self::Break { off, .. }
            | Self::Exchange { off } => Some(("off", off)),
            Self::Stick { span, .. }
            | Self::Stall { span }
            | Self::Lag { span, .. }
            | Self::Jam { span, .. }
            | Self::Disk { span, .. }
            | Self::Wire { span, .. }
            | Self::Net { span, .. } => Some(("span", span)),
            _ => None,
        }
    }
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

/// What rots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rots {
    /// A segment of the journal: records, the host's words, checkpoints.
    #[default]
    Segment,
    /// A checkpoint in it, and nothing beside.
    Checkpoint,
    /// How far a sink has delivered.
    Cursor,
    /// The counter of starts.
    Boot,
    /// A program, with its names.
    Program,
}

impl Rots {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
    fn is_segment(&self) -> bool {
        *self == Self::Segment
    }
}

/// What befalls a flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlashFault {
    /// It takes nothing any more.
    Dead,
    /// This page, counted round, takes nothing any more.
    Page(u8),
}

/// What befalls a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WireFault {
    /// It is pulled out.
    Out,
    /// In one frame of so many a byte is lost, doubled, swapped, changed or new, or the rest is cut off.
    Noise(u8),
    /// Some frames arrive up to so much later, behind what was sent after them, or a second time.
    Late(u32),
    /// Nothing gets through to the satellite.
    Deaf,
    /// Nothing gets through to the house.
    Dumb,
}

/// What befalls a receiver, or the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetFault {
    /// Nothing gets through, and nobody is told.
    Partition,
    /// It is dead: the connection breaks, and no other comes about.
    Dead,
    /// It forgets its session once, with all that waits in it. The connection stands, until something comes over it.
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
