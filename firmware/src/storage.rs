//! What the node keeps over a reset, on boards with flash for it: programs, the log, the number of its starts.

use core::cell::RefCell;

use campanile_core::engine::Engine;
use campanile_core::link::bundle::Bundle;
#[cfg(feature = "link")]
use campanile_core::link::{self, Health, bundle};
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::image;
use campanile_core::record::CORE_REV;
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};
#[cfg(feature = "link")]
use campanile_flash::Condition;
use campanile_flash::{Checkpoint, GROUP_MAX, Items, Of, Recalled, Start, Store, recall};

use crate::board::{Board, This};
use crate::{BUNDLE, Satellite, clock, wiring};

/// The board's.
pub(crate) type Storage = Store<<This as Board>::Flash>;

/// Records wait so long for company: each entry has a head of its own. A power cut takes what waits.
pub(crate) const WINDOW: Duration = Duration::from_millis(100);

/// So many bytes have company enough.
const COMPANY: u64 = 64;

/// Flash that takes nothing is left alone so long: every try erases a page.
const RETRY: Duration = Duration::from_secs(60);

/// What is there.
pub(crate) fn open() -> Option<Storage> {
    Store::open(This::flash()?, This::SLOT_PAGES)
}

/// The bytes of the bundles that are there, the newest first and the one that is linked in last.
fn programs(store: Option<&Storage>) -> impl Iterator<Item = &'static [u8]> {
    let stored = store.map(Store::programs).unwrap_or_default();
    let stored = stored.map(|program| program.map(|program| for_ever(program.bytes)));
    stored.into_iter().flatten().chain([BUNDLE])
}

/// The bundles that are there, in the same order.
pub(crate) fn bundles(store: Option<&Storage>) -> impl Iterator<Item = Bundle<'static>> {
    programs(store).filter_map(Bundle::open)
}

/// The bundle with an image of this hash.
pub(crate) fn bundle_of(store: Option<&Storage>, hash: u64) -> Option<Bundle<'static>> {
    bundles(store).find(|bundle| image::hash(bundle.image) == hash)
}

/// What a host calls that bundle; 0 if there is none.
#[cfg(feature = "link")]
pub(crate) fn name_of(store: Option<&Storage>, hash: u64) -> u64 {
    let has_it = |bytes: &&[u8]| Bundle::open(bytes).is_some_and(|bundle| image::hash(bundle.image) == hash);
    programs(store).find(has_it).map_or(0, bundle::hash)
}

/// The bundle of this name that has come and does not count yet.
#[cfg(feature = "link")]
pub(crate) fn staged(store: &Storage, name: u64) -> Option<&'static [u8]> {
    store.staged(name).map(for_ever)
}

/// How it is, as the link says it.
#[cfg(feature = "link")]
pub(crate) fn health(store: Option<&Storage>) -> Health {
    let Some(store) = store else { return Health::NO_STORAGE };
    let campanile_flash::Health { condition, cycles, refused, lost, dropped } = store.health();
    let storage = match condition {
        Condition::Good => link::Storage::Good,
        Condition::Full => link::Storage::Full,
        Condition::Worn => link::Storage::Worn,
        Condition::Dead => link::Storage::Dead,
    };
    Health { storage, cycles, refused, lost, dropped }
}

/// A stored program, for as long as it is loaded.
fn for_ever(bytes: &[u8]) -> &'static [u8] {
    // SAFETY: flash is memory for ever, and the slot of a program that runs, or is about to, is not written: a new one is
    // staged in the other.
    unsafe { core::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) }
}

/// Finds what outlived the last start. The engine is as new afterwards.
// Apart, so that what it needs is on the stack at the start, and no longer.
#[inline(never)]
pub(crate) fn remember(store: &mut Storage, engine: &mut Engine<Satellite>) -> Option<Recalled> {
    let recalled = recall(store, engine, |store, hash| Some(bundle_of(Some(store), hash)?.image));
    // As a constant, which is not made on the stack first: a small chip has no room for two.
    *engine = const { Engine::new() };
    recalled.ok().flatten()
}

/// Gives this start its number: 0, as a board without storage has, if the flash does not take it.
pub(crate) fn begin(store: &mut Storage, program: u64) -> u64 {
    let boot = store.next_boot(This::random());
    let of = Of { program, core_rev: CORE_REV };
    store.begin(Start { boot, of }).map_or(0, |()| boot)
}

/// The items of what outlived, while the store is written.
pub(crate) fn items<'a>(
    store: &'a RefCell<Storage>,
    recalled: Option<Recalled>,
) -> impl Iterator<Item = Restore> + use<'a> {
    let mut items: Option<Items> = recalled.map(|recalled| recalled.items());
    core::iter::from_fn(move || items.as_mut()?.next(&store.borrow()))
}

/// Takes the log into the store.
pub(crate) struct Keeper<'a> {
    store: &'a RefCell<Storage>,
    /// When something began to wait for company.
    waiting: Option<Instant>,
    window: Duration,
    /// Not to be tried before.
    retry: Instant,
    checkpoint: Option<Checkpoint>,
}

impl<'a> Keeper<'a> {
    pub(crate) const fn new(store: &'a RefCell<Storage>) -> Self {
        Self { store, waiting: None, window: WINDOW, retry: Instant::ZERO, checkpoint: None }
    }

    /// Keeps what is new behind `from`, if it has company or has waited for this window; gives the place it got to.
    pub(crate) fn keep(&mut self, log: &EventLog<'_>, from: Cursor, window: Duration) -> Cursor {
        self.window = window;
        let (now, unkept) = (clock::now(), log.head().pos - from.pos);
        if unkept == 0 {
            self.waiting = None;
            return from;
        }
        let since = *self.waiting.get_or_insert(now);
        if now < self.retry || (unkept < COMPANY && now < since.plus(window)) {
            return self.give_up(log, from);
        }
        self.waiting = None;
        match self.try_keep(log, from) {
            Ok(to) => to,
            Err(to) => {
                self.retry = now.plus(RETRY);
                self.give_up(log, to)
            }
        }
    }

    /// Keeps all; gives how far it came in any case.
    fn try_keep(&mut self, log: &EventLog<'_>, mut from: Cursor) -> Result<Cursor, Cursor> {
        let mut store = self.store.borrow_mut();
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
    fn give_up(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        let head = log.head();
        if head.pos - from.pos <= log.capacity() as u64 / 2 {
            return from;
        }
        head
    }

    /// When something has waited for company long enough.
    pub(crate) fn due(&self) -> Instant {
        self.waiting.map_or(Instant::NEVER, |since| since.plus(self.window).max(self.retry))
    }

    pub(crate) fn wants_checkpoint(&self) -> bool {
        self.store.borrow().wants_checkpoint()
    }

    pub(crate) fn checkpoint(&mut self, item: &Restore) {
        let begun = || Checkpoint::of(wiring::with(|wiring| wiring.program));
        self.checkpoint.get_or_insert_with(begun).push(&mut self.store.borrow_mut(), item);
    }

    pub(crate) fn checkpoint_done(&mut self) {
        if let Some(checkpoint) = self.checkpoint.take() {
            // What the flash does not take it is asked for again.
            let _ = checkpoint.finish(&mut self.store.borrow_mut());
        }
    }

    pub(crate) fn bundle_of(&self, hash: u64) -> Option<Bundle<'static>> {
        bundle_of(Some(&self.store.borrow()), hash)
    }
}
