//! What is still to happen in a world, by the nodes that it happens to.

use campanile_core::id::{OutputId, SensorId};
use campanile_core::time::Instant;
use campanile_delivery::Ticket;

use crate::swarm::line::LineEvent;
use crate::swarm::plan::Ask;
use crate::swarm::receiver::{Answer, Parcel};
use crate::swarm::station::Wall;

/// What happens at an instant.
pub(in crate::swarm) enum Event {
    /// An item of the plan.
    Item(usize),
    /// Something happens to a line.
    Line { line: usize, event: LineEvent },
    /// Local time changes, if the clock is still this one.
    ZoneChanges { wall: Wall },
    /// Edges captured up to then, by the node's clock, reach the loop.
    Reveal(Instant),
    /// A sensor's value that came too soon may enter.
    Release { sensor: SensorId },
    /// The process starts.
    Begin { power: bool },
    /// The disk is well again.
    DiskWell,
    /// The journal's thread has stood still for long enough.
    JournalGoesOn,
    /// An output's hardware is well again.
    Mend { output: OutputId },
    /// A letter arrives at a receiver.
    Arrive { way: usize, parcel: Parcel },
    /// A receiver hands on the next of what it has.
    HandOn { way: usize },
    /// An answer arrives at a sink.
    Answered { way: usize, life: u32, connection: u64, ticket: Ticket, answer: Answer },
    /// A command comes from the receiver of another node.
    Rings { ask: Ask, id: u32 },
    /// A sink notices that its connection is gone.
    Broken { way: usize, life: u32, connection: u64 },
    /// Something happens to a satellite, or on the wire to it.
    Outpost { outpost: usize, event: super::links::Event },
}
