//! The trace of a bouncing contact, `tests/traces/doorbell.csv`: one for every board and for the lives in `tests/golden`.

#[path = "../traces/moves.rs"]
mod moves;

use moves::moves;

/// Where it comes from stands at its head.
const TRACE: &str = include_str!("../traces/doorbell.csv");

/// Nobody lets go of a button and presses it again as soon as this, in microseconds.
const REST: u32 = 500_000;

/// Somebody presses the button, holds it, and lets go; the contact bounces both times. All in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// When the contact closed first.
    pub at: u32,
    /// The moves behind that, after it; they alternate.
    pub press: Vec<u32>,
    /// From the first move to the one with which it is let go.
    pub held: u32,
    /// The moves behind that, after it.
    pub release: Vec<u32>,
}

/// The visits of the trace.
///
/// # Panics
/// It is none.
#[must_use]
pub fn visits() -> Vec<Visit> {
    moves(TRACE)
        .expect("a trace")
        .chunk_by(|before, after| after.0 - before.0 < REST)
        .filter_map(visit)
        .collect()
}

fn visit(moves: &[(u32, bool)]) -> Option<Visit> {
    let at = moves.first()?.0;
    // It is held for longer than it bounces.
    let split = (1..moves.len()).max_by_key(|&n| moves[n].0 - moves[n - 1].0)?;
    let (press, release) = moves.split_at(split);
    let let_go = release.first()?.0;
    let after = |from: u32, moves: &[(u32, bool)]| moves.iter().skip(1).map(|(us, _)| us - from).collect();
    Some(Visit { at, press: after(at, press), held: let_go - at, release: after(let_go, release) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_has_visits_that_bounce_both_times() {
        let visits = visits();
        assert_eq!(visits.len(), 3);
        for visit in visits {
            // Even: each bounce is a move there and one back.
            for bounces in [&visit.press, &visit.release] {
                assert!(bounces.len() >= 2 && bounces.len().is_multiple_of(2), "{visit:?}");
            }
            assert!(visit.held > 100_000, "{visit:?}");
        }
    }
}
