//! What a sink has spent of its receiver's quota, kept across restarts: the times of its last deliveries.
//!
//! ```text
//! magic "CAMPQUOT" version:u16 count:u16 zeros:u32 count * time:i64 crc:u32     times in microseconds since 1970
//! ```

use std::io;
use std::sync::Arc;

use crate::checksum::CRC32C;
use crate::name::SinkName;
use crate::storage::{File as _, Storage};

/// The most times that are kept.
pub const SPENT_MAX: usize = 1000;

const MAGIC: [u8; 8] = *b"CAMPQUOT";
const VERSION: u16 = 1;
const HEAD: usize = 16;

const PREFIX: &str = "quota-";

/// Whether a quota's record is kept under this name.
pub(crate) fn is_name(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|sink| sink.parse::<SinkName>().is_ok())
}

/// The file of one sink.
#[derive(Debug)]
pub struct SpentFile<S: Storage> {
    storage: Arc<S>,
    name: String,
}

impl<S: Storage> SpentFile<S> {
    /// Touches nothing yet.
    pub fn new(storage: Arc<S>, sink: &SinkName) -> Self {
        Self { storage, name: format!("{PREFIX}{sink}") }
    }

    /// The times, oldest first; none if there is no file.
    ///
    /// # Errors
    /// The system refuses, or the file is damaged, or a later version wrote it.
    pub fn read(&self) -> io::Result<Vec<i64>> {
        let file = match self.storage.open(&self.name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut bytes = vec![0; HEAD + 8 * SPENT_MAX + 4 + 1];
        let len = file.read_at(0, &mut bytes)?;
        decode(&bytes[..len])
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a quota's record"))
    }

    /// Keeps the last [`SPENT_MAX`] of these, for good: behind a power cut it is all of them or those before.
    ///
    /// # Errors
    /// The system refuses; those before are kept.
    pub fn write(&self, times: &[i64]) -> io::Result<()> {
        let bytes = encode(&times[times.len().saturating_sub(SPENT_MAX)..]);
        let new = format!("{}.new", self.name);
        let file = self.storage.create(&new, bytes.len() as u64)?;
        file.write_at(0, &bytes)?;
        file.sync()?;
        self.storage.rename(&new, &self.name)?;
        self.storage.sync_names()
    }
}

fn encode(times: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + 8 * times.len() + 4);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&u16::try_from(times.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend(times.iter().flat_map(|time| time.to_le_bytes()));
    let crc = CRC32C.checksum(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Vec<i64>> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    let (head, times) = body.split_first_chunk::<HEAD>()?;
    let times: Vec<_> =
        times.chunks_exact(8).filter_map(|time| Some(i64::from_le_bytes(time.try_into().ok()?))).collect();
    // What is written again is the same to the byte, or it was another form.
    let is_whole = CRC32C.checksum(body) == u32::from_le_bytes(*crc) && head[8..10] == VERSION.to_le_bytes();
    (is_whole && encode(&times) == bytes).then_some(times)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, Faults, PowerCut};
    use proptest::prelude::*;

    fn file(disk: &Arc<Disk>) -> SpentFile<Disk> {
        SpentFile::new(Arc::clone(disk), &"bird".parse().unwrap())
    }

    #[test]
    fn what_was_written_survives_a_power_cut_and_a_disk_that_is_full() {
        let disk = Arc::new(Disk::new(1));
        assert_eq!(file(&disk).read().unwrap(), [0; 0]);
        file(&disk).write(&[5, 7]).unwrap();
        disk.power_cut(PowerCut::Nothing);
        assert_eq!(file(&disk).read().unwrap(), [5, 7]);
        disk.set_faults(Faults { room: Some(0), ..Faults::default() });
        assert!(file(&disk).write(&[5, 7, 9]).is_err());
        disk.set_faults(Faults::default());
        assert_eq!(file(&disk).read().unwrap(), [5, 7]);
        let many: Vec<i64> = (0..1001).collect();
        file(&disk).write(&many).unwrap();
        assert_eq!(file(&disk).read().unwrap(), many[1..]);
    }

    #[test]
    fn damage_and_a_later_version_are_errors() {
        let disk = Arc::new(Disk::new(1));
        file(&disk).write(&[5]).unwrap();
        disk.tamper("quota-bird", |bytes| bytes[17] ^= 1).unwrap();
        assert_eq!(file(&disk).read().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn golden_bytes() {
        let hex: String = encode(&[1, -2]).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, GOLDEN);
    }

    const GOLDEN: &str = "43414d5051554f540100020000000000\
        0100000000000000feffffffffffffff\
        4c005997";

    proptest! {
        #[test]
        fn any_bytes_are_times_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Some(times) = decode(&bytes) {
                prop_assert_eq!(encode(&times), bytes);
            }
        }

        #[test]
        fn a_byte_more_or_less_is_refused(times in proptest::collection::vec(any::<i64>(), 0..5)) {
            let mut bytes = encode(&times);
            prop_assert_eq!(decode(&bytes), Some(times));
            prop_assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
            bytes.push(0);
            prop_assert_eq!(decode(&bytes), None);
        }
    }
}
