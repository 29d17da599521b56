//! Takes the log of a start and the checkpoints into the store: in groups, so that an entry's head is worth its bytes.

use campanile_core::log::{Cursor, EventLog};
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};

use crate::medium::Flash;
use crate::store::{Checkpoint, GROUP_MAX, Store};

/// So many bytes have company enough.
const COMPANY: u64 = 64;

/// Flash that takes nothing is left alone so long: every try erases a page.
const RETRY: Duration = Duration::from_secs(60);

/// See the [module](self).
pub struct Keeper {
    /// Up to here the store has the log; `None` before the first record.
    kept: Option<Cursor>,
    /// When something began to wait for company.
    waiting: Option<Instant>,
    window: Duration,
    /// Not to be tried before.
    retry: Instant,
    checkpoint: Option<Checkpoint>,
}

impl Keeper {
    /// Records wait so long for company, unless somebody is in a hurry: each entry has a head of its own. A power cut takes
    /// what waits.
    pub const WINDOW: Duration = Duration::from_millis(100);

    /// While a host listens they wait no longer than this.
    pub const HURRY: Duration = Duration::from_millis(5);

    /// Nothing is kept yet.
    pub const fn new() -> Self {
        Self { kept: None, waiting: None, window: Self::WINDOW, retry: Instant::ZERO, checkpoint: None }
    }

    /// Keeps what is new if it has company or has waited for this window; the first record is behind `from`. Gives the place
    /// from which on nobody may be told yet. Without a store nothing is kept, and nothing waits for it.
    pub fn keep<F: Flash>(
        &mut self,
        store: Option<&mut Store<F>>,
        log: &EventLog<'_>,
        from: Cursor,
        (now, window): (Instant, Duration),
    ) -> Cursor {
        self.window = window;
        let kept = match store {
            Some(store) => self.keep_behind(store, log, self.kept.unwrap_or(from), now),
            None => log.head(),
        };
        self.kept = Some(kept);
        kept
    }

    fn keep_behind<F: Flash>(
        &mut self,
        store: &mut Store<F>,
        log: &EventLog<'_>,
        from: Cursor,
        now: Instant,
    ) -> Cursor {
        let unkept = log.head().pos - from.pos;
        if unkept == 0 {
            self.waiting = None;
            return from;
        }
        let since = *self.waiting.get_or_insert(now);
        if now < self.retry || (unkept < COMPANY && now < since.plus(self.window)) {
            return give_up(log, from);
        }
        match try_keep(store, log, from) {
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
    pub fn due(&self) -> Instant {
        self.waiting.map_or(Instant::NEVER, |since| since.plus(self.window).max(self.retry))
    }

    /// Takes an item of a checkpoint, which begins with the first one and is of the program with this hash.
    pub fn checkpoint<F: Flash>(&mut self, store: &mut Store<F>, program: u64, item: &Restore) {
        self.checkpoint.get_or_insert_with(|| Checkpoint::of(program)).push(store, item);
    }

    /// That was the last item.
    pub fn checkpoint_done<F: Flash>(&mut self, store: &mut Store<F>) {
        if let Some(checkpoint) = self.checkpoint.take() {
            // What the flash does not take it is asked for again.
            let _ = checkpoint.finish(store);
        }
    }
}

impl Default for Keeper {
    fn default() -> Self {
        Self::new()
    }
}

/// Keeps all; gives how far it came in any case.
fn try_keep<F: Flash>(store: &mut Store<F>, log: &EventLog<'_>, mut from: Cursor) -> Result<Cursor, Cursor> {
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
