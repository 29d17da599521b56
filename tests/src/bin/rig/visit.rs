//! A visit: somebody presses the button, holds it, and lets go; the contact bounces both times, as tests/traces has it. What the
//! board made of it is judged by its log.

use std::thread::sleep;
use std::time::{Duration, Instant};

use campanile_core::id::Level;
use campanile_core::time::Duration as Span;
use campanile_tests::bounces;

use crate::log::Entry;
use crate::machine::Machine;

/// How long the button is held: longer than in the trace, as a machine that is busy moves it late.
const HOLD: Duration = Duration::from_millis(500);

/// A contact that bounces for as long as this at a press, or a release, counts as moved twice: the debounce times of
/// `firmware/doorbell.toml`.
const LONGEST: [Span; 2] = [Span::from_millis(20), Span::from_millis(30)];

/// A visit that was played as it was meant, and became one press and one chime.
pub(crate) struct Visit {
    /// Raw edges in the log.
    pub(crate) edges: usize,
}

/// Plays a visit, or lets the board play it, and judges what the log has of it from a place on, which then is behind it.
/// `None`: this machine was too busy, and what the board saw is not how a switch bounces.
pub(crate) fn visit(
    machine: &mut Machine,
    place: &mut usize,
    moves: &bounces::Visit,
) -> Result<Option<Visit>, String> {
    if machine.waits() {
        play(machine, Level::On, &moves.press)?;
        sleep(HOLD);
        play(machine, Level::Off, &moves.release)?;
    }
    let from = *place;
    let log = machine.wait_for("the end of a visit", |log| end(&log.records[from..]).is_some())?;
    let records = &log.records[from..];
    let records = &records[..end(records).unwrap_or(records.len())];
    *place += records.len();
    judge(records)
}

/// Behind the record with which button and chime are off again.
fn end(records: &[Entry]) -> Option<usize> {
    let (mut button, mut chime) = (None, None);
    let last = records.iter().position(|entry| {
        button = entry.event().or(button);
        chime = entry.chime().or(chime);
        (button, chime) == (Some(Level::Off), Some(Level::Off))
    })?;
    Some(last + 1)
}

/// Moves the contact, and again after each of `bounces`, in microseconds from the first time.
fn play(machine: &mut Machine, to: Level, bounces: &[u32]) -> Result<(), String> {
    let start = Instant::now();
    let mut level = to;
    machine.press(level)?;
    for bounce in bounces {
        sleep((start + Duration::from_micros(u64::from(*bounce))).saturating_duration_since(Instant::now()));
        level = Level::from_bool(!level.is_on());
        machine.press(level)?;
    }
    Ok(())
}

fn judge(records: &[Entry]) -> Result<Option<Visit>, String> {
    if let Some(lost) = records.iter().find(|entry| entry.is_loss()) {
        return Err(format!("edges were lost on the board: {:?}", lost.record));
    }
    let edges: Vec<_> = records.iter().filter(|entry| entry.is_edge()).map(|entry| entry.at).collect();
    // The hold is by far the longest time without an edge, unless something stood still.
    let held = (1..edges.len()).max_by_key(|&n| edges[n].since(edges[n - 1])).unwrap_or(0);
    let (press, release) = edges.split_at(held);
    let span = |edges: &[campanile_core::time::Instant]| match edges {
        [first, .., last] => last.since(*first),
        _ => Span::ZERO,
    };
    let stretched = span(press) >= LONGEST[0] || span(release) >= LONGEST[1];
    if stretched || records.iter().any(Entry::is_stall) {
        return Ok(None);
    }
    let events: Vec<_> = records.iter().filter_map(Entry::event).collect();
    let chimes: Vec<_> = records.iter().filter_map(Entry::chime).collect();
    let (moved, once) = (edges.len(), [Level::On, Level::Off]);
    if events != once || chimes != once {
        return Err(format!(
            "a visit with {moved} edges became the events {events:?} and the chime went {chimes:?}"
        ));
    }
    // One press and one release without a bounce show nothing.
    Ok((moved > 2).then_some(Visit { edges: moved }))
}
