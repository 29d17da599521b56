//! Lines that stick: whatever moves them, they stay, and when they come loose they go to where they were moved last.

use std::collections::BTreeMap;

use campanile_core::id::Level;

/// See the [module](self); all times are the world's.
#[derive(Default)]
pub(super) struct Stuck(BTreeMap<usize, Hold>);

struct Hold {
    until: u64,
    to: Level,
}

impl Stuck {
    /// A line sticks at this level until then.
    pub(super) fn stick(&mut self, line: usize, at: Level, until: u64) {
        self.0.insert(line, Hold { until, to: at });
    }

    /// Whether a line stays where it is that would move now.
    pub(super) fn holds(&mut self, line: usize, now: u64, to: Level) -> bool {
        match self.0.get_mut(&line) {
            Some(hold) if now < hold.until => {
                hold.to = to;
                true
            }
            _ => false,
        }
    }

    /// A line comes loose, unless it sticks for longer: where it goes to.
    pub(super) fn loosens(&mut self, line: usize, now: u64) -> Option<Level> {
        self.0.get(&line).filter(|hold| hold.until <= now)?;
        self.0.remove(&line).map(|hold| hold.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_sticks_moves_when_it_comes_loose() {
        let mut stuck = Stuck::default();
        assert!(!stuck.holds(1, 0, Level::On));
        stuck.stick(1, Level::On, 10);
        stuck.stick(1, Level::On, 20);
        assert!(stuck.holds(1, 9, Level::Off) && !stuck.holds(2, 9, Level::Off));
        assert_eq!(stuck.loosens(1, 10), None, "it sticks for longer");
        assert!(stuck.holds(1, 19, Level::Off));
        assert_eq!(stuck.loosens(1, 20), Some(Level::Off));
        assert!(!stuck.holds(1, 20, Level::On));
    }
}
