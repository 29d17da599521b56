//! The number of a start, and its signs of life: a counter that no start has had before, with random bits in case the
//! card forgot it; and beside it, in the same slots, when this start was last known to live and on which run of the
//! kernel, so that the next one knows how long the node was off, and what may not be on the disk yet.
//!
//! ```text
//! payload = counter:u32 run:[u8; 16] time:u64 up:u56 flags:u8      flags: 1 all that was written is on the disk
//! ```
//! A file of zeros behind the counter, as the first version wrote them, says nothing of all that.

use std::io;
use std::sync::Arc;

use campanile_core::link::MAX_STARTS;
use campanile_core::time::{Duration, Instant};

use crate::error::OpenError;
use crate::position::Boot;
use crate::slots::{Payload, Slots};
use crate::storage::{Machine, Storage};

const NAME: &str = "boot";

const SETTLED: u8 = 1;

/// A start's number.
#[derive(Debug)]
pub(crate) struct NewBoot {
    pub boot: Boot,
    /// The disk did not take the counter. The random half still keeps identities apart.
    pub unsynced: Option<io::Error>,
}

/// A sign of life that a start has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    /// Its counter.
    pub counter: u32,
    /// The machine then.
    pub machine: Machine,
    /// The same moment in the time of its records.
    pub time: Instant,
    /// All that it has handed to the kernel is on the disk.
    pub settled: bool,
}

impl Sign {
    /// How long a moment of that start lies back for a start on `machine` at `now`, if the kernel runs since then.
    pub(crate) fn ago(&self, moment: Instant, machine: &Machine, now: Instant) -> Option<Duration> {
        if !self.machine.is_same_run(machine) {
            return None;
        }
        let awake = now.since(moment);
        // The clock of the records stands still while the machine sleeps.
        let asleep =
            |machine: &Machine, time: Instant| machine.up.map(|up| up.minus(time.since(Instant::ZERO)));
        let slept =
            asleep(machine, now).zip(asleep(&self.machine, self.time)).map(|(now, then)| now.minus(then));
        Some(awake.plus(slept.unwrap_or_default()))
    }
}

/// The file of the starts' numbers.
pub(crate) struct BootFile<S: Storage> {
    slots: Slots<S>,
    storage: Arc<S>,
    counter: u32,
    /// The disk has not taken the number of this start.
    unsaid: bool,
}

impl<S: Storage> BootFile<S> {
    /// Opens the file; gives the last sign of the start before, if there was one.
    pub(crate) fn open(storage: &Arc<S>) -> Result<(Self, Option<Sign>), OpenError> {
        let (slots, stored) = Slots::open(Arc::clone(storage), NAME.to_owned())?;
        let sign = stored.map(|payload| decode(&payload));
        let counter = sign.map_or(0, |sign| sign.counter);
        Ok((Self { slots, storage: Arc::clone(storage), counter, unsaid: true }, sign))
    }

    /// Takes the next number: one more than the file's and than `seen`, the highest counter in the journal and the
    /// cursors; none beyond the last that a satellite takes, which would not answer. It is synced before anything is written
    /// under it.
    pub(crate) fn begin(&mut self, seen: u32, random: u32, now: Instant) -> Result<NewBoot, OpenError> {
        let next = self.counter.max(seen).checked_add(1).filter(|next| *next <= MAX_STARTS);
        self.counter = next.ok_or(OpenError::TooManyStarts)?;
        let unsynced = self.beat(now, Duration::ZERO, false).err();
        Ok(NewBoot { boot: Boot::new(self.counter, random), unsynced })
    }

    /// Goes on with a number that another node has given itself, or was given.
    pub(crate) const fn resume(&mut self, boot: Boot) {
        self.counter = boot.counter();
    }

    /// Leaves a sign of life of a moment that lies so far back.
    pub(crate) fn beat(&mut self, now: Instant, ago: Duration, settled: bool) -> io::Result<()> {
        let Machine { run, up } = self.storage.machine();
        let machine = Machine { run, up: up.map(|up| up.minus(ago)) };
        let sign = Sign { counter: self.counter, machine, time: now.minus(ago), settled };
        self.slots.write(&encode(&sign))?;
        self.unsaid = false;
        Ok(())
    }

