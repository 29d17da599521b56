//! A storm: a loose wire moves the button's line as fast as this machine can. The board hears a burst of it, has the pin
//! interrupt no more for a while, and is there for everything else.

use std::thread::sleep;
use std::time::{Duration, Instant};

use campanile_core::id::Level;
use campanile_core::input::OverrunWhy;

use crate::log::{Entry, Log};
use crate::machine::{Machine, PATIENCE};

/// Until the board has had enough of it so often. On a machine that is busy, it hears less.
const MASKS: usize = 3;
/// How often is looked.
const LOOK: Duration = Duration::from_millis(200);

/// So many moves at once.
const FLICKER: [Level; 64] = {
    let mut moves = [Level::Off; 64];
    let mut n = 0;
    while n < moves.len() {
        moves[n] = Level::from_bool(n.is_multiple_of(2));
        n += 1;
    }
    moves
};

/// Longer than a mask, and then a ring of the chime.
const REST: Duration = Duration::from_millis(1_500);

/// At the most so many edges are counted where the pin stops to interrupt: the first one too many, and what waits on the
/// board by then (`WAITING` in `firmware/src/edges.rs`). All that follow nobody has seen.
const COUNTED: u32 = 1 + 32;

/// What a storm was.
pub(crate) struct Storm {
    /// So often the line moved.
    pub(crate) moves: usize,
    /// So often the board had enough.
    pub(crate) masks: usize,
}

/// Makes a storm, and judges what the log has of it from a place on, which then is behind it.
pub(crate) fn storm(machine: &mut Machine, place: &mut usize) -> Result<Storm, String> {
    let (end, mut moves) = (Instant::now() + PATIENCE, 0);
    while masks(&Log::of(&machine.received())?) < MASKS {
        if Instant::now() > end {
            return Err(format!("{moves} moves were no storm to the board"));
        }
        let look = Instant::now() + LOOK;
        while Instant::now() < look {
            machine.press_all(&FLICKER)?;
            moves += FLICKER.len();
        }
    }
    sleep(REST);
    let log = machine.wait_for("the end of a storm", has_settled)?;
    let records = &log.records[*place..];
    *place += records.len();
    let lost = records.iter().filter_map(Entry::lost);
    if let Some((most, why)) = lost.max_by_key(|(lost, _)| *lost).filter(|(lost, _)| *lost > COUNTED) {
        return Err(format!(
            "of {moves} moves {most} interrupted the board behind the last that it took: {why:?}"
        ));
    }
    Ok(Storm { moves, masks: masks(&log) })
}

/// How often the board had enough.
fn masks(log: &Log) -> usize {
    log.records.iter().filter(|entry| matches!(entry.lost(), Some((_, OverrunWhy::Storm)))).count()
}

/// The button is known to be released (I6), and the chime is silent again.
fn has_settled(log: &Log) -> bool {
    log.is_ready() && log.records.iter().filter_map(Entry::chime).next_back() != Some(Level::On)
}
