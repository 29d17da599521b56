//! Cursors: how far a sink has delivered, kept across restarts.
//!
//! A cursor is only ever given what a receiver has acknowledged, so what is on disk may lag (and cost duplicates) but
//! never leads. It is written at most once a second and at the stop, into two slots of one file a sink. It is synced
//! at the stop only: what a power cut takes back is delivered again.

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
        let (slots, payload) = Slots::open(Arc::clone(storage), format!("{PREFIX}{sink}"))?;
        let place = payload.map(decode);
        Ok(Self { slots, current: place, stored: place, last_try: None })
    }

    /// Where the sink goes on; `None` for a sink that has never delivered anything.
    pub fn place(&self) -> Option<Cursor> {
        self.current
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
            Some(due) if due <= now => self.write(now, false),
            _ => Ok(()),
        }
    }

    /// Writes and syncs the cursor: at the stop.
    ///
    /// # Errors
    /// The disk refuses; the next start delivers again what came after the last write.
    pub fn close(mut self, now: Instant) -> io::Result<()> {
        if self.current == self.stored && self.last_try.is_none() { Ok(()) } else { self.write(now, true) }
    }

    fn write(&mut self, now: Instant, sync: bool) -> io::Result<()> {
        let Some(place) = self.current else { return Ok(()) };
        self.last_try = Some(now);
        self.slots.write(&encode(place), sync)?;
        self.stored = Some(place);
        Ok(())
    }
}

/// The highest counter of starts that any cursor in the directory names, for the number of the next start: a cursor
/// can outlive the journal that it was made for.
///
/// # Errors
/// As [`CursorFile::open`].
pub fn newest_boot<S: Storage>(storage: &Arc<S>) -> Result<u32, OpenError> {
    let names = storage.list().map_err(|source| OpenError::Io { file: String::new(), source })?;
    let mut newest = 0;
    for name in names.iter().filter_map(|name| name.strip_prefix(PREFIX)) {
        let Ok(sink) = name.parse() else { continue };
        let cursor = CursorFile::open(storage, &sink)?;
        newest = newest.max(cursor.place().map_or(0, |place| place.boot.counter()));
    }
    Ok(newest)
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
