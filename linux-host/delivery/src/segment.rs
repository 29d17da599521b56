//! Segments: files of fixed length, named by a number that never comes again, each with a header of its own.
//!
//! ```text
//! header = magic "CAMPJRNL" version:u16 flags:u16 segment:u64 previous_end:u32 node:[u8; 32]
//!          boot:u64 seq:u64 host:u64 time:u64 program:u64 unix:i64 zeros crc:u32        128 bytes, little endian
//! ```
//! Magic, version and the checksum over the first 124 bytes stay where they are in every version, so that a newer
//! journal is recognised as such and left alone.

use campanile_core::time::Instant;

use crate::checksum::CRC32C;
use crate::group::{Anchor, Found, decode};
use crate::name::Name;
use crate::position::{Boot, Mark, Position};

/// The first group stands here.
pub(crate) const HEADER_LEN: u32 = 128;

/// The version of the format, raised by every change that an older binary could not read.
pub(crate) const VERSION: u16 = 1;

const MAGIC: [u8; 8] = *b"CAMPJRNL";
const CRC_AT: usize = HEADER_LEN as usize - 4;

/// The name of the segment that is kept ready.
pub(crate) const SPARE: &str = "spare";

/// What a segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub segment: u64,
    /// Where the segment before ends: what stands behind was given up. 0 if there is none.
    pub previous_end: u32,
    pub node: Name,
    /// Before the first record.
    pub start: Mark,
    /// The hash of the program then active; 0 if there was none.
    pub program: u64,
    /// Wall-clock time at its creation, microseconds since 1970; 0 if nobody trusted the clock.
    pub unix: i64,
}

/// Why a header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadHeader {
    /// It is whole, and of a later version.
    Newer(u16),
    /// It is no header.
    Damaged,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_LEN as usize] {
        let mut bytes = Vec::with_capacity(HEADER_LEN as usize);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&self.segment.to_le_bytes());
        bytes.extend_from_slice(&self.previous_end.to_le_bytes());
        bytes.extend_from_slice(self.node.as_str().as_bytes());
        bytes.resize(56, 0);
        let Position { boot, seq, host } = self.start.at;
        for number in [boot.0, seq, host, self.start.time.micros(), self.program, self.unix.cast_unsigned()] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.resize(CRC_AT, 0);
        bytes.extend_from_slice(&CRC32C.checksum(&bytes).to_le_bytes());
        let mut header = [0; HEADER_LEN as usize];
        header.copy_from_slice(&bytes);
        header
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadHeader> {
        let bytes: &[u8; HEADER_LEN as usize] = bytes.first_chunk().ok_or(BadHeader::Damaged)?;
        let crc = u32::from_le_bytes(field(bytes, CRC_AT));
        if bytes[..8] != MAGIC || crc != CRC32C.checksum(&bytes[..CRC_AT]) {
            return Err(BadHeader::Damaged);
        }
        let version = u16::from_le_bytes(field(bytes, 8));
        if version > VERSION {
            return Err(BadHeader::Newer(version));
        }
        let node = bytes[24..56].split(|&b| b == 0).next().unwrap_or_default();
        let node =
            std::str::from_utf8(node).ok().and_then(|text| text.parse().ok()).ok_or(BadHeader::Damaged)?;
        let number = |at| u64::from_le_bytes(field(bytes, at));
        Ok(Self {
            segment: number(12),
            previous_end: u32::from_le_bytes(field(bytes, 20)),
            node,
            start: Mark {
                at: Position { boot: Boot(number(56)), seq: number(64), host: number(72) },
                time: Instant::from_micros(number(80)),
            },
            program: number(88),
            unix: number(96).cast_signed(),
        })
    }
}

fn field<const N: usize>(bytes: &[u8; HEADER_LEN as usize], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}

/// The file name of a segment.
pub(crate) fn name(segment: u64) -> String {
    format!("{segment:016x}.segment")
}

/// The segment that a file name means.
pub(crate) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".segment").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok().filter(|&n| self::name(n) == name)
}

/// The file name under which a damaged part is set aside.
pub(crate) fn bad_name(segment: u64, offset: u32) -> String {
    format!("{segment:016x}-{offset:08x}.bad")
}

