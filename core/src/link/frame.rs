//! Frames: what stands between two zeros on the wire.

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

use super::cobs;

const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);
const CRC_LEN: usize = 4;

/// The longest frame, the zero at its end included.
pub const MAX_FRAME: usize = 256;

/// The longest message.
pub const MAX_MESSAGE: usize = cobs::MAX - CRC_LEN;

/// Makes the frame of a message; gives its length, or `None` if the message is longer than [`MAX_MESSAGE`].
pub fn seal(message: &[u8], out: &mut [u8; MAX_FRAME]) -> Option<usize> {
    let mut bytes = [0; cobs::MAX];
    let (body, rest) = bytes.split_at_mut_checked(message.len())?;
    body.copy_from_slice(message);
    *rest.first_chunk_mut()? = CRC.checksum(message).to_le_bytes();
    let len = cobs::encode(bytes.get(..message.len().checked_add(CRC_LEN)?)?, out)?;
    *out.get_mut(len)? = 0;
    len.checked_add(1)
}

/// Puts frames together from the bytes of a wire.
#[derive(Clone, Debug)]
pub struct Collector {
    buf: [u8; MAX_FRAME],
    /// Bytes since the last zero; more than there is room for is no frame.
    len: usize,
    /// Frames that were none: cut, corrupted, or noise.
    broken: u32,
}

impl Collector {
    /// Nothing has come.
    pub const fn new() -> Self {
        Self { buf: [0; MAX_FRAME], len: 0, broken: 0 }
    }

    /// Takes a byte; gives the message that it ends.
    pub fn push(&mut self, byte: u8) -> Option<&[u8]> {
        if byte != 0 {
            if let Some(place) = self.buf.get_mut(self.len) {
                *place = byte;
            }
            self.len = self.len.saturating_add(1);
            return None;
        }
        let len = core::mem::take(&mut self.len);
        if len == 0 {
            return None;
        }
        let message = self.buf.get_mut(..len).and_then(|frame| cobs::decode(frame)).and_then(open);
        if message.is_none() {
            self.broken = self.broken.saturating_add(1);
        }
        message
    }

    /// How many frames were thrown away since the start, as they were not whole.
    pub const fn broken(&self) -> u32 {
        self.broken
    }
}

impl Default for Collector {
    fn default() -> Self {
        Self::new()
    }
}

/// The message, if its checksum is right.
fn open(bytes: &[u8]) -> Option<&[u8]> {
    let (message, checksum) = bytes.split_last_chunk::<CRC_LEN>()?;
    (CRC.checksum(message).to_le_bytes() == *checksum && !message.is_empty()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn sealed(message: &[u8]) -> Vec<u8> {
        let mut out = [0; MAX_FRAME];
        let len = seal(message, &mut out).unwrap();
        out[..len].to_vec()
    }

    fn collect(collector: &mut Collector, bytes: &[u8]) -> Vec<Vec<u8>> {
        bytes.iter().filter_map(|&byte| collector.push(byte).map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn golden_bytes() {
        // The CRC-32 of "123456789" is 0xcbf43926.
        assert_eq!(sealed(b"123456789"), b"\x0e123456789\x26\x39\xf4\xcb\x00");
        assert_eq!(sealed(&[7; MAX_MESSAGE]).len(), MAX_FRAME);
        assert_eq!(seal(&[7; MAX_MESSAGE + 1], &mut [0; MAX_FRAME]), None);
    }

    #[test]
    fn noise_costs_the_frame_that_it_runs_into_and_no_other() {
        let mut collector = Collector::new();
        let wire = [
            b"noise".to_vec(),
            sealed(b"lost"),
            sealed(b"heard"),
            [9; 600].to_vec(),
            sealed(b"lost"),
            sealed(b"too"),
        ];
        assert_eq!(collect(&mut collector, &wire.concat()), [b"heard".to_vec(), b"too".to_vec()]);
        assert_eq!(collector.broken(), 2);
        assert!(collect(&mut collector, &[0, 0, 0]).is_empty());
        assert_eq!(collector.broken(), 2, "zeros alone are nothing");
    }

    proptest! {
        #[test]
        fn a_message_comes_back_and_none_with_a_bit_changed(
            message in proptest::collection::vec(any::<u8>(), 1..=MAX_MESSAGE), bit in any::<prop::sample::Index>(),
        ) {
            let mut frame = sealed(&message);
            prop_assert_eq!(collect(&mut Collector::new(), &frame), [message]);
            let bit = bit.index((frame.len() - 1) * 8);
            frame[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(collect(&mut Collector::new(), &frame).is_empty());
        }
    }
}
