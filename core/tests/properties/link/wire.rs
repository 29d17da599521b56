//! One direction of a wire, and all that can befall bytes on it.

use campanile_core::time::{Duration, Instant};

use crate::tape::Tape;

/// Bytes under way, each row with the time at which it arrives.
#[derive(Default)]
pub(super) struct Wire {
    under_way: Vec<(Instant, Vec<u8>)>,
}

impl Wire {
    pub(super) fn carry(&mut self, now: Instant, frame: &[u8], faults: &mut Tape<'_>) {
        let mut bytes = frame.to_vec();
        let mut at = now;
        if faults.chance(5) {
            let place = faults.below(bytes.len());
            match faults.below(8) {
                0 => bytes.clear(),
                1 => drop(bytes.remove(place)),
                2 => bytes.insert(place, bytes[place]),
                3 => bytes.swap(place, (place + 1) % frame.len()),
                4 => bytes[place] ^= 1 << faults.below(8),
                5 => bytes.truncate(place),
                // Behind what is sent after it, and behind restarts.
                6 => at = now.plus(Duration::from_millis(u64::from(faults.byte()) * 20)),
                _ => {
                    let later = now.plus(Duration::from_millis(u64::from(faults.byte()) * 20));
                    self.under_way.push((later, bytes.clone()));
                }
            }
        }
        self.under_way.push((at, bytes));
    }

    /// What has arrived, in the order of its times.
    pub(super) fn arrived(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let (mut arrived, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.under_way).into_iter().partition(|(at, _)| *at < now);
        self.under_way = later;
        arrived.sort_by_key(|(at, _)| *at);
        arrived.into_iter().map(|(_, bytes)| bytes).collect()
    }
}
