//! The number that a start had first, however often it was given another: where its satellite has another name, the journal may
//! have begun a later start, and each number that it gives stays with the start when the name is back.

use std::collections::VecDeque;

use crate::Boot;

/// Numbers that are kept in mind; the one that was given first gives way.
const MOST: usize = 1024;

/// Numbers that were given, each with the first of its start.
#[derive(Debug, Default)]
pub(super) struct Firsts(VecDeque<(Boot, Boot)>);

impl Firsts {
    /// The first number of the start that has this one; that one if it was given by nobody here.
    pub(super) fn of(&self, boot: Boot) -> Boot {
        self.0.iter().find(|(given, _)| *given == boot).map_or(boot, |(_, first)| *first)
    }

    /// The start `theirs` has the number `ours` from here on.
    pub(super) fn insert(&mut self, theirs: Boot, ours: Boot) {
        // To the first at once, so that what is between may give way.
        let first = self.of(theirs);
        self.0.push_back((ours, first));
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_known_by_the_number_that_it_had_first_however_often_it_gets_another() {
        let mut firsts = Firsts::default();
        firsts.insert(Boot(1), Boot(10));
        firsts.insert(Boot(2), Boot(20));
        firsts.insert(Boot(10), Boot(30));
        firsts.insert(Boot(30), Boot(40));
        // The number was lost on the wire: it gets another elsewhere.
        firsts.insert(Boot(10), Boot(50));
        let first = |boot| firsts.of(Boot(boot)).0;
        assert_eq!([1, 10, 30, 40, 50].map(first), [1; 5]);
        assert_eq!([2, 20, 3].map(first), [2, 2, 3]);
    }

    #[test]
    fn the_number_that_was_given_first_gives_way_and_those_behind_it_stay_known() {
        let mut firsts = Firsts::default();
        for n in 0..=MOST as u64 {
            firsts.insert(Boot(n), Boot(n + 1));
        }
        assert_eq!(firsts.of(Boot(1)), Boot(1), "it gave way");
        assert_eq!(firsts.of(Boot(MOST as u64 + 1)), Boot(0));
        assert_eq!(firsts.0.len(), MOST);
    }
}
