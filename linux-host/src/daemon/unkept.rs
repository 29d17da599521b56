//! Programs that the disk did not take when they became active. The records that name them wait in memory meanwhile; without
//! the program they could be neither replayed nor told by their names.

use std::collections::VecDeque;

use campanile_delivery::{Journal, Storage, StoredProgram};

/// So many wait at most: nobody reloads more often while a disk is full, and memory has an end.
const MOST: usize = 16;

/// What waits, oldest first, each hash once.
#[derive(Default)]
pub(super) struct Unkept(VecDeque<(u64, StoredProgram)>);

impl Unkept {
    /// A program is about to become active. Gives the hash of one that is given up for it.
    pub(super) fn add(&mut self, hash: u64, program: StoredProgram) -> Option<u64> {
        self.0.retain(|(other, _)| *other != hash);
        self.0.push_back((hash, program));
        if self.0.len() > MOST { self.0.pop_front().map(|(hash, _)| hash) } else { None }
    }

    /// Has the journal keep them, as far as the disk takes them.
    pub(super) fn keep<S: Storage>(&mut self, journal: &mut Journal<S>) {
        // One that the disk refuses by itself keeps no other back.
        self.0.retain(|(hash, program)| journal.keep_program(*hash, program).is_err());
    }

    /// What still waits.
    pub(super) fn hashes(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|(hash, _)| *hash)
    }
}

#[cfg(test)]
mod tests {
    use campanile_core::time::Instant;
    use campanile_delivery::Options;
    use campanile_delivery::disk::{Disk, Faults};

    use super::*;

    fn program(n: u8) -> StoredProgram {
        StoredProgram { image: vec![n; 10], symbols: vec![n; 3] }
    }

    #[test]
    fn every_program_that_a_full_disk_refused_is_kept_once_there_is_room() {
        let disk = std::sync::Arc::new(Disk::new(1));
        let node = "porch".parse().unwrap();
        let (mut journal, _) = Journal::open(&disk, &node, Options::default(), 1, Instant::ZERO).unwrap();
        let mut unkept = Unkept::default();
        disk.set_faults(Faults { room: Some(0), ..Faults::default() });
        // There and back again: the first is active once more, with other names.
        for (hash, n) in [(0xa, 1), (0xb, 2), (0xa, 3)] {
            assert_eq!(unkept.add(hash, program(n)), None);
            unkept.keep(&mut journal);
        }
        assert_eq!(unkept.hashes().collect::<Vec<_>>(), [0xb, 0xa]);
        disk.set_faults(Faults::default());
        unkept.keep(&mut journal);
        assert_eq!(unkept.hashes().count(), 0);
        assert_eq!(journal.index().program(0xa).unwrap(), Some(program(3)));
        assert_eq!(journal.index().program(0xb).unwrap(), Some(program(2)));
    }

    #[test]
    fn beyond_the_bound_the_oldest_is_given_up_and_named() {
        let mut unkept = Unkept::default();
        let most = MOST as u64;
        assert!((0..most).all(|hash| unkept.add(hash, program(1)).is_none()));
        assert_eq!(unkept.add(most - 1, program(2)), None, "known already");
        assert_eq!(unkept.add(most, program(1)), Some(0));
        assert_eq!(unkept.hashes().collect::<Vec<_>>(), (1..=most).collect::<Vec<_>>());
    }
}
