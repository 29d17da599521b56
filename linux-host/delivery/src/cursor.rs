//! Cursors: how far a sink has delivered, kept across restarts.
//!
//! A cursor is only ever given what a receiver has acknowledged, so what is on disk may lag (and cost duplicates) but
//! never leads. It is written and synced at most once a second and at the stop, into two slots of one file a sink.

use std::io;
use std::sync::Arc;

use campanile_core::time::{Duration, Instant};

use crate::error::OpenError;
use crate::name::SinkName;
use crate::position::{Boot, Cursor};
use crate::slots::{Payload, Slots};
use crate::storage::Storage;

/// Writes are at least this far apart.
pub const CURSOR_EVERY: Duration = Duration::from_secs(1);

const PREFIX: &str = "cursor-";
const RETRIED: &str = "retried-";

/// Whether a cursor is kept under this name.
pub(crate) fn is_name(name: &str) -> bool {
    let sink = name.strip_prefix(PREFIX).or_else(|| name.strip_prefix(RETRIED));
    sink.is_some_and(|sink| sink.parse::<SinkName>().is_ok())
}

/// The cursor of one sink.
pub struct CursorFile<S: Storage> {
    slots: Slots<S>,
    current: Option<Cursor>,
    stored: Option<Cursor>,
    last_try: Option<Instant>,
}

impl<S: Storage> CursorFile<S> {
    /// Opens a sink's cursor. It has no place before the first [`set`](Self::set).
    ///
    /// # Errors
    /// The system refuses, or a later version wrote the file.
    pub fn open(storage: &Arc<S>, sink: &SinkName) -> Result<Self, OpenError> {
        Self::open_named(storage, format!("{PREFIX}{sink}"))
    }

    /// Opens the other cursor of a sink: up to where in the journal its dead letters were sent again. It has no place
    /// before that was asked for.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_retried(storage: &Arc<S>, sink: &SinkName) -> Result<Self, OpenError> {
        Self::open_named(storage, format!("{RETRIED}{sink}"))
    }

    fn open_named(storage: &Arc<S>, name: String) -> Result<Self, OpenError> {
        let (slots, payload) = Slots::open(Arc::clone(storage), name)?;
        let place = payload.map(decode);
        Ok(Self { slots, current: place, stored: place, last_try: None })
    }

    /// Where the sink goes on; `None` for a sink that has never delivered anything.
    pub fn place(&self) -> Option<Cursor> {
        self.current
    }

    /// Whether there was a place and the disk has lost it: the sink may have delivered anything from the start of the
    /// journal on.
    pub fn is_damaged(&self) -> bool {
        self.slots.is_damaged()
    }

    /// Moves the cursor; call it with what the receiver has acknowledged, and nothing else.
    pub fn set(&mut self, place: Cursor) {
        self.current = Some(place);
    }

    /// When [`save`](Self::save) has something to do.
    pub fn due(&self) -> Option<Instant> {
        if self.current == self.stored {
            return None;
        }
        Some(self.last_try.map_or(Instant::ZERO, |last| last.plus(CURSOR_EVERY)))
    }

    /// Writes the cursor if that is due.
    ///
    /// # Errors
    /// The disk refuses; it is tried again a second later, and nothing is lost but time.
    pub fn save(&mut self, now: Instant) -> io::Result<()> {
        match self.due() {
            Some(due) if due <= now => self.write(now),
            _ => Ok(()),
        }
    }

    /// Writes the cursor if it has moved: at the stop.
    ///
    /// # Errors
    /// The disk refuses; the next start delivers again what came after the last write.
    pub fn close(mut self, now: Instant) -> io::Result<()> {
        if self.current == self.stored { Ok(()) } else { self.write(now) }
    }

    fn write(&mut self, now: Instant) -> io::Result<()> {
        let Some(place) = self.current else { return Ok(()) };
        self.last_try = Some(now);
        self.slots.write(&encode(place))?;
        self.stored = Some(place);
        Ok(())
    }
}

