//! The number of a start: a counter that no start has had before, and random bits in case the card forgot it.

use std::io;
use std::sync::Arc;

use crate::error::OpenError;
use crate::position::Boot;
use crate::slots::{Payload, Slots};
use crate::storage::Storage;

const NAME: &str = "boot";

/// A start's number.
#[derive(Debug)]
pub(crate) struct NewBoot {
    pub boot: Boot,
    /// The disk did not take the counter. The random half still keeps identities apart.
    pub unsynced: Option<io::Error>,
}

/// Takes the next number: one more than the counter file and than `seen`, the highest counter in the journal and the
/// cursors. It is synced before anything is written under it.
pub(crate) fn next<S: Storage>(storage: &Arc<S>, seen: u32, random: u32) -> Result<NewBoot, OpenError> {
    let (mut slots, stored) = Slots::open(Arc::clone(storage), NAME.to_owned())?;
    let stored =
        stored.map_or(0, |payload| u32::from_le_bytes([payload[0], payload[1], payload[2], payload[3]]));
    let counter = stored.max(seen).checked_add(1).ok_or(OpenError::TooManyStarts)?;
    let mut payload: Payload = [0; _];
    payload[..4].copy_from_slice(&counter.to_le_bytes());
    let unsynced = slots.write(&payload).err();
    Ok(NewBoot { boot: Boot::new(counter, random), unsynced })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, Faults, PowerCut};

    #[test]
    fn a_number_is_never_used_again() {
        let disk = Arc::new(Disk::new(1));
        let next = |seen| next(&disk, seen, 0xabcd).unwrap();
        assert_eq!(next(0).boot, Boot::new(1, 0xabcd));
        disk.power_cut(PowerCut::Nothing);
        assert_eq!(next(0).boot.counter(), 2, "synced before it is used");
        assert_eq!(next(9).boot.counter(), 10, "journal or cursors know better");
        disk.set_faults(Faults::read_only());
        let unsynced = next(0);
        assert_eq!((unsynced.boot.counter(), unsynced.unsynced.is_some()), (11, true));
    }

    #[test]
    fn the_last_number_is_an_error() {
        let disk = Arc::new(Disk::new(1));
        assert!(matches!(next(&disk, u32::MAX, 0), Err(OpenError::TooManyStarts)));
    }
}
