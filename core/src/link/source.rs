//! Where the records come from that go over the link: nothing is copied aside, so what has to be said again is read
//! again.

use crate::log::{Cursor, EventLog, Lagged};

/// A log that can be read from any record on that is left.
pub trait Source {
    /// At the oldest record that is left.
    fn tail(&self) -> Cursor;

    /// Behind the last record.
    fn head(&self) -> Cursor;

    /// The place of a record by its number; the head for a number that none has yet.
    ///
    /// # Errors
    /// `Lagged` if that record is gone.
    fn seek(&self, seq: u64) -> Result<Cursor, Lagged>;

    /// Copies as many whole records from the cursor on as fit into `buf`; gives their bytes and the place behind.
    ///
    /// # Errors
    /// `Lagged` if the first of them is gone.
    fn copy(&self, from: Cursor, buf: &mut [u8]) -> Result<(usize, Cursor), Lagged>;
}

impl Source for EventLog<'_> {
    fn tail(&self) -> Cursor {
        EventLog::tail(self)
    }

    fn head(&self) -> Cursor {
        EventLog::head(self)
    }

    fn seek(&self, seq: u64) -> Result<Cursor, Lagged> {
        EventLog::seek(self, seq)
    }

    fn copy(&self, from: Cursor, buf: &mut [u8]) -> Result<(usize, Cursor), Lagged> {
        EventLog::copy(self, from, buf)
    }
}