    /// Whether the disk has still to be told that this start goes on.
    pub(crate) fn is_unsaid(&self) -> bool {
        self.unsaid
    }
}

fn encode(sign: &Sign) -> Payload {
    let mut payload: Payload = [0; _];
    payload[..4].copy_from_slice(&sign.counter.to_le_bytes());
    payload[4..20].copy_from_slice(&sign.machine.run);
    payload[20..28].copy_from_slice(&sign.time.micros().to_le_bytes());
    // Two thousand years fit into seven bytes.
    let up = sign.machine.up.map_or(0, Duration::micros).to_le_bytes();
    payload[28..35].copy_from_slice(&up[..7]);
    payload[35] = if sign.settled { SETTLED } else { 0 };
    payload
}

fn decode(payload: &Payload) -> Sign {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
    let mut run = [0; 16];
    run.copy_from_slice(&payload[4..20]);
    let up = Some(number(&payload[28..35])).filter(|&up| up != 0).map(Duration::from_micros);
    Sign {
        counter: number(&payload[..4]) as u32,
        machine: Machine { run, up },
        time: Instant::from_micros(number(&payload[20..28])),
        settled: payload[35] & SETTLED != 0,
    }
}

#[cfg(test)]
mod tests {
    use campanile_core::link::is_countable;

    use super::*;
    use crate::disk::{Disk, Faults, PowerCut};
    use crate::testing::ms;

    fn next(disk: &Arc<Disk>, seen: u32) -> Result<NewBoot, OpenError> {
        BootFile::open(disk)?.0.begin(seen, 0xabcd, ms(1))
    }

    #[test]
    fn a_number_is_never_used_again() {
        let disk = Arc::new(Disk::new(1));
        let next = |seen| next(&disk, seen).unwrap();
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
        for seen in [MAX_STARTS, u32::MAX] {
            assert!(matches!(next(&disk, seen), Err(OpenError::TooManyStarts)));
        }
        let last = next(&disk, MAX_STARTS - 1).unwrap().boot;
        assert!(last.counter() == MAX_STARTS && is_countable(last.0));
        assert!(matches!(next(&disk, 0), Err(OpenError::TooManyStarts)), "nothing is begun behind it");
    }

    #[test]
    fn golden_bytes() {
        let sign = Sign {
            counter: 5,
            machine: Machine { run: *b"0123456789abcdef", up: Some(Duration::from_secs(3600)) },
            time: Instant::from_micros(3_599_000_000),
            settled: true,
        };
        let payload = encode(&sign);
        let hex: String = payload.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, GOLDEN);
        assert_eq!(decode(&payload), sign);
        let mut first_version: Payload = [0; _];
        first_version[0] = 5;
        let old = decode(&first_version);
        assert_eq!((old.counter, old.settled, old.machine.up), (5, false, None));
        assert_eq!(old.ago(Instant::ZERO, &old.machine, ms(1)), None, "a run that nobody named is none");
    }

    const GOLDEN: &str = "\
        0500000030313233343536373839616263646566c06184d60000000000a493d600000001";

    #[test]
    fn time_off_is_known_within_a_run_of_the_kernel_and_counts_its_sleep() {
        let machine = |run, up| Machine { run: [run; 16], up: Some(Duration::from_secs(up)) };
        let at = |seconds: u64| Instant::from_micros(seconds * 1_000_000);
        // On for an hour, ten minutes of it asleep.
        let sign = Sign { counter: 5, machine: machine(1, 3600), time: at(3000), settled: false };
        let ago = |moment, machine, now| {
            sign.ago(at(moment), &machine, at(now)).map(|ago| ago.micros() / 1_000_000)
        };
        assert_eq!(ago(2990, machine(1, 3660), 3060), Some(70));
        assert_eq!(ago(2990, machine(1, 4260), 3060), Some(670), "and asleep for ten minutes more");
        assert_eq!(ago(2990, Machine { up: None, ..machine(1, 0) }, 3060), Some(70));
        assert_eq!(ago(2990, machine(2, 60), 60), None, "another run has another clock");
    }
}
