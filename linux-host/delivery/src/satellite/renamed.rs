//! Starts of a satellite that the journal has by other numbers than the satellite: one whose flash does not take the number
//! offers them by its own again.

use std::collections::VecDeque;

use crate::Boot;

/// Starts that are kept in mind; the one that was given its number first gives way. More than any satellite's flash has starts of.
const MOST: usize = 256;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Renamed(VecDeque<(Boot, Boot)>);

impl Renamed {
    /// The number by which the journal has the start `theirs`; that one if it was given no other.
    pub(super) fn ours(&self, theirs: Boot) -> Boot {
        self.0.iter().find(|(of, _)| *of == theirs).map_or(theirs, |(_, ours)| *ours)
    }

    /// The start was given a number.
    pub(super) fn insert(&mut self, theirs: Boot, ours: Boot) {
        self.0.retain(|(of, _)| *of != theirs);
        self.0.push_back((theirs, ours));
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_was_renamed_first_gives_way_whatever_its_number_is() {
        let mut renamed = Renamed::default();
        // A board with a high count of starts, and then another in its place that begins to count.
        renamed.insert(Boot(9_000), Boot(1));
        renamed.insert(Boot(0), Boot(2));
        for n in 1..255 {
            renamed.insert(Boot(n), Boot(n + 2));
        }
        // Once more: it is one of the last now.
        renamed.insert(Boot(0), Boot(300));
        renamed.insert(Boot(255), Boot(301));
        assert_eq!(renamed.ours(Boot(0)), Boot(300));
        assert_eq!(renamed.ours(Boot(1)), Boot(3));
        assert_eq!(renamed.ours(Boot(9_000)), Boot(9_000), "it gave way");
        assert_eq!(renamed.0.len(), MOST);
    }
}
