//! What the journal needs of a disk: a flat directory of files that are written at offsets and synced. The real one
//! is [`crate::Directory`]; the simulator passes [`crate::disk::Disk`], which fails, tears and forgets.

use std::io;

use campanile_core::time::Duration;

/// What a disk reads as one piece.
const BLOCK: u64 = 4096;

/// A directory. Names are flat; errors are those of the operating system.
pub trait Storage: Send + Sync + 'static {
    /// An open file.
    type File: File;

    /// The names of all files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens a file that exists.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Makes a file of `len` zero bytes, in place of one with that name, with room on the disk for all of them, and
    /// syncs it. On an error nothing is left behind if that can be helped.
    fn create(&self, name: &str, len: u64) -> io::Result<Self::File>;

    /// Renames a file, in place of one with the new name. Open files stay open.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Open files can still be read.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Returns once what was created, renamed and removed survives a power cut.
    fn sync_names(&self) -> io::Result<()>;

    /// How many bytes the disk has room for, as far as it says so: a quota need not show in it. A look, and no more.
    fn free(&self) -> io::Result<u64>;

    /// The machine, now.
    fn machine(&self) -> Machine;
}

/// The machine that a storage is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// One run of its kernel, which no other run is called; zeros if it does not say. What an earlier process of the same
    /// run handed to the kernel can be read, and is not on the disk for all that.
    pub run: [u8; 16],
    /// How long it has been on, the time asleep included; `None` where the clock of the records tells that.
    pub up: Option<Duration>,
}

impl Machine {
    /// Whether both are the same run of the same kernel, for sure.
    pub fn is_same_run(&self, other: &Self) -> bool {
        self.run == other.run && self.is_known()
    }

    /// Whether it says which run it is.
    pub fn is_known(&self) -> bool {
        self.run != [0; 16]
    }
}

/// A file of fixed length. Several threads may read while one writes.
pub trait File: Send + Sync + 'static {
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the length is zero.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Fills `buf` from `offset` on; fewer bytes only at the end of the file.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// Hands all bytes to the kernel. After an error any part of them may be in the file.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns once what was written survives a power cut. After an error the file must not be trusted with more:
    /// the kernel may have dropped the pages and will not say so again.
    fn sync(&self) -> io::Result<()>;
}

/// Whether an error says that the disk, or the file system on it, has lost something: `EIO`, `ENODATA`, `EBADMSG`,
/// `EUCLEAN`.
pub(crate) fn is_damage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(5 | 61 | 74 | 117))
}

/// Reads a range as far as the file has it.
pub(crate) fn read_range<F: File>(file: &F, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let got = file.read_at(offset, &mut bytes)?;
    bytes.truncate(got);
    Ok(bytes)
}

/// Reads a range as far as the disk still gives it: a block that it does not give is zeros here, which is no group and
/// no header. An error if it gives nothing at all.
pub(crate) fn read_around<F: File>(file: &F, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let error = match read_range(file, offset, len) {
        Err(error) => error,
        whole => return whole,
    };
    let (mut bytes, mut any) = (vec![0; len], false);
    let mut at = 0;
    while at < len {
        let from = offset + at as u64;
        let block = (BLOCK - from % BLOCK).min((len - at) as u64) as usize;
        let part = &mut bytes[at..at + block];
        match file.read_at(from, part) {
            Ok(got) => any |= got > 0,
            // What stands in the buffer after an error is anybody's guess.
            Err(_) => part.fill(0),
        }
        at += block;
    }
    if any { Ok(bytes) } else { Err(error) }
}

/// The same of a whole file.
pub(crate) fn read_what_is_left<F: File>(file: &F) -> io::Result<Vec<u8>> {
    let len = usize::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
    read_around(file, 0, len)
}

/// Writes a whole file in one step: after a power cut it is there complete under its name, or not at all.
pub(crate) fn put<S: Storage>(storage: &S, name: &str, bytes: &[u8]) -> io::Result<()> {
    let making = format!("{name}.new");
    let file = storage.create(&making, bytes.len() as u64)?;
    let made =
        file.write_at(0, bytes).and_then(|()| file.sync()).and_then(|()| storage.rename(&making, name));
    if let Err(error) = made {
        // The disk is failing already; what matters is the first error.
        let _ = storage.remove(&making);
        return Err(error);
    }
    storage.sync_names()
}

/// Reads a whole file.
pub(crate) fn get<S: Storage>(storage: &S, name: &str) -> io::Result<Vec<u8>> {
    let file = storage.open(name)?;
    let len = usize::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
    read_range(&file, 0, len)
}
