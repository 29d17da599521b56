//! The trace of a bouncing contact, `tests/traces/doorbell.csv`: one for every board and for the lives in `tests/golden`.

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
#[must_use]
pub fn visits() -> Vec<Visit> {
    let moves: Vec<(u32, bool)> = TRACE.lines().filter_map(read).collect();
    moves.chunk_by(|before, after| after.0 - before.0 < REST).filter_map(visit).collect()
}

/// A line of it; `None` for what people read.
fn read(line: &str) -> Option<(u32, bool)> {
    let (us, closed) = line.split_once(',')?;
    Some((us.parse().ok()?, closed == "1"))
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
    fn the_trace_has_visits_whose_moves_alternate_and_bounce_both_times() {
        let moves: Vec<(u32, bool)> = TRACE.lines().filter_map(read).collect();
        assert!(moves.iter().enumerate().all(|(n, (_, closed))| *closed == (n % 2 == 0)), "{moves:?}");
        assert!(moves.is_sorted_by_key(|(us, _)| *us));
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
