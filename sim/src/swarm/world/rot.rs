//! What lies on a disk changes by itself.

use campanile_delivery::disk::Disk;
use campanile_delivery::{Body, Item, Journal, Next, Position, Storage as _};

use crate::swarm::plan::Rots;

/// One byte of a file is another one. Both numbers are counted round. A checkpoint is found by what the `journal` on this
/// disk says; without one none is.
pub(super) fn rot(disk: &Disk, journal: Option<&Journal<Disk>>, of: Rots, which: u32, byte: u32) {
    let Ok(mut names) = disk.list() else { return };
    names.retain(|name| match of {
        Rots::Segment | Rots::Checkpoint => name.ends_with(".segment"),
        Rots::Cursor => name.starts_with("cursor-"),
        Rots::Boot => name == "boot",
        Rots::Program => name.starts_with("program-"),
    });
    names.sort_unstable();
    if of == Rots::Checkpoint {
        let checkpoints = journal.map(checkpoints).unwrap_or_default();
        let Some(place) = (which as usize).checked_rem(checkpoints.len()) else { return };
        for name in names {
            // A file that is gone in the meantime is no harm, here and below.
            let _ = disk.tamper(&name, |bytes| {
                let items = checkpoints[place].as_slice();
                if let Some(at) = bytes.windows(items.len()).position(|bytes| bytes == items) {
                    flip(&mut bytes[at..at + items.len()], byte);
                }
            });
        }
        return;
    }
    let Some(place) = (which as usize).checked_rem(names.len()) else { return };
    let _ = disk.tamper(&names[place], |bytes| {
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if matches!(of, Rots::Cursor | Rots::Boot) {
            // Two slots, with much room between them in which nothing stands.
            let said: Vec<usize> = (0..used).filter(|&at| bytes[at] != 0).collect();
            if let Some(at) = (byte as usize).checked_rem(said.len()) {
                flip(&mut bytes[said[at]..=said[at]], byte);
            }
        } else {
            flip(&mut bytes[..used], byte);
        }
    });
}

fn flip(bytes: &mut [u8], byte: u32) {
    if let Some(at) = (byte as usize).checked_rem(bytes.len()) {
        bytes[at] ^= 1 << (byte % 8);
    }
}

/// The items of every checkpoint that has some.
fn checkpoints(journal: &Journal<Disk>) -> Vec<Vec<u8>> {
    let (mut reader, mut found) = (journal.reader(Position::START), Vec::new());
    loop {
        match reader.next() {
            Ok(Next::Item(Item { body: Body::Checkpoint(items), .. })) if !items.is_empty() => {
                found.push(items.to_vec());
            }
            Ok(Next::Item(_) | Next::Lagged(_)) => {}
            Ok(Next::End) | Err(_) => return found,
        }
    }
}
