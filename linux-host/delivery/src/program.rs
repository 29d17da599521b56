//! Programs beside the journal: image and symbol table by the hash of the image, so that the texts of old messages can
//! be rendered and old stretches replayed as long as a segment names the hash.
//!
//! ```text
//! name = program-HASH-SEGMENT      both in hexadecimal; SEGMENT is the one in which it was last installed
//! file = magic "CAMPPROG" version:u16 zeros:u16 image_len:u32 image symbols crc:u32
//! ```

use std::io;

use crate::checksum::CRC32C;
use crate::storage::{Storage, get, put};

const MAGIC: [u8; 8] = *b"CAMPPROG";
const VERSION: u16 = 1;
const IMAGE_AT: usize = 16;

/// An image and the names that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProgram {
    /// What the engine loads.
    pub image: Vec<u8>,
    /// The symbol table, as the compiler wrote it.
    pub symbols: Vec<u8>,
}

/// A program's file.
struct Stored {
    name: String,
    hash: u64,
    segment: u64,
}

/// Keeps a program that is installed while `segment` is written. What is there already and whole is not written again;
/// what is damaged is, or every name in the messages of a program that runs for years would be lost to a bad sector.
pub(crate) fn save<S: Storage>(
    storage: &S,
    hash: u64,
    segment: u64,
    program: &StoredProgram,
) -> io::Result<()> {
    let wanted = name(hash, segment);
    let stored = list(storage)?.into_iter().find(|stored| stored.hash == hash);
    let damaged = match &stored {
        Some(stored) => is_damaged(storage, stored)?,
        None => false,
    };
    match stored {
        Some(stored) if damaged => {
            // Under the old name until the new one is whole; `put` replaces what has the same name.
            put(storage, &wanted, &encode(program)?)?;
            if stored.name == wanted { Ok(()) } else { storage.remove(&stored.name) }
        }
        Some(stored) if stored.segment >= segment => Ok(()),
        Some(stored) => storage.rename(&stored.name, &wanted).and_then(|()| storage.sync_names()),
        None => put(storage, &wanted, &encode(program)?),
    }
}

fn is_damaged<S: Storage>(storage: &S, stored: &Stored) -> io::Result<bool> {
    match get(storage, &stored.name).and_then(|bytes| decode(&bytes)) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(true),
        // A later version's is left as it is.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(false),
    }
}

/// Looks a program up.
pub(crate) fn load<S: Storage>(storage: &S, hash: u64) -> io::Result<Option<StoredProgram>> {
    let Some(stored) = list(storage)?.into_iter().find(|stored| stored.hash == hash) else { return Ok(None) };
    decode(&get(storage, &stored.name)?).map(Some)
}

/// Removes the programs that neither `named` nor a segment from `oldest` on can name.
pub(crate) fn prune<S: Storage>(storage: &S, oldest: u64, named: &dyn Fn(u64) -> bool) -> io::Result<()> {
    for stored in list(storage)? {
        if stored.segment < oldest && !named(stored.hash) {
            storage.remove(&stored.name)?;
        }
    }
    Ok(())
}

fn list<S: Storage>(storage: &S) -> io::Result<Vec<Stored>> {
    Ok(storage.list()?.into_iter().filter_map(parse).collect())
}

fn parse(name: String) -> Option<Stored> {
    let (hash, segment) = name.strip_prefix("program-")?.split_once('-')?;
    let (hash, segment) = (u64::from_str_radix(hash, 16).ok()?, u64::from_str_radix(segment, 16).ok()?);
    // A file that is being made has the same start and another end.
    (self::name(hash, segment) == name).then_some(Stored { name, hash, segment })
}

/// Whether a program is kept under this name.
pub(crate) fn is_name(name: &str) -> bool {
    parse(name.to_owned()).is_some()
}

fn name(hash: u64, segment: u64) -> String {
    format!("program-{hash:016x}-{segment:016x}")
}

