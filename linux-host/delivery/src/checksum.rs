//! The one checksum of everything on disk: CRC-32C.

use crc::{CRC_32_ISCSI, Crc, Table};

/// Sixteen tables: an open journal checks a whole segment before the first line is watched.
pub(crate) static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
