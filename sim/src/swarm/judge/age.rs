//! Retention by age: what is too old goes, a segment an hour, and nothing goes that is neither too old nor too much.
//!
//! A segment is as old as the next one, by what stands in their heads: linux-host/delivery/FORMAT.md.

use std::collections::BTreeMap;

use campanile_delivery::disk::Disk;
use campanile_delivery::{File as _, Status, Storage as _};

use crate::swarm::station::wall::Wall;

/// One segment goes in this time, in microseconds, and a bit.
const HOUR: u64 = 3_660_000_000;
/// Where the time of its creation stands in a segment, in microseconds since 1970; 0 if nobody knew it.
const UNIX_AT: u64 = 96;

/// What was there when somebody looked last.
#[derive(Default)]
pub(in crate::swarm) struct Age {
    before: Option<Look>,
}

/// The world's time, the process, and what clock it has; and since when that is so and its disk is well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::swarm) struct Moment {
    pub(in crate::swarm) now: u64,
    pub(in crate::swarm) life: u32,
    pub(in crate::swarm) wall: Wall,
    pub(in crate::swarm) well: u64,
}

struct Look {
    moment: Moment,
    /// When each segment began, by its number.
    segments: BTreeMap<u64, i64>,
}

impl Moment {
    /// Microseconds since 1970. The node's clock drifts less than `doubt`, by which this is too early or too late.
    const fn unix(&self, doubt: i64) -> i64 {
        let passed = self.now.saturating_sub(self.wall.at);
        self.wall.unix.saturating_add_unsigned(passed).saturating_add(doubt * (passed / 1_000) as i64)
    }

    /// How long ago a segment has become older than `age` that ended before these began.
    fn overdue(&self, doubt: i64, age: u64, mut later: impl Iterator<Item = i64>) -> Option<u64> {
        let unix = self.unix(doubt);
        let ended = later.find(|begun| *begun != 0 && *begun <= unix)?;
        u64::try_from(unix.saturating_sub(ended)).ok()?.checked_sub(age)
    }
}

impl Age {
    /// Nothing of what was seen counts: the clock is not trusted, or the disk is no good witness.
    pub(in crate::swarm) fn forget(&mut self) {
        self.before = None;
    }

    /// Looks at what is there. `keeps`: what somebody still has to get stays, however old.
    pub(in crate::swarm) fn check(
        &mut self,
        moment: Moment,
        (age, keeps): (u64, bool),
        disk: &Disk,
        status: &Status,
    ) -> Result<(), String> {
        let Some(segments) = segments(disk) else {
            self.forget();
            return Ok(());
        };
        let before = self.before.replace(Look { moment, segments: segments.clone() });
        let files = status.segments as u64 + u64::from(status.spare);
        let has_room = status.bytes + 2 * status.bytes.checked_div(files).unwrap_or(0) <= status.bytes_max;
        let same = |before: &Look| (before.moment.life, before.moment.wall) == (moment.life, moment.wall);
        if let Some(before) = before.filter(|before| has_room && same(before)) {
            let gone = before.segments.keys().rfind(|segment| !segments.contains_key(segment));
            let all = || before.segments.iter().chain(&segments);
            let later = |gone: u64| all().filter(move |(id, _)| **id > gone).map(|(_, begun)| *begun);
            if let Some(gone) = gone.filter(|gone| moment.overdue(1, age, later(**gone)).is_none()) {
                return Err(format!("segment {gone} is gone, and it was neither too old nor too much"));
            }
        }
        let Some((oldest, _)) = segments.first_key_value() else { return Ok(()) };
        let overdue = moment.overdue(-1, age, segments.values().skip(1).copied()).unwrap_or(0);
        let hours = overdue.min(moment.now.saturating_sub(moment.well)) / HOUR;
        if !keeps && hours > segments.len() as u64 {
            return Err(format!("segment {oldest} has been too old for {hours} hours, and is still there"));
        }
        Ok(())
    }
}

/// When each segment began; `None` if that cannot be read.
fn segments(disk: &Disk) -> Option<BTreeMap<u64, i64>> {
    let names = disk.list().ok()?;
    let of = |name: &String| {
        let id = u64::from_str_radix(name.strip_suffix(".segment")?, 16).ok()?;
        let mut unix = [0; 8];
        disk.open(name).and_then(|file| file.read_at(UNIX_AT, &mut unix)).ok()?;
        Some((id, i64::from_le_bytes(unix)))
    };
    names.iter().filter(|name| name.ends_with(".segment")).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000_000;
    /// The clock was set to noon of a day of November 2026 when the process began.
    const WALL: Wall = Wall { at: 0, unix: 1_795_262_400_000_000, trusted: true };

    fn at(days: u64) -> Moment {
        Moment { now: days * DAY, life: 1, wall: WALL, well: 0 }
    }

    #[test]
    fn a_segment_is_as_old_as_the_next_that_began_at_a_known_time_that_has_been() {
        let noon = WALL.unix;
        let overdue = |days, later: &[i64]| at(days).overdue(0, DAY, later.iter().copied());
        assert_eq!(overdue(3, &[noon]), Some(2 * DAY));
        assert_eq!(overdue(3, &[0, noon]), Some(2 * DAY), "nobody knows when the next one began");
        assert_eq!(overdue(3, &[noon + 9 * DAY as i64, noon]), Some(2 * DAY), "the clock was ahead then");
        assert_eq!(overdue(1, &[noon + 1]), None, "it is young");
        assert_eq!(overdue(3, &[]), None, "it is the last");
    }
}
