//! The log of a life (I2, I3): executed again it has the same bytes, and its decisions are those that the slow, obvious
//! reference expects, each at its own time.

use std::collections::BTreeMap;

use campanile_core::input::Input;
use campanile_core::record::{Frame, Record};
use campanile_core::time::Instant;
use campanile_delivery::Journal;
use campanile_delivery::disk::Disk;

use crate::node::House;
use crate::oracle::reference::{Programs, check};
use crate::replay::{Range, Stretch, replay};
use crate::swarm::tape::Scroll;

/// Executes a life again and compares. With `until`, nothing may be missing up to then.
pub(in crate::swarm) fn life(
    life: &Scroll,
    houses: &BTreeMap<u64, House>,
    programs: &Programs,
    until: Option<Instant>,
) -> Result<(), String> {
    if life.torn {
        // A part of it was overwritten in memory: the journal has begun another stretch then.
        return Ok(());
    }
    let boot = life.entries.iter().find_map(|entry| match entry.record {
        Some(Record::Input(Input::Boot { hash, .. })) => Some((entry.at, hash)),
        _ => None,
    });
    let Some((at, hash)) = boot else { return Ok(()) };
    again(life, houses, at, hash)?;
    check::check(&life.bytes, hash, programs, until).map_err(|failed| failed.to_string())
}

fn again(life: &Scroll, houses: &BTreeMap<u64, House>, at: Instant, hash: u64) -> Result<(), String> {
    let image =
        |hash| houses.get(&hash).map(|house| house.image.as_slice()).ok_or("a program that nobody has");
    let refused = |why| format!("a replay does not load the program: {why:?}");
    let mut stretch = Stretch::load(at, image(hash)?).map_err(refused)?;
    let mut rest = life.bytes.as_slice();
    for entry in &life.entries {
        let Some((frame, behind)) = Frame::split(rest) else { break };
        rest = behind;
        let done = match entry.record {
            Some(Record::Input(Input::Install { hash })) => stretch.install(&frame, entry.at, image(hash)?),
            _ => stretch.record(&frame, entry.at),
        };
        done.map_err(|differs| format!("a replay differs from the log: {differs:?}"))?;
    }
    stretch.finish().map_err(|differs| format!("a replay differs from the log: {differs:?}"))
}

/// Executes the journal again, from every checkpoint on, and compares the checkpoints too.
pub(in crate::swarm) fn journal(journal: &Journal<Disk>) -> Result<(), String> {
    let report = replay(journal.index(), &Range::default(), |_, _| {})
        .map_err(|error| format!("the journal cannot be replayed: {error}"))?;
    match report.divergences().next() {
        Some((piece, place, divergence)) => Err(format!(
            "a replay of the journal differs at {place:?} in the piece from {:?}: {divergence:?}",
            piece.first
        )),
        None => Ok(()),
    }
}