/// Where every sink goes on that has a cursor in the directory, whether it runs or not. One whose cursor is damaged needs
/// all that there is.
///
/// # Errors
/// As [`CursorFile::open`].
pub(crate) fn places<S: Storage>(storage: &Arc<S>) -> Result<Vec<(SinkName, Cursor)>, OpenError> {
    let names = storage.list().map_err(|source| OpenError::Io { file: String::new(), source })?;
    let mut places = Vec::new();
    for name in names.iter().filter_map(|name| name.strip_prefix(PREFIX)) {
        let Ok(sink) = name.parse() else { continue };
        let cursor = CursorFile::open(storage, &sink)?;
        let place = cursor.place().or_else(|| cursor.is_damaged().then_some(Cursor::START));
        places.extend(place.map(|place| (sink, place)));
    }
    Ok(places)
}

/// The sinks that have a cursor in the directory, in their order.
///
/// # Errors
/// The system refuses.
pub fn sinks<S: Storage>(storage: &Arc<S>) -> io::Result<Vec<SinkName>> {
    let names = storage.list()?;
    let mut sinks: Vec<SinkName> =
        names.iter().filter_map(|name| name.strip_prefix(PREFIX)?.parse().ok()).collect();
    sinks.sort();
    Ok(sinks)
}

fn encode(place: Cursor) -> Payload {
    let mut payload: Payload = [0; _];
    for (field, number) in payload.chunks_exact_mut(8).zip([place.boot.0, place.seq, place.host]) {
        field.copy_from_slice(&number.to_le_bytes());
    }
    payload
}

