//! Programs that come over the link: from the last piece of a bundle to the loop that installs it.

use core::cell::RefCell;

use campanile_core::link::Verdict;
use campanile_core::link::bundle::Bundle;
use campanile_core::program::image;
use campanile_core::runner::Message;

use super::End;
use crate::bundles::name_of;
use crate::port::Port;

impl<P: Port, const BUNDLE: usize, const OUTPUTS: usize> End<P, BUNDLE, OUTPUTS> {
    /// Checks a bundle, stores it, and asks the loop to take it over.
    pub(super) fn commit(&mut self, hash: u64) -> Result<(), Verdict> {
        let store = self.port.store();
        let image = {
            let store = store.map(RefCell::borrow);
            let bytes = match &store {
                Some(store) => store.staged(hash),
                None => self.staging.whole(hash),
            };
            let bundle = Bundle::open(bytes.ok_or(Verdict::Incomplete)?).ok_or(Verdict::Malformed)?;
            self.port.check(&bundle, &self.room)?;
            image::hash(bundle.image)
        };
        if !self.port.takes_message() {
            return Err(Verdict::Incomplete);
        }
        // From here on it is what the next start begins with, if there is flash for it.
        if let Some(store) = store {
            store.borrow_mut().commit(hash).map_err(|_| Verdict::Unstored)?;
        }
        self.installing = Some((hash, image));
        self.port.tell(Message::Install { hash: image });
        Ok(())
    }

    /// The longest bundle that there is room for.
    pub(super) fn bundle_max(&self) -> u16 {
        let max = self.port.store().map_or(BUNDLE, |store| store.borrow().program_max());
        u16::try_from(max).unwrap_or(u16::MAX)
    }

    /// The bundle with the image of this hash that the loop is to install, where that has come into memory: the others are in
    /// the store.
    pub fn staged(&self, image: u64) -> Option<Bundle<'_>> {
        let (bundle, _) = self.installing.filter(|(_, installing)| *installing == image)?;
        Bundle::open(self.staging.whole(bundle)?)
    }

    /// The engine has refused the program that it was to install.
    pub fn install_failed(&mut self) {
        if let Some((bundle, _)) = self.installing.take() {
            self.satellite.committed(bundle, Verdict::Refused);
        }
    }
}

/// What the host calls the bundle with this image.
pub(super) fn name(port: &impl Port, image: u64) -> u64 {
    name_of(port.store().map(RefCell::borrow).as_deref(), port.linked_in(), image)
}
