//! The records that go over the link: of one start, as the store has them. Where there is no store, or it takes nothing, they
//! come from memory.

use campanile_core::link::Source;
use campanile_core::log::{Cursor, EventLog, Lagged};

use crate::medium::Flash;
use crate::offered::Offered;
use crate::start_log::StartLog;
use crate::store::Store;

/// See the [module](self).
pub struct Served<'a, F> {
    stored: Option<StartLog<'a, F>>,
    /// What comes behind that.
    memory: Option<&'a EventLog<'a>>,
}

impl<'a, F: Flash> Served<'a, F> {
    /// The records of the start that the store offers; of the one that runs, `log` has the latest.
    pub fn new(store: Option<(&'a Store<F>, Offered)>, log: &'a EventLog<'a>) -> Self {
        Self {
            stored: store.map(|(store, offered)| offered.log(store)),
            memory: store.is_none_or(|(store, offered)| !offered.is_over() && store.is_dead()).then_some(log),
        }
    }
}

impl<F: Flash> Source for Served<'_, F> {
    fn tail(&self) -> Cursor {
        let stored = self.stored.as_ref().map(|stored| (stored.tail(), stored.head()));
        match (stored, self.memory) {
            (Some((tail, head)), None) => {
                if tail.seq < head.seq {
                    tail
                } else {
                    head
                }
            }
            (Some((tail, head)), Some(_)) if tail.seq < head.seq => tail,
            (_, Some(log)) => log.tail(),
            (None, None) => Cursor::default(),
        }
    }

    fn head(&self) -> Cursor {
        match (&self.stored, self.memory) {
            (_, Some(log)) => log.head(),
            (Some(stored), None) => stored.head(),
            (None, None) => Cursor::default(),
        }
    }

    fn seek(&self, seq: u64) -> Result<Cursor, Lagged> {
        match (&self.stored, self.memory) {
            (Some(stored), Some(log)) if seq >= stored.head().seq => log.seek(seq),
            (Some(stored), _) => stored.seek(seq),
            (None, Some(log)) => log.seek(seq),
            (None, None) => Ok(Cursor::default()),
        }
    }

    fn copy(&self, from: Cursor, buf: &mut [u8]) -> Result<(usize, Cursor), Lagged> {
        let stored = self.stored.as_ref().map(|stored| stored.copy(from, buf));
        match (stored, self.memory) {
            (Some(Ok((0, _))) | None, Some(log)) => log.copy(log.seek(from.seq)?, buf),
            (Some(copied), _) => copied,
            (None, None) => Ok((0, from)),
        }
    }
}
