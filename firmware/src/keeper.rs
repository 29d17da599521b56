//! Takes the log and the checkpoints into the store, where the board has one.

use core::cell::RefCell;

use campanile_core::log::{Cursor, EventLog};
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};
use campanile_flash::{Checkpoint, GROUP_MAX};

use crate::storage::Storage;
use crate::{clock, wiring};

/// Records wait so long for company: each entry has a head of its own. A power cut takes what waits.
pub(crate) const WINDOW: Duration = Duration::from_millis(100);

/// So many bytes have company enough.
const COMPANY: u64 = 64;

/// Flash that takes nothing is left alone so long: every try erases a page.
const RETRY: Duration = Duration::from_secs(60);

/// See the [module](self).
pub(crate) struct Keeper<'a> {
    /// `None`: nothing is kept, and nothing waits for it.
    store: Option<&'a RefCell<Storage>>,
    /// Up to here the store has the log; `None` before the first record.
    kept: Option<Cursor>,
    /// When something began to wait for company.
    waiting: Option<Instant>,
    window: Duration,
    /// Not to be tried before.
    retry: Instant,
    checkpoint: Option<Checkpoint>,
}

impl<'a> Keeper<'a> {
    pub(crate) const fn new(store: Option<&'a RefCell<Storage>>) -> Self {
        Self { store, kept: None, waiting: None, window: WINDOW, retry: Instant::ZERO, checkpoint: None }
    }

    /// Keeps what is new if it has company or has waited for this window; the first record is behind `from`. Gives the place
    /// from which on nobody may be told yet.
    pub(crate) fn keep(&mut self, log: &EventLog<'_>, from: Cursor, window: Duration) -> Cursor {
        self.window = window;
        let kept = match self.store {
            Some(store) => self.keep_behind(store, log, self.kept.unwrap_or(from)),
            None => log.head(),
        };
        self.kept = Some(kept);
        kept
    }

    fn keep_behind(&mut self, store: &RefCell<Storage>, log: &EventLog<'_>, from: Cursor) -> Cursor {
        let (now, unkept) = (clock::now(), log.head().pos - from.pos);
        if unkept == 0 {
            self.waiting = None;
            return from;
        }
        let since = *self.waiting.get_or_insert(now);
        if now < self.retry || (unkept < COMPANY && now < since.plus(self.window)) {
            return give_up(log, from);
        }
        match try_keep(&mut store.borrow_mut(), log, from) {
            Ok(kept) => {
                self.waiting = None;
                kept
            }
            Err(to) => {
                self.retry = now.plus(RETRY);
                give_up(log, to)
            }
        }
    }

    /// When something has waited for company long enough.
    pub(crate) fn due(&self) -> Instant {
        self.waiting.map_or(Instant::NEVER, |since| since.plus(self.window).max(self.retry))
    }

    pub(crate) fn wants_checkpoint(&self) -> bool {
        self.store.is_some_and(|store| store.borrow().wants_checkpoint())
    }

    /// Takes an item of a checkpoint, which begins with the first one.
    pub(crate) fn checkpoint(&mut self, item: &Restore) {
        let Some(store) = self.store else { return };
        let begun = || Checkpoint::of(wiring::with(|wiring| wiring.program));
        self.checkpoint.get_or_insert_with(begun).push(&mut store.borrow_mut(), item);
    }

    /// That was the last item.
    pub(crate) fn checkpoint_done(&mut self) {
        if let (Some(store), Some(checkpoint)) = (self.store, self.checkpoint.take()) {
            // What the flash does not take it is asked for again.
            let _ = checkpoint.finish(&mut store.borrow_mut());
        }
    }
}

/// Keeps all; gives how far it came in any case.
fn try_keep(store: &mut Storage, log: &EventLog<'_>, mut from: Cursor) -> Result<Cursor, Cursor> {
    let mut bytes = [0; GROUP_MAX];
    loop {
        let (len, next) = match log.copy(from, &mut bytes) {
            Ok(copied) => copied,
            Err(lagged) => {
                from = lagged.resume;
                continue;
            }
        };
        if len == 0 {
            return Ok(from);
        }
        let records = bytes.get(..len).unwrap_or_default();
        store.append_records(from.seq, from.at, records).map_err(|_| from)?;
        from = next;
    }
}

/// The node goes on when the flash does not: what would fill half of the log is given up.
fn give_up(log: &EventLog<'_>, from: Cursor) -> Cursor {
    let head = log.head();
    if head.pos - from.pos <= log.capacity() as u64 / 2 { from } else { head }
}
