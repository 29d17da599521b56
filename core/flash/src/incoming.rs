//! Programs that come over a link, as bundles, a piece at a time.

use campanile_core::link::Verdict;
use campanile_core::link::bundle::Bundle;
use campanile_core::program::image;

use crate::medium::Flash;
use crate::slots::Unstored;
use crate::store::Store;

impl<F: Flash> Store<F> {
    /// Takes a piece of a bundle, of this hash and length; gives how much is there. The bundle that is to be `kept` runs.
    ///
    /// # Errors
    /// It cannot be taken: what the host is told.
    pub fn take_piece(
        &mut self,
        kept: u64,
        (hash, len): (u64, u16),
        offset: u16,
        piece: &[u8],
    ) -> Result<u16, Verdict> {
        let mut have = self.write_program(hash, offset.into(), piece);
        if have == Err(Unstored::Incomplete) && offset == 0 {
            have = self
                .stage(len.into(), hash, Some(kept), image_of)
                .and_then(|()| self.write_program(hash, 0, piece));
        }
        match have {
            Ok(have) => Ok(u16::try_from(have).unwrap_or(u16::MAX)),
            // Not yet, or not from the middle on: the host says it again.
            Err(Unstored::Incomplete | Unstored::Needed) => Ok(0),
            Err(Unstored::TooLong { .. }) => Err(Verdict::NoRoom),
            Err(Unstored::Refused) => Err(Verdict::Unstored),
        }
    }
}

/// The hash of the image in a stored bundle.
fn image_of(bundle: &[u8]) -> Option<u64> {
    Some(image::hash(Bundle::open(bundle)?.image))
}
