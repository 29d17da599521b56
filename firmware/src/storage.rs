//! What the node keeps over a reset, on boards with flash for it: programs, the log, the number of its starts.

use core::cell::RefCell;

use campanile_core::engine::Engine;
use campanile_core::link::bundle::{self, Bundle};
use campanile_core::program::image;
use campanile_core::restore::Restore;
use campanile_flash::{Items, Recalled, Store, programs, recall};

use crate::board::{Board, This};
use crate::{BUNDLE, Satellite};

/// The board's.
pub(crate) type Storage = Store<<This as Board>::Flash>;

/// What is there.
pub(crate) fn open() -> Option<Storage> {
    Store::open(This::flash()?, This::SLOT_PAGES)
}

/// What is there besides those in flash: the program that is linked in, and with a link one that does nothing, with which the
/// board waits for its host's if it can run no other.
pub(crate) static LINKED_IN: &[&[u8]] =
    if cfg!(feature = "link") { &[BUNDLE, bundle::EMPTY] } else { &[BUNDLE] };

/// The bundles that are there, the newest first and then those that are linked in.
pub(crate) fn bundles(store: Option<&Storage>) -> impl Iterator<Item = Bundle<'static>> {
    programs(store, LINKED_IN.iter().copied()).map(for_ever).filter_map(Bundle::open)
}

/// The bundle with an image of this hash.
pub(crate) fn bundle_of(store: Option<&Storage>, hash: u64) -> Option<Bundle<'static>> {
    bundles(store).find(|bundle| image::hash(bundle.image) == hash)
}

/// A program, for as long as it is loaded.
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

/// The items of what outlived, while the store is written.
pub(crate) fn items<'a>(
    store: &'a RefCell<Storage>,
    recalled: Option<Recalled>,
) -> impl Iterator<Item = Restore> + use<'a> {
    let mut items: Option<Items> = recalled.map(|recalled| recalled.items());
    core::iter::from_fn(move || items.as_mut()?.next(&store.borrow()))
}
