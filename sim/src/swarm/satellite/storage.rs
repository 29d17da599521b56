//! What a start of a satellite finds, as the firmware does: in the store that ships over a [`Chip`], or only what is linked in.

use std::iter::once;

use campanile_core::capacity::Capacity;
use campanile_core::engine::Engine;
use campanile_core::link::Source as _;
use campanile_core::link::bundle::Bundle;
use campanile_core::program::image;
use campanile_core::program::verify::Room;
use campanile_core::restore::Restore;
use campanile_flash::{Items, Recalled, Store, programs, recall};

use super::chip::{Chip, SLOT_PAGES};
use crate::house::Houses;
use crate::node::Build;

/// What a start finds.
pub(super) struct Found {
    pub(super) store: Option<Store<Chip>>,
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
    /// How much the engine has room for.
    pub(super) room: Room,
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
        let is_ours = |image: &&[u8]| houses.contains_key(&image::hash(image));
        let wanted = images(store.as_ref(), linked_in).find(is_ours)?.to_vec();
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
        let wanted = Some(wanted).filter(|wanted| *wanted != program);
        Some(Found { store, boot, image, program, wanted, kept, left, room: engine.room() })
    }
}

/// The images that are there, the newest first and the one that is linked in last.
fn images<'a>(store: Option<&'a Store<Chip>>, linked_in: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    programs(store, once(linked_in)).filter_map(Bundle::open).map(|bundle| bundle.image)
}

fn image_in(store: &Store<Chip>, hash: u64) -> Option<&[u8]> {
    images(Some(store), store.flash().linked_in()).find(|image| image::hash(image) == hash)
}

fn items(store: &Store<Chip>, recalled: Option<Recalled>) -> Vec<Restore> {
    let mut items: Option<Items> = recalled.map(|recalled| recalled.items());
    std::iter::from_fn(|| items.as_mut()?.next(store)).collect()
}
