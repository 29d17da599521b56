//! Where a bundle waits in memory until it is whole.

use super::bundle::hash;

/// Room for a bundle of up to `N` bytes.
#[derive(Clone, Debug)]
pub struct Staging<const N: usize> {
    hash: u64,
    len: u16,
    have: u16,
    bytes: [u8; N],
}

impl<const N: usize> Staging<N> {
    /// Nothing is there.
    pub const fn new() -> Self {
        Self { hash: 0, len: 0, have: 0, bytes: [0; N] }
    }

    /// Takes a piece if it is the next one; gives how much is there. Another bundle takes the place of the one before.
    pub fn take(&mut self, hash: u64, len: u16, offset: u16, bytes: &[u8]) -> u16 {
        if (self.hash, self.len) != (hash, len) {
            (self.hash, self.len, self.have) = (hash, len, 0);
        }
        let end = usize::from(offset).saturating_add(bytes.len());
        if offset == self.have
            && end <= usize::from(len)
            && let Some(place) = self.bytes.get_mut(usize::from(offset)..end)
        {
            place.copy_from_slice(bytes);
            self.have = u16::try_from(end).unwrap_or(self.have);
        }
        self.have
    }

    /// The bundle of this hash, if it is whole.
    pub fn whole(&self, wanted: u64) -> Option<&[u8]> {
        let bytes = self.bytes.get(..usize::from(self.have)).filter(|_| self.have == self.len)?;
        (self.hash == wanted && hash(bytes) == wanted).then_some(bytes)
    }
}

impl<const N: usize> Default for Staging<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_order_and_twice_and_out_of_it() {
        let bundle = b"a bundle of pieces";
        let (name, len) = (hash(bundle), 18);
        let mut staging = Staging::<32>::new();
        assert_eq!(staging.take(name, len, 0, b"a bundle"), 8);
        assert_eq!(staging.take(name, len, 0, b"a bundle"), 8, "twice");
        assert_eq!(staging.take(name, len, 12, b"pieces"), 8, "too early");
        assert_eq!(staging.whole(name), None);
        assert_eq!(staging.take(name, len, 8, b" of pieces!"), 8, "more than there is");
        assert_eq!(staging.take(name, len, 8, b" of pieces"), 18);
        assert_eq!(staging.whole(name), Some(bundle.as_slice()));
        assert_eq!(staging.whole(1), None);
        assert_eq!(staging.take(7, 100, 0, &[0; 40]), 0, "no room, and the other one is gone");
        assert_eq!(staging.whole(name), None);
        assert_eq!(staging.take(8, 3, 0, b"xyz"), 3);
        assert_eq!(staging.whole(8), None, "damaged");
    }
}
