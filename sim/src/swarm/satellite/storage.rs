//! What a satellite keeps over its starts, as the firmware has it: the store that ships over a [`Chip`], or memory alone.

use campanile_core::capacity::Capacity;
use campanile_core::engine::Engine;
use campanile_core::link::bundle::{self, Bundle};
use campanile_core::link::{Health, Source as _, Staging, Verdict};
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::image;
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};
use campanile_flash::{Items, Keeper, Offered, Recalled, Served, Store, recall};

use super::chip::{Chip, SLOT_PAGES};
use crate::node::{Build, Houses};

/// The longest bundle that is taken over the link where there is no flash for it.
const BUNDLE_MAX: usize = 4096;

/// Of a start.
pub(super) struct Storage {
    store: Option<Store<Chip>>,
    /// This start has a number there: without one nothing is kept in it, and nothing read.
    numbered: bool,
    offered: Option<Offered>,
    keeper: Keeper,
    /// The program that came with the firmware.
    linked_in: Vec<u8>,
    staging: Box<Staging<BUNDLE_MAX>>,
    /// The program that runs.
    program: u64,
    /// Records before this number are known to be kept.
    pub(super) kept: u64,
}

/// What a start finds.
pub(super) struct Found {
    pub(super) storage: Storage,
    /// Its number; 0 without storage.
    pub(super) boot: u64,
    /// The image that goes on first, and its hash: what outlived the last start is of it.
    pub(super) image: Vec<u8>,
    pub(super) program: u64,
    /// The hash of the image that takes over from it.
    pub(super) wanted: Option<u64>,
    pub(super) kept: Vec<Restore>,
    /// So many records of the start `last` are there.
    pub(super) left: u64,
}

/// A start looks for what outlived the one before.
pub(super) struct Look<'a> {
    pub(super) chip: Option<Chip>,
    pub(super) linked_in: &'a [u8],
    pub(super) houses: &'a Houses,
    pub(super) random: u32,
    /// The number of the last start that has one.
    pub(super) last: u64,
}

impl Build for Look<'_> {
    type Made = Option<Found>;

    /// As the firmware does. `None` if no program is one.
    fn build<C: Capacity + 'static>(self) -> Option<Found> {
        let Look { chip, linked_in, houses, random, last } = self;
        let mut store = chip.and_then(|chip| Store::open(chip, SLOT_PAGES));
        let left = store.as_ref().map_or(0, |store| store.log_of(last).head().seq.saturating_sub(1));
        // The lines of others are lines that this board has not.
        let is_ours = |bundle: &Bundle<'_>| houses.contains_key(&image::hash(bundle.image));
        let wanted = bundles(store.as_ref(), linked_in).find(is_ours)?.image.to_vec();
        let mut engine = Box::new(Engine::<C>::new());
        let of_store = |store: &Store<Chip>, hash| image_in(store, hash).map(<[u8]>::to_vec);
        let recalled = store.as_mut().and_then(|store| recall(store, &mut engine, image_in).ok().flatten());
        let image =
            recalled.zip(store.as_ref()).and_then(|(recalled, store)| of_store(store, recalled.program));
        let image = image.unwrap_or_else(|| wanted.clone());
        let (program, wanted) = (image::hash(&image), image::hash(&wanted));
        let recalled = recalled.filter(|recalled| recalled.program == program);
        let boot = store.as_mut().map_or(0, |store| store.begin_next(random, program));
        let kept = store.as_ref().map(|store| items(store, recalled)).unwrap_or_default();
        let numbered = boot != 0;
        let offered = store.as_ref().filter(|_| numbered).map(|store| Offered::first(store, boot));
        let storage = Storage {
            store,
            numbered,
            offered,
            keeper: Keeper::new(),
            linked_in: linked_in.to_vec(),
            staging: Box::default(),
            program,
            kept: 1,
        };
        let wanted = Some(wanted).filter(|wanted| *wanted != program);
        Some(Found { storage, boot, image, program, wanted, kept, left })
    }
}

/// The bundles that are there, the newest first and the one that is linked in last.
fn bundles<'a>(store: Option<&'a Store<Chip>>, linked_in: &'a [u8]) -> impl Iterator<Item = Bundle<'a>> {
    let stored = store.map(Store::programs).unwrap_or_default();
    stored.into_iter().flatten().map(|program| program.bytes).chain([linked_in]).filter_map(Bundle::open)
}

fn image_in(store: &Store<Chip>, hash: u64) -> Option<&[u8]> {
    let mut bundles = bundles(Some(store), store.flash().linked_in());
    Some(bundles.find(|bundle| image::hash(bundle.image) == hash)?.image)
}

fn items(store: &Store<Chip>, recalled: Option<Recalled>) -> Vec<Restore> {
    let mut items: Option<Items> = recalled.map(|recalled| recalled.items());
    std::iter::from_fn(|| items.as_mut()?.next(store)).collect()
}

impl Storage {
    /// The start whose records are offered, as the house calls it, and whether it is over; `None` without storage.
    pub(super) fn offers(&self) -> Option<(u64, bool)> {
        self.offered.map(|offered| (offered.number(), offered.is_over()))
    }