fn encode(program: &StoredProgram) -> io::Result<Vec<u8>> {
    let image_len = u32::try_from(program.image.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&image_len.to_le_bytes());
    bytes.extend_from_slice(&program.image);
    bytes.extend_from_slice(&program.symbols);
    bytes.extend_from_slice(&CRC32C.checksum(&bytes).to_le_bytes());
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> io::Result<StoredProgram> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the stored program is damaged");
    let (covered, crc) = bytes.split_last_chunk::<4>().ok_or_else(damaged)?;
    if covered.len() < IMAGE_AT || covered[..8] != MAGIC || *crc != CRC32C.checksum(covered).to_le_bytes() {
        return Err(damaged());
    }
    let version = u16::from_le_bytes([covered[8], covered[9]]);
    if version > VERSION {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "a later campanile stored the program"));
    }
    let image_len = u32::from_le_bytes([covered[12], covered[13], covered[14], covered[15]]) as usize;
    let (image, symbols) = covered[IMAGE_AT..].split_at_checked(image_len).ok_or_else(damaged)?;
    Ok(StoredProgram { image: image.to_vec(), symbols: symbols.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Disk;

    fn program(n: u8) -> StoredProgram {
        StoredProgram { image: vec![n; 10], symbols: vec![n; 3] }
    }

    #[test]
    fn a_program_stays_as_long_as_a_segment_can_name_it() {
        let disk = Disk::new(1);
        save(&disk, 0xa, 1, &program(1)).unwrap();
        save(&disk, 0xb, 3, &program(2)).unwrap();
        assert_eq!(load(&disk, 0xa).unwrap(), Some(program(1)));
        prune(&disk, 1, &|_| false).unwrap();
        assert_eq!(load(&disk, 0xa).unwrap(), Some(program(1)), "segment 1 may name it");
        save(&disk, 0xa, 5, &program(1)).unwrap();
        prune(&disk, 4, &|_| false).unwrap();
        assert_eq!(load(&disk, 0xa).unwrap(), Some(program(1)), "installed again in segment 5");
        assert_eq!(load(&disk, 0xb).unwrap(), None);
        prune(&disk, 9, &|hash| hash == 0xa).unwrap();
        assert_eq!(load(&disk, 0xa).unwrap(), Some(program(1)), "still active");
        prune(&disk, 9, &|_| false).unwrap();
        assert_eq!(disk.list().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_damaged_program_is_written_again_and_a_later_versions_is_not() {
        let disk = Disk::new(1);
        let spoil = |at: u64, change: &dyn Fn(&mut Vec<u8>)| {
            let name = name(0xa, at);
            let mut bytes = get(&disk, &name).unwrap();
            change(&mut bytes);
            put(&disk, &name, &bytes).unwrap();
        };
        save(&disk, 0xa, 1, &program(1)).unwrap();
        spoil(1, &|bytes| bytes[20] ^= 1);
        assert!(load(&disk, 0xa).is_err());
        save(&disk, 0xa, 1, &program(1)).unwrap();
        assert_eq!(load(&disk, 0xa).unwrap(), Some(program(1)));
        spoil(1, &|bytes| bytes.truncate(3));
        save(&disk, 0xa, 2, &program(1)).unwrap();
        assert_eq!(load(&disk, 0xa).unwrap(), Some(program(1)));
        assert_eq!(disk.list().unwrap(), [name(0xa, 2)], "the damaged one is gone");
        spoil(2, &|bytes| {
            bytes[8] = 2;
            let body = bytes.len() - 4;
            let crc = CRC32C.checksum(&bytes[..body]).to_le_bytes();
            bytes[body..].copy_from_slice(&crc);
        });
        save(&disk, 0xa, 2, &program(1)).unwrap();
        assert_eq!(load(&disk, 0xa).unwrap_err().kind(), io::ErrorKind::Unsupported);
    }

    #[test]
    fn damage_is_an_error_and_no_program() {
        let mut bytes = encode(&program(1)).unwrap();
        assert_eq!(decode(&bytes).unwrap(), program(1));
        bytes[17] ^= 1;
        assert_eq!(decode(&bytes).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(decode(&[]).is_err());
    }
}
