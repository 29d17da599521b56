//! The log of a life (I2, I3): executed again it has the same bytes, and its decisions are those that the slow, obvious
//! reference expects, each at its own time.

use std::collections::BTreeMap;

use campanile_core::input::Input;
use campanile_core::record::{Frame, Record};
use campanile_core::time::Instant;
use campanile_delivery::Journal;
use campanile_delivery::disk::Disk;

use crate::house::House;
use crate::oracle::reference::Programs;
use crate::oracle::reference::check::{Checker, Failed};
use crate::replay::{Range, Stretch, items, replay};
use crate::swarm::tape::{Checkpoint, Part, Scroll};

/// Executes a life again and compares: all of it, but for what was overwritten in memory, and what comes behind that up to
/// the next checkpoint. With `until`, nothing may be missing up to then.
pub(in crate::swarm) fn life(
    life: &Scroll,
    houses: &BTreeMap<u64, House>,
    programs: &Programs,
    until: Option<Instant>,
) -> Result<(), String> {
    for part in life.parts() {
        let Some(begin) = Begin::of(&part) else { continue };
        again(&part, &begin, houses)?;
        let until = until.filter(|_| !part.is_cut);
        decided(&part, &begin, programs, until).map_err(|failed| failed.to_string())?;
    }
    Ok(())
}

/// Where a part begins, with the program of its first record.
enum Begin<'a> {
    Load { at: Instant, hash: u64 },
    Checkpoint { items: &'a [u8], hash: u64 },
}

impl<'a> Begin<'a> {
    /// `None` if it does not tell which program it is of: a start that has come to nothing.
    fn of(part: &Part<'a>) -> Option<Self> {
        if let Some(Checkpoint { program, items }) = part.checkpoint {
            return Some(Self::Checkpoint { items, hash: *program });
        }
        part.entries.iter().find_map(|entry| match entry.record {
            Some(Record::Input(Input::Boot { hash, .. })) => Some(Self::Load { at: entry.at, hash }),
            _ => None,
        })
    }
}

/// An engine comes to the same bytes.
fn again(part: &Part<'_>, begin: &Begin<'_>, houses: &BTreeMap<u64, House>) -> Result<(), String> {
    let image =
        |hash| houses.get(&hash).map(|house| house.image.as_slice()).ok_or("a program that nobody has");
    let stretch = match *begin {
        Begin::Load { at, hash } => Stretch::load(at, image(hash)?),
        Begin::Checkpoint { items, hash } => Stretch::resume(image(hash)?, items),
    };
    let mut stretch = stretch.map_err(|why| format!("a replay does not load the program: {why:?}"))?;
    let mut rest = part.bytes;
    for entry in part.entries {
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

/// The reference comes to the same decisions.
fn decided(
    part: &Part<'_>,
    begin: &Begin<'_>,
    programs: &Programs,
    until: Option<Instant>,
) -> Result<(), Failed> {
    let mut checker = match *begin {
        Begin::Load { at, hash } => Checker::load(at, hash, programs)?,
        Begin::Checkpoint { items: state, hash } => {
            Checker::resume(&items(state).collect::<Vec<_>>(), hash, programs)?
        }
    };
    for entry in part.entries {
        if let Some(record) = &entry.record {
            checker.see(entry.at, record)?;
        }
    }
    until.map_or(Ok(()), |until| checker.finish(until))
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

#[cfg(test)]
mod tests {
    use campanile_core::decision::Decision;
    use campanile_core::program::image;
    use campanile_core::record::MAX_RECORD;
    use campanile_core::time::Duration;
    use campanile_delivery::{Archive, Body, Next, Position};

    use super::*;
    use crate::node::Witness as _;
    use crate::oracle::reference::programs;
    use crate::swarm::tape::Tape;
    use crate::testing::{doorbell, journal, louder};

    /// The second life of a journal, in which programs are swapped, as a witness sees it: memory has overwritten the records
    /// `gone`, and the record with the number `wrong` is another one.
    fn witnessed(gone: std::ops::Range<u64>, wrong: Option<u64>) -> Tape {
        let disk = journal(1);
        let archive = Archive::open(&disk).expect("a journal");
        let mut reader = archive.index.reader(Position::START);
        let mut tape = Tape::default();
        while let Next::Item(item) = reader.next().expect("the disk reads") {
            if item.at.boot.counter() != 2 {
                continue;
            }
            if tape.lives.is_empty() {
                tape.begin(item.at.boot.0);
            }
            match item.body {
                Body::Checkpoint(items) if !gone.contains(&item.at.seq) => {
                    tape.checkpoint(item.program, items)
                }
                Body::Engine(_) if gone.contains(&item.at.seq) => tape.overwritten(1),
                Body::Engine(frame) => {
                    let mut record = frame.record().expect("a record");
                    let mut bytes = [0; MAX_RECORD];
                    if wrong == Some(item.at.seq) {
                        record = other(record);
                    }
                    let len = record.encode(frame.dt, &mut bytes).expect("it fits");
                    let (frame, _) = Frame::split(&bytes[..len]).expect("a record");
                    tape.see(item.time, &frame, &record, None);
                }
                _ => {}
            }
        }
        tape
    }

    /// The same decision, but wrong.
    fn other(record: Record) -> Record {
        match record {
            Record::Decision(Decision::Event { source, value, onset_ago, bounces }) => {
                let onset_ago = onset_ago.plus(Duration::from_micros(1));
                Record::Decision(Decision::Event { source, value, onset_ago, bounces })
            }
            _ => panic!("{record:?} is no event"),
        }
    }

    /// The number of the first event behind that many records.
    fn event_behind(seq: u64) -> u64 {
        let tape = witnessed(0..0, None);
        let is_event = |seq: &u64| {
            let record = tape.lives[0].entry(*seq).and_then(|entry| entry.record);
            matches!(record, Some(Record::Decision(Decision::Event { .. })))
        };
        (seq + 1..tape.lives[0].head()).find(is_event).expect("an event")
    }

    fn judged(tape: &Tape) -> Result<(), String> {
        let houses = [doorbell(), House::new(louder(), doorbell().symbols)];
        let programs = programs(houses.iter().map(|house| house.image.as_slice())).expect("images");
        let houses = houses.into_iter().map(|house| (image::hash(&house.image), house)).collect();
        life(&tape.lives[0], &houses, &programs, None)
    }

    #[test]
    fn a_life_is_judged_up_to_where_it_is_torn_and_from_the_next_checkpoint_on() {
        assert_eq!(judged(&witnessed(0..0, None)), Ok(()));
        let before = event_behind(20);
        let gone = before + 10..before + 20;
        let torn = witnessed(gone.clone(), None);
        assert_eq!(judged(&torn), Ok(()));
        let found = judged(&witnessed(gone.clone(), Some(before))).expect_err("a wrong event");
        assert!(found.contains("differs from the log"), "{found}");

        let parts: Vec<Part<'_>> = torn.lives[0].parts().collect();
        assert!(parts.len() == 2 && parts[0].is_cut && !parts[1].is_cut, "{} parts", parts.len());
        let resumed = torn.lives[0].head() - parts[1].entries.len() as u64;
        let behind = event_behind(resumed + 5);
        let found = judged(&witnessed(gone.clone(), Some(behind))).expect_err("a wrong event");
        assert!(found.contains("differs from the log"), "{found}");
        // Of what lies between nobody can tell.
        let between = event_behind(gone.end);
        assert!(between < resumed, "there is an event between the tear and the checkpoint");
        assert_eq!(judged(&witnessed(gone, Some(between))), Ok(()));
    }
}
