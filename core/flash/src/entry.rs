//! Entries: what a page of the log is made of. The length of the payload, the kind, a CRC-32, the payload, and ones up to a
//! whole unit; the first of a page says which page it is. The checksum also covers the page's turn and the place in it,
//! so that nothing from before an erase that was cut passes for new.

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

use crate::medium::UNIT_MAX;

const SUM: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// Length, kind and checksum.
const HEAD: usize = 6;

/// The longest payload. No length is that of blank flash.
pub(crate) const PAYLOAD_MAX: usize = 234;

/// The longest entry, its padding included.
pub(crate) const ENTRY_MAX: usize = HEAD + PAYLOAD_MAX;
const _: () = assert!(ENTRY_MAX.is_multiple_of(UNIT_MAX), "the longest entry needs no padding");

// Kinds. Append only.
pub(crate) const PAGE: u8 = 1;
pub(crate) const START: u8 = 2;
pub(crate) const RECORDS: u8 = 3;
pub(crate) const STATE: u8 = 4;
pub(crate) const LOST: u8 = 5;
pub(crate) const NAMED: u8 = 6;

/// An entry that is whole.
pub(crate) struct Entry<'a> {
    pub(crate) kind: u8,
    pub(crate) payload: &'a [u8],
    /// With its padding.
    pub(crate) size: usize,
}

/// Bytes that an entry with this payload takes.
pub(crate) const fn size(payload: usize, unit: usize) -> usize {
    (HEAD + payload).next_multiple_of(unit)
}

/// The entry at a place of a page, if there is one.
pub(crate) fn read(page: &[u8], offset: usize, turn: u32, unit: usize) -> Option<Entry<'_>> {
    let rest = page.get(offset..)?;
    let (&[len, kind, ref sum @ ..], behind) = rest.split_first_chunk::<HEAD>()?;
    let payload = behind.get(..usize::from(len))?;
    if usize::from(len) > PAYLOAD_MAX || u32::from_le_bytes(*sum) != checksum(turn, offset, kind, payload) {
        return None;
    }
    Some(Entry { kind, payload, size: size(payload.len(), unit) })
}

/// Puts an entry for a place of a page together, and gives its bytes. What of the payload is too long is left out.
pub(crate) fn write<'a>(
    buf: &'a mut [u8; ENTRY_MAX],
    (turn, offset): (u32, usize),
    kind: u8,
    payload: &[u8],
    unit: usize,
) -> &'a [u8] {
    *buf = [u8::MAX; ENTRY_MAX];
    let payload = payload.get(..PAYLOAD_MAX).unwrap_or(payload);
    let [a, b, c, d] = checksum(turn, offset, kind, payload).to_le_bytes();
    if let Some((head, place)) = buf.split_first_chunk_mut::<HEAD>() {
        *head = [payload.len() as u8, kind, a, b, c, d];
        place.iter_mut().zip(payload).for_each(|(place, byte)| *place = *byte);
    }
    buf.get(..size(payload.len(), unit)).unwrap_or_default()
}

fn checksum(turn: u32, offset: usize, kind: u8, payload: &[u8]) -> u32 {
    let mut sum = SUM.digest();
    sum.update(&turn.to_le_bytes());
    sum.update(&(offset as u32).to_le_bytes());
    sum.update(&[payload.len() as u8, kind]);
    sum.update(payload);
    sum.finalize()
}
