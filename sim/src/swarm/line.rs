//! What happens to lines, a node's or a satellite's: they move, and some stick. Whatever moves a line that sticks, it stays,
//! and when it comes loose it goes to where it was moved last.

use std::collections::BTreeMap;

use campanile_core::id::Level;

use super::plan::Deed;

/// What happens to a line at a moment; all times are the world's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEvent {
    Move {
        to: Level,
    },
    /// It sticks at this level until then.
    Stick {
        at: Level,
        until: u64,
    },
    Loosen,
}

/// What a deed does from `now` on to a line that is at `from`, and when; it sticks until `end` at the most.
pub(super) fn events(deed: &Deed, from: Level, now: u64, end: u64) -> Vec<(u64, LineEvent)> {
    let moves = |after: u64, to| (now + after, LineEvent::Move { to });
    match deed {
        Deed::Touch { on, bounce, .. } => {
            let to = Level::from_bool(*on);
            let further = bounce.iter().enumerate().map(|(index, after)| {
                let rests = index % 2 == 1 || index + 1 == bounce.len();
                moves(u64::from(*after), if rests { to } else { to.opposite() })
            });
            std::iter::once(moves(0, to)).chain(further).collect()
        }
        Deed::Stick { on, span, .. } => {
            let at = Level::from_bool(*on);
            let until = now.saturating_add(*span).min(end.max(now + 1));
            vec![moves(0, at), (now, LineEvent::Stick { at, until }), (until, LineEvent::Loosen)]
        }
        Deed::Edges { count, every, .. } => (0..*count)
            .map(|edge| {
                let to = if edge % 2 == 0 { from.opposite() } else { from };
                moves(u64::from(edge) * u64::from(*every), to)
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The lines that stick.
#[derive(Default)]
pub(super) struct Stuck(BTreeMap<usize, Hold>);

struct Hold {
    until: u64,
    to: Level,
}

impl Stuck {
    /// Something happens to a line now: where it goes to, if it moves.
    pub(super) fn take(&mut self, line: usize, event: LineEvent, now: u64) -> Option<Level> {
        match event {
            LineEvent::Move { to } => match self.0.get_mut(&line).filter(|hold| now < hold.until) {
                Some(hold) => {
                    hold.to = to;
                    None
                }
                None => Some(to),
            },
            LineEvent::Stick { at, until } => {
                self.0.insert(line, Hold { until, to: at });
                None
            }
            LineEvent::Loosen => {
                // It may stick for longer by now.
                self.0.get(&line).filter(|hold| hold.until <= now)?;
                self.0.remove(&line).map(|hold| hold.to)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LineEvent::{Loosen, Move, Stick};
    use super::*;

    const ON: LineEvent = Move { to: Level::On };
    const OFF: LineEvent = Move { to: Level::Off };

    #[test]
    fn a_line_that_sticks_moves_when_it_comes_loose() {
        let mut stuck = Stuck::default();
        assert_eq!(stuck.take(1, ON, 0), Some(Level::On));
        for until in [10, 20] {
            assert_eq!(stuck.take(1, Stick { at: Level::On, until }, 0), None);
        }
        assert_eq!(stuck.take(1, OFF, 9), None);
        assert_eq!(stuck.take(2, OFF, 9), Some(Level::Off), "another line");
        assert_eq!(stuck.take(1, Loosen, 10), None, "it sticks for longer");
        assert_eq!(stuck.take(1, OFF, 19), None);
        assert_eq!(stuck.take(1, Loosen, 20), Some(Level::Off));
        assert_eq!(stuck.take(1, ON, 20), Some(Level::On));
    }

    #[test]
    fn a_contact_comes_to_rest_where_it_was_brought_and_a_meter_goes_to_and_fro() {
        let input = || "button".to_owned();
        let moves = |deed| events(&deed, Level::Off, 100, 1_000);
        let touch = |bounce| Deed::Touch { input: input(), on: true, bounce };
        assert_eq!(moves(touch(vec![3, 5])), [(100, ON), (103, OFF), (105, ON)]);
        assert_eq!(moves(touch(vec![3])), [(100, ON), (103, ON)], "the last edge brings it there");
        let edges = Deed::Edges { input: input(), count: 3, every: 7 };
        assert_eq!(moves(edges), [(100, ON), (107, OFF), (114, ON)]);
        for (span, until) in [(50, 150), (5_000, 1_000)] {
            let stick = Deed::Stick { input: input(), on: true, span };
            assert_eq!(moves(stick), [(100, ON), (100, Stick { at: Level::On, until }), (until, Loosen)]);
        }
    }
}