    /// The number of the start that runs, as its flash counts; 0 without one.
    pub(super) fn runs(&self) -> u64 {
        self.offered.map_or(0, |offered| offered.runs())
    }

    /// Keeps what is new, and gives the place from which on nobody may be told yet.
    pub(super) fn keep(
        &mut self,
        log: &EventLog<'_>,
        from: Cursor,
        (now, window): (Instant, Duration),
    ) -> Cursor {
        let store = self.store.as_mut().filter(|_| self.numbered);
        let kept = self.keeper.keep(store, log, from, (now, window));
        if let Some(store) = self.store.as_ref().filter(|_| self.numbered) {
            // What was given up has been passed, and is not kept.
            self.kept = if store.head().seq >= kept.seq { kept.seq } else { self.kept };
            // What flash does not take nobody waits for: the link has it from memory.
            if store.is_dead() {
                return log.head();
            }
        }
        kept
    }

    /// When something has waited for company long enough.
    pub(super) fn due(&self) -> Instant {
        self.keeper.due()
    }

    /// The records that go over the link.
    pub(super) fn served<'a>(&'a self, log: &'a EventLog<'a>) -> Served<'a, Chip> {
        Served::new(self.store.as_ref().filter(|_| self.numbered).zip(self.offered), log)
    }

    pub(super) fn health(&self) -> Health {
        self.store.as_ref().map_or(Health::NO_STORAGE, |store| store.health().into())
    }

    /// The longest bundle that there is room for.
    pub(super) fn bundle_max(&self) -> u16 {
        let max = self.store.as_ref().map_or(BUNDLE_MAX, Store::program_max);
        u16::try_from(max).unwrap_or(u16::MAX)
    }

    pub(super) fn wants_checkpoint(&self) -> bool {
        self.numbered && self.store.as_ref().is_some_and(Store::wants_checkpoint)
    }

    pub(super) fn checkpoint(&mut self, item: &Restore) {
        if let Some(store) = &mut self.store {
            self.keeper.checkpoint(store, self.program, item);
        }
    }

    pub(super) fn checkpoint_done(&mut self) {
        if let Some(store) = &mut self.store {
            self.keeper.checkpoint_done(store);
        }
    }

    /// Another program has taken over; what the house calls it.
    pub(super) fn installed(&mut self, program: u64) -> u64 {
        self.program = program;
        let all = self.store.as_ref().map(Store::programs).unwrap_or_default();
        let mut all =
            all.into_iter().flatten().map(|program| program.bytes).chain([self.linked_in.as_slice()]);
        let has_it =
            |bytes: &&[u8]| Bundle::open(bytes).is_some_and(|bundle| image::hash(bundle.image) == program);
        all.find(has_it).map_or(0, bundle::hash)
    }

    /// Takes a piece of a bundle; gives how much is there. The bundle that is to be `kept` runs.
    pub(super) fn take_piece(
        &mut self,
        kept: u64,
        (hash, len): (u64, u16),
        offset: u16,
        piece: &[u8],
    ) -> Result<u16, Verdict> {
        match &mut self.store {
            Some(store) => store.take_piece(kept, (hash, len), offset, piece),
            None => Ok(self.staging.take(hash, len, offset, piece)),
        }
    }

    /// The bundle of this name, if all of it has come.
    pub(super) fn whole(&self, name: u64) -> Option<&[u8]> {
        match &self.store {
            Some(store) => store.staged(name),
            None => self.staging.whole(name),
        }
    }

    /// From here on it is what the next start begins with, if there is flash for it.
    pub(super) fn commit(&mut self, name: u64) -> Result<(), Verdict> {
        let Some(store) = &mut self.store else { return Ok(()) };
        store.commit(name).map_err(|_| Verdict::Unstored)
    }

    /// The bundle that is to be installed, or was: `name` is what the house calls it, `image` its image's hash.
    pub(super) fn bundle(&self, name: u64, image: u64) -> Option<Bundle<'_>> {
        let is_it = |bundle: &Bundle<'_>| image::hash(bundle.image) == image;
        match &self.store {
            Some(store) => bundles(Some(store), &self.linked_in).find(is_it),
            None => self
                .staging
                .whole(name)
                .or(Some(self.linked_in.as_slice()))
                .and_then(Bundle::open)
                .filter(is_it),
        }
    }

    /// The house calls the start whose records are offered by this number. Gives that start's own.
    pub(super) fn assigned(&mut self, number: u64) -> u64 {
        match self.store.as_mut().zip(self.offered.as_mut()) {
            Some((store, offered)) => {
                offered.assigned(store, number);
                offered.own()
            }
            None => 0,
        }
    }

    /// The house has all records of the offered start before this one. True if from here on another is offered.
    pub(super) fn taken(&mut self, seq: u64) -> bool {
        let both = self.store.as_mut().zip(self.offered.as_mut());
        both.is_some_and(|(store, offered)| offered.taken(store, seq))
    }

    /// The oldest record that is there: of which start, and its number.
    pub(super) fn tail(&self) -> Option<(u64, u64)> {
        let tail = self.store.as_ref().filter(|_| self.numbered)?.tail();
        Some((tail.boot, tail.seq))
    }

    /// Gives the flash back.
    pub(super) fn close(&mut self) -> Option<Chip> {
        self.store.take().map(Store::close)
    }
}