/// The same of what is cut off: others come in its place, which are not known to be damaged.
pub(crate) fn cut_name(segment: u64, offset: u32) -> String {
    format!("{segment:016x}-{offset:08x}-cut.bad")
}

/// The segment and the offset that the name of a damaged part means.
pub(crate) fn bad_number(name: &str) -> Option<(u64, u32)> {
    let (segment, offset) = name.strip_suffix(".bad")?.split_once('-')?;
    Some((u64::from_str_radix(segment, 16).ok()?, u32::from_str_radix(offset, 16).ok()?))
}

/// Whether a damaged part is set aside under this name.
pub(crate) fn is_bad_name(name: &str) -> bool {
    let cut = name.strip_suffix("-cut.bad").map(|rest| format!("{rest}.bad"));
    let parsed = bad_number(cut.as_deref().unwrap_or(name));
    parsed.is_some_and(|(segment, offset)| {
        [bad_name(segment, offset), cut_name(segment, offset)].iter().any(|exact| exact == name)
    })
}

/// The next group that is whole and can be placed by itself, from `offset` on, and its place: where reading goes on
/// after damage. `bytes` are the segment's from 0.
pub(crate) fn next_anchor(bytes: &[u8], segment: u64, offset: u32) -> Option<(u32, Anchor)> {
    search(bytes, segment, offset).find_map(|(at, anchor, _)| Some((at, anchor?)))
}

/// Where the last whole group from `offset` on ends, and so the last byte that the journal wrote; `None` without one.
pub(crate) fn last_group_end(bytes: &[u8], segment: u64, offset: u32) -> Option<u32> {
    search(bytes, segment, offset).last().map(|(.., end)| end)
}

/// All whole groups from `offset` on, in order: offset, the anchor if it has one, end.
fn search(bytes: &[u8], segment: u64, offset: u32) -> impl Iterator<Item = (u32, Option<Anchor>, u32)> + '_ {
    let mut at = offset;
    std::iter::from_fn(move || {
        while let Some(rest) = bytes.get(at as usize..).filter(|rest| !rest.is_empty()) {
            let here = at;
            match decode(rest, segment, here) {
                Found::Group(block) => {
                    at += block.size;
                    return Some((here, block.anchor, at));
                }
                // Most of a fresh segment is zeros.
                Found::End => at += rest.iter().take_while(|&&b| b == 0).count() as u32,
                Found::Bad => at += 1,
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            segment: 7,
            previous_end: 4711,
            node: "front-door".parse().unwrap(),
            start: Mark {
                at: Position { boot: Boot::new(5, 0x9f3c_21aa), seq: 1042, host: 9 },
                time: Instant::from_micros(123_456_789),
            },
            program: 0x0123_4567_89ab_cdef,
            unix: 1_795_000_000_000_000,
        }
    }

    #[test]
    fn golden_bytes() {
        let bytes = header().encode();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, GOLDEN);
        assert_eq!(Header::decode(&bytes), Ok(header()));
    }

    const GOLDEN: &str = "\
        43414d504a524e4c0100000007000000000000006712000066726f6e742d646f6f720000000000000000000000000000\
        0000000000000000aa213c9f050000001204000000000000090000000000000015cd5b0700000000efcdab8967452301\
        00305f018b600600000000000000000000000000000000000000000065b7a4e4";

    #[test]
    fn any_flipped_bit_is_damage_and_a_later_version_is_named() {
        let bytes = header().encode();
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bad), Err(BadHeader::Damaged), "bit {bit}");
        }
        let mut newer = bytes;
        newer[8] = 2;
        let crc = CRC32C.checksum(&newer[..CRC_AT]);
        newer[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Header::decode(&newer), Err(BadHeader::Newer(2)));
    }

    #[test]
    fn only_our_own_names_are_segments() {
        assert_eq!(number(&name(42)), Some(42));
        for foreign in ["spare", "lock", "2a.segment", "000000000000002A.segment", "+00000000000002a.segment"]
        {
            assert_eq!(number(foreign), None, "{foreign}");
        }
    }
}
