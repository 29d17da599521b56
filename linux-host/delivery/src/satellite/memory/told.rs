//! Records that the house was told of lately.

use std::collections::VecDeque;

use campanile_core::input::COMMAND_TTL;
use campanile_core::time::{Duration, Instant};

use super::Identity;

/// So long a record is kept in mind. Behind half of that it is young no more, by a clock that was heard in time.
const KEPT: Duration = COMMAND_TTL.plus(COMMAND_TTL);

/// Records that are kept in mind; the one that was told first gives way.
const MOST: usize = 1024;

/// See the [module](self); each with when it was told.
#[derive(Debug, Default)]
pub(super) struct Told(VecDeque<(Identity, Instant)>);

impl Told {
    /// Whether the house was told of this record.
    pub(super) fn has(&self, identity: Identity) -> bool {
        self.0.iter().rev().any(|(known, _)| *known == identity)
    }

    /// The house was told of this record.
    pub(super) fn insert(&mut self, identity: Identity, now: Instant) {
        self.0.push_back((identity, now));
        let old = self.0.iter().take_while(|(_, told)| told.plus(KEPT) < now).count();
        self.0.drain(..old.max(self.0.len().saturating_sub(MOST)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ms;
    use crate::{Boot, RecordId};

    fn record(seq: u64) -> Identity {
        Identity { record: RecordId { boot: Boot(1), seq }, at: ms(seq) }
    }

    #[test]
    fn a_record_is_known_for_as_long_as_it_may_be_young_and_no_other_is_taken_for_it() {
        let mut told = Told::default();
        told.insert(record(1), ms(0));
        told.insert(record(2), ms(60_000));
        assert!(told.has(record(1)) && told.has(record(2)) && !told.has(record(3)));
        assert!(!told.has(Identity { at: ms(7), ..record(1) }), "another of the same number");
        told.insert(record(3), ms(60_001));
        assert!(!told.has(record(1)) && told.has(record(2)) && told.has(record(3)));
    }

    #[test]
    fn of_more_than_are_kept_the_first_gives_way() {
        let mut told = Told::default();
        (0..=MOST as u64).for_each(|seq| told.insert(record(seq), ms(0)));
        assert!(!told.has(record(0)) && told.has(record(1)));
        assert_eq!(told.0.len(), MOST);
    }
}
