//! The programs that a node can run, as bundles: those in flash, and those that are linked into its firmware.

use campanile_core::link::bundle::{self, Bundle};
use campanile_core::program::image;

use crate::medium::Flash;
use crate::store::Store;

/// Their bytes, the newest in flash first, and then those that are linked in.
pub fn programs<'a, F: Flash>(
    store: Option<&'a Store<F>>,
    linked_in: impl Iterator<Item = &'a [u8]>,
) -> impl Iterator<Item = &'a [u8]> {
    let stored = store.map(Store::programs).unwrap_or_default();
    stored.into_iter().flatten().map(|program| program.bytes).chain(linked_in)
}

/// What a host calls the one with the image of this hash; 0 if there is none.
pub(crate) fn name_of<'a, F: Flash>(
    store: Option<&'a Store<F>>,
    linked_in: impl Iterator<Item = &'a [u8]>,
    hash: u64,
) -> u64 {
    let has_it = |bytes: &&[u8]| Bundle::open(bytes).is_some_and(|bundle| image::hash(bundle.image) == hash);
    programs(store, linked_in).find(has_it).map_or(0, bundle::hash)
}
