//! Which program runs: the newest that this board can run.

use campanile_core::link::Verdict;
use campanile_core::link::bundle::Bundle;
use campanile_core::program::image;
use campanile_core::program::verify::{Room, verify};

use crate::storage::{self, Storage};
use crate::wiring::Wiring;

/// A program that was passed over.
#[derive(Clone, Copy)]
pub(crate) struct PassedOver {
    /// The hash of its image.
    #[cfg_attr(not(feature = "link"), allow(dead_code, reason = "what is sent has no place for it"))]
    pub(crate) program: u64,
    pub(crate) why: Verdict,
}

/// What became of the programs that are there.
pub(crate) struct Choice {
    /// The image of the one that runs; `None` if this board can run none of them.
    pub(crate) image: Option<&'static [u8]>,
    /// The last of those before it.
    pub(crate) passed_over: Option<PassedOver>,
}

/// The pins of a bundle, if this board can run its program.
///
/// # Errors
/// Why it cannot.
pub(crate) fn check(bundle: &Bundle<'_>, room: &Room) -> Result<Wiring, Verdict> {
    let wiring = Wiring::of(bundle)?;
    verify(bundle.image, room)?;
    Ok(wiring)
}

/// Sets up the pins of the newest program that this board can run.
pub(crate) fn connect(store: Option<&Storage>, room: &Room) -> Choice {
    let mut passed_over = None;
    for bundle in storage::bundles(store) {
        match check(&bundle, room) {
            Ok(wiring) => {
                wiring.connect();
                return Choice { image: Some(bundle.image), passed_over };
            }
            Err(why) => passed_over = Some(PassedOver { program: image::hash(bundle.image), why }),
        }
    }
    Choice { image: None, passed_over }
}