fn decode(payload: Payload) -> Cursor {
    let mut numbers =
        payload.chunks_exact(8).map(|field| field.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)));
    let mut next = || numbers.next().unwrap_or_default();
    Cursor { boot: Boot(next()), seq: next(), host: next() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, Faults, PowerCut};
    use crate::testing::ms;
    use proptest::prelude::*;

    fn open(disk: &Arc<Disk>) -> CursorFile<Disk> {
        CursorFile::open(disk, &"home".parse().unwrap()).unwrap()
    }

    #[test]
    fn what_was_sent_again_has_a_place_of_its_own() {
        let disk = Arc::new(Disk::new(1));
        let sink = "home".parse().unwrap();
        let mut retried = CursorFile::open_retried(&disk, &sink).unwrap();
        assert_eq!(retried.place(), None);
        retried.set(place(7));
        retried.close(ms(1)).unwrap();
        assert_eq!(CursorFile::open_retried(&disk, &sink).unwrap().place(), Some(place(7)));
        assert_eq!(open(&disk).place(), None, "delivery goes on where it stood");
        assert_eq!(places(&disk).unwrap(), [], "and the journal keeps nothing back for it");
    }

    fn place(seq: u64) -> Cursor {
        Cursor { boot: Boot::new(3, 0xfeed_beef), seq, host: seq / 2 }
    }

    #[test]
    fn at_most_once_a_second_and_at_the_stop() {
        let disk = Arc::new(Disk::new(1));
        let mut cursor = open(&disk);
        assert_eq!((cursor.place(), cursor.due()), (None, None));
        cursor.set(place(1));
        assert_eq!(cursor.due(), Some(Instant::ZERO));
        cursor.save(ms(100)).unwrap();
        let written = disk.written();
        cursor.set(place(2));
        assert_eq!(cursor.due(), Some(ms(1100)));
        cursor.save(ms(1099)).unwrap();
        assert_eq!(disk.written(), written);
        cursor.save(ms(1100)).unwrap();
        assert!(disk.written() > written);
        assert_eq!(cursor.due(), None);
        cursor.set(place(3));
        cursor.close(ms(1101)).unwrap();
        disk.power_cut(PowerCut::Nothing);
        assert_eq!(open(&disk).place(), Some(place(3)));
        assert_eq!(places(&disk).unwrap(), [("home".parse().unwrap(), place(3))]);
    }

    #[test]
    fn a_full_disk_costs_duplicates_only() {
        let disk = Arc::new(Disk::new(1));
        let mut cursor = open(&disk);
        disk.set_faults(Faults { room: Some(0), ..Faults::default() });
        cursor.set(place(1));
        assert!(cursor.save(ms(0)).is_err());
        assert_eq!(cursor.due(), Some(ms(1000)), "asked again a second later");
        disk.set_faults(Faults::default());
        cursor.save(ms(1000)).unwrap();
        assert_eq!(open(&disk).place(), Some(place(1)));
    }

    #[test]
    fn a_place_that_is_lost_is_not_a_place_that_never_was() {
        let disk = Arc::new(Disk::new(1));
        let mut cursor = open(&disk);
        assert!(!cursor.is_damaged());
        cursor.set(place(1));
        cursor.save(ms(0)).unwrap();
        cursor.set(place(2));
        cursor.save(ms(1000)).unwrap();
        disk.tamper("cursor-home", |bytes| bytes[4096 + 30] ^= 1).unwrap();
        assert_eq!((open(&disk).place(), open(&disk).is_damaged()), (Some(place(1)), false));
        disk.tamper("cursor-home", |bytes| bytes[30] ^= 1).unwrap();
        assert_eq!((open(&disk).place(), open(&disk).is_damaged()), (None, true));
        assert_eq!(places(&disk).unwrap(), [("home".parse().unwrap(), Cursor::START)]);
    }

    #[test]
    fn golden_bytes() {
        let disk = Arc::new(Disk::new(1));
        let mut cursor = open(&disk);
        cursor.set(place(1042));
        cursor.save(ms(0)).unwrap();
        let bytes = crate::storage::get(&*disk, "cursor-home").unwrap();
        let hex: String = bytes[..64].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, GOLDEN);
        assert!(bytes[64..].iter().all(|&b| b == 0) && bytes.len() == 8192);
    }

    const GOLDEN: &str = "\
        43414d50534c4f5401000000000000000100000000000000\
        efbeedfe03000000120400000000000009020000000000000000000000000000\
        0000000015372b66";

    #[test]
    fn a_later_version_is_left_alone() {
        let disk = Arc::new(Disk::new(1));
        let mut cursor = open(&disk);
        cursor.set(place(1));
        cursor.save(ms(0)).unwrap();
        disk.tamper("cursor-home", |bytes| {
            bytes[8] = 2;
            let crc = crate::checksum::CRC32C.checksum(&bytes[..60]);
            bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        })
        .unwrap();
        let error = CursorFile::open(&disk, &"home".parse().unwrap()).err().unwrap();
        assert!(error.to_string().contains("cursor-home was written by a later campanile"), "{error}");
    }

    proptest! {
        /// Wherever a write is cut: the cursor is the one before or the one that was being written.
        #[test]
        fn a_torn_write_leaves_the_cursor_before(
            cuts in proptest::collection::vec((1u64..4, 0u64..64), 1..12),
        ) {
            let disk = Arc::new(Disk::new(1));
            let (mut seq, mut now) = (0, 0);
            for (writes, budget) in cuts {
                let mut cursor = open(&disk);
                prop_assert_eq!(cursor.place().map_or(0, |p| p.seq), seq);
                for _ in 0..writes {
                    (seq, now) = (seq + 1, now + 1000);
                    cursor.set(place(seq));
                    cursor.save(ms(now)).unwrap();
                }
                disk.set_faults(Faults { write_budget: Some(budget), ..Faults::default() });
                cursor.set(place(seq + 1));
                prop_assert!(cursor.save(ms(now + 1000)).is_err());
                disk.power_cut(PowerCut::Bytes(64));
                disk.set_faults(Faults::default());
                // All but zeros behind the cut may be all of it.
                let found = open(&disk).place().map_or(0, |p| p.seq);
                prop_assert!(found == seq || (budget >= 60 && found == seq + 1), "{} {}", found, seq);
                seq = found;
            }
        }
    }
}
