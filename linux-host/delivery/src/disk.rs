//! A disk in memory that does what real ones do: it forgets what was not synced, tears writes, loses sectors out of
//! order, fills up, turns read-only and fails. For the simulator and for tests; the same seed gives the same disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::backoff::Random;
use crate::storage::{File, Machine, Storage};

/// What survives or not survives a power cut as one piece.
const SECTOR: usize = 512;

/// What cannot be read as one piece.
const BLOCK: usize = 4096;

/// A disk with one directory. Clones are the same disk.
#[derive(Clone)]
pub struct Disk(Arc<Shared>);

struct Shared {
    inner: Mutex<Inner>,
    released: Condvar,
    watcher: Mutex<Option<Watcher>>,
}

type Watcher = Box<dyn FnMut() + Send>;

/// An open file of a [`Disk`].
pub struct DiskFile {
    disk: Disk,
    id: u64,
}

/// What goes wrong from now on.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Every write fails like this; nothing of it arrives.
    pub writes: Option<io::ErrorKind>,
    /// Every sync fails like this, and what it should have kept will never be.
    pub syncs: Option<io::ErrorKind>,
    /// A sync does not return before this is taken back; for syncs on another thread.
    pub hold_syncs: bool,
    /// Every read fails like this.
    pub reads: Option<io::ErrorKind>,
    /// Every creation, renaming and removal fails like this.
    pub names: Option<io::ErrorKind>,
    /// After so many bytes a write stops in the middle and fails like a broken disk.
    pub write_budget: Option<u64>,
    /// After so many bytes a write stops in the middle, and nothing works any more: a process that dies there.
    pub ends_after: Option<u64>,
    /// A sync succeeds and keeps nothing; a later one does.
    pub forgets_syncs: bool,
    /// The most bytes of all files: more is a full disk.
    pub room: Option<u64>,
    /// One write, sync or change of names in so many fails, at random; 0 is never.
    pub one_in: u64,
}

impl Faults {
    /// A disk that the kernel has made read-only.
    pub fn read_only() -> Self {
        let why = Some(io::ErrorKind::ReadOnlyFilesystem);
        Self { writes: why, syncs: why, names: why, ..Self::default() }
    }
}

/// What a power cut leaves of the writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerCut {
    /// Nothing.
    Nothing,
    /// So many bytes of them, in the order of writing.
    Bytes(usize),
    /// Each sector or not, at random, and so for each change of names up to some point.
    Sectors,
}

struct Inner {
    files: BTreeMap<u64, Data>,
    names: BTreeMap<String, u64>,
    stable_names: BTreeMap<String, u64>,
    name_changes: Vec<BTreeMap<String, u64>>,
    next_id: u64,
    faults: Faults,
    has_ended: bool,
    random: Random,
    written: u64,
    power_cuts: u64,
    print: u64,
}

#[derive(Default)]
struct Data {
    now: Vec<u8>,
    stable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
    /// Where blocks begin that cannot be read until they are written.
    bad: BTreeSet<usize>,
}

impl Disk {
    /// An empty disk.
    pub fn new(seed: u64) -> Self {
        let inner = Inner {
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            stable_names: BTreeMap::new(),
            name_changes: Vec::new(),
            next_id: 0,
            faults: Faults::default(),
            has_ended: false,
            random: Random::new(seed),
            written: 0,
            power_cuts: 0,
            print: 0xcbf2_9ce4_8422_2325,
        };
        Self(Arc::new(Shared {
            inner: Mutex::new(inner),
            released: Condvar::new(),
            watcher: Mutex::new(None),
        }))
    }

    /// Has somebody look on before every write, sync and change of names: what another thread may see at each of these
    /// moments can be seen then, the same every time.
    pub fn watch(&self, watcher: impl FnMut() + Send + 'static) {
        *self.0.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(watcher));
    }

    fn moment(&self) {
        if let Some(watcher) = self.0.watcher.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            watcher();
        }
    }

    /// Chooses what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        let mut inner = self.lock();
        (inner.faults, inner.has_ended) = (faults, false);
        drop(inner);
        self.0.released.notify_all();
    }

    /// The power goes and comes back. Files that were open are not to be used any more.
    pub fn power_cut(&self, what: PowerCut) {
        let mut inner = self.lock();
        inner.power_cuts += 1;
        let Inner { files, random, .. } = &mut *inner;
        for data in files.values_mut() {
            let mut left = match what {
                PowerCut::Bytes(bytes) => bytes,
                PowerCut::Nothing | PowerCut::Sectors => 0,
            };
            for (offset, bytes) in std::mem::take(&mut data.unsynced) {
                let mut at = 0;
                while at < bytes.len() {
                    // To the end of the sector that this byte is in.
                    let len = (SECTOR - (offset + at) % SECTOR).min(bytes.len() - at);
                    let keep = match what {
                        PowerCut::Sectors if random.bits() & 1 == 0 => len,
                        _ => left.min(len),
                    };
                    data.stable[offset + at..offset + at + keep].copy_from_slice(&bytes[at..at + keep]);
                    left -= keep.min(left);
                    at += len;
                }
            }
            data.now.clone_from(&data.stable);
        }
        let changes = std::mem::take(&mut inner.name_changes);
        if what != PowerCut::Nothing && !changes.is_empty() {
            let kept = match what {
                PowerCut::Sectors => (inner.random.bits() % (changes.len() as u64 + 1)) as usize,
                _ => changes.len(),
            };
            if let Some(names) = kept.checked_sub(1).and_then(|last| changes.into_iter().nth(last)) {
                inner.stable_names = names;
            }
        }
        inner.names = inner.stable_names.clone();
    }

    /// Changes the bytes of a file behind everybody's back.
    ///
    /// # Errors
    /// There is no such file.
    pub fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut inner = self.lock();
        let id = inner.id(name)?;
        if let Some(data) = inner.files.get_mut(&id) {
            change(&mut data.now);
            data.stable.clone_from(&data.now);
            data.unsynced.clear();
        }
        Ok(())
    }

    /// The block of a file around `offset` cannot be read any more, until it is written again.
    ///
    /// # Errors
    /// There is no such file.
    pub fn spoil(&self, name: &str, offset: usize) -> io::Result<()> {
        let mut inner = self.lock();
        let id = inner.id(name)?;
        if let Some(data) = inner.files.get_mut(&id) {
            data.bad.insert(offset / BLOCK * BLOCK);
        }
        Ok(())
    }

    /// All bytes ever written, without those of new files.
    pub fn written(&self) -> u64 {
        self.lock().written
    }

    /// A print of all that it has taken, in order: writes, syncs and changes of names. Equal for equal histories.
    pub fn print(&self) -> u64 {
        self.lock().print
    }

    /// Whether a write has come to the end of [`Faults::ends_after`].
    pub fn has_ended(&self) -> bool {
        self.lock().has_ended
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn id(&self, name: &str) -> io::Result<u64> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change_names(&mut self, change: impl FnOnce(&mut BTreeMap<String, u64>)) -> io::Result<()> {
        self.may(|faults| faults.names)?;
        change(&mut self.names);
        let names = self.names.iter();
        self.print = names.fold(self.print, |print, (name, id)| printed(print, *id, 0, name.as_bytes()));
        self.name_changes.push(self.names.clone());
        Ok(())
    }

    fn may(&mut self, fault: impl FnOnce(&Faults) -> Option<io::ErrorKind>) -> io::Result<()> {
        if self.has_ended {
            return Err(io::ErrorKind::Other.into());
        }
        let one_in = self.faults.one_in;
        let drawn = one_in != 0 && self.random.bits().is_multiple_of(one_in);
        match fault(&self.faults).or_else(|| drawn.then_some(io::ErrorKind::Other)) {
            Some(kind) => Err(kind.into()),
            None => Ok(()),
        }
    }

    fn used(&self) -> u64 {
        self.names.values().filter_map(|id| self.files.get(id)).map(|data| data.now.len() as u64).sum()
    }
}

/// A print with one thing more: some bytes at a place of a file. FNV-1a, as what the journal writes ends with its own
/// CRC-32C, and so leaves that checksum of the whole the same whatever it is.
fn printed(print: u64, id: u64, at: u64, bytes: &[u8]) -> u64 {
    let place = [id.to_le_bytes(), at.to_le_bytes()];
    let all = place.as_flattened().iter().chain(bytes);
    all.fold(print, |print, byte| (print ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Storage for Disk {
    type File = DiskFile;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.lock().names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<DiskFile> {
        let id = self.lock().id(name)?;
        Ok(DiskFile { disk: self.clone(), id })
    }

    fn create(&self, name: &str, len: u64) -> io::Result<DiskFile> {
        self.moment();
        let mut inner = self.lock();
        if inner.faults.room.is_some_and(|room| inner.used() + len > room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let id = inner.next_id;
        inner.change_names(|names| {
            names.insert(name.to_owned(), id);
        })?;
        inner.next_id += 1;
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        // Each by itself: zeros that nobody has touched cost no memory.
        inner.files.insert(id, Data { now: vec![0; len], stable: vec![0; len], ..Data::default() });
        Ok(DiskFile { disk: self.clone(), id })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.moment();
        let mut inner = self.lock();
        let id = inner.id(from)?;
        inner.change_names(|names| {
            names.remove(from);
            names.insert(to.to_owned(), id);
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.moment();
        let mut inner = self.lock();
        inner.id(name)?;
        inner.change_names(|names| {
            names.remove(name);
        })
    }

    fn free(&self) -> io::Result<u64> {
        let inner = self.lock();
        Ok(inner.faults.room.map_or(u64::MAX, |room| room.saturating_sub(inner.used())))
    }

    fn machine(&self) -> Machine {
        let mut run = [0; 16];
        run[0] = 1;
        run[8..].copy_from_slice(&self.lock().power_cuts.to_le_bytes());
        Machine { run, up: None }
    }

    fn sync_names(&self) -> io::Result<()> {
        self.moment();
        let mut inner = self.lock();
        inner.may(|faults| faults.names)?;
        if inner.faults.forgets_syncs {
            return Ok(());
        }
        inner.name_changes.clear();
        inner.stable_names = inner.names.clone();
        Ok(())
    }
}

impl File for DiskFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.lock().files.get(&self.id).map_or(0, |data| data.now.len() as u64))
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let inner = self.disk.lock();
        if let Some(kind) = inner.faults.reads {
            return Err(kind.into());
        }
        let from = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let data = inner.files.get(&self.id);
        let bytes = data.and_then(|data| data.now.get(from..)).unwrap_or_default();
        let len = bytes.len().min(buf.len());
        if data.is_some_and(|data| data.bad.range(from / BLOCK * BLOCK..from + len).next().is_some()) {
            return Err(io::ErrorKind::Other.into());
        }
        buf[..len].copy_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.moment();
        let mut inner = self.disk.lock();
        inner.may(|faults| faults.writes)?;
        let mut part = bytes;
        let mut result = Ok(());
        if let Some(budget) = &mut inner.faults.write_budget {
            let len = usize::try_from(*budget).unwrap_or(usize::MAX).min(bytes.len());
            *budget -= len as u64;
            if len < bytes.len() {
                (part, result) = (&bytes[..len], Err(io::ErrorKind::Other.into()));
            }
        }
        if let Some(left) = &mut inner.faults.ends_after {
            let len = usize::try_from(*left).unwrap_or(usize::MAX).min(part.len());
            *left -= len as u64;
            if len < part.len() {
                (part, result) = (&part[..len], Err(io::ErrorKind::Other.into()));
                inner.has_ended = true;
            }
        }
        inner.written += part.len() as u64;
        inner.print = printed(inner.print, self.id, offset, part);
        let at = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let Some(data) = inner.files.get_mut(&self.id) else { return Err(io::ErrorKind::NotFound.into()) };
        let Some(place) = data.now.get_mut(at..at + part.len()) else {
            // The journal never writes behind the end of a file.
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        place.copy_from_slice(part);
        data.bad.retain(|&block| block + BLOCK <= at || at + part.len() <= block);
        data.unsynced.push((at, part.to_vec()));
        result
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.moment();
        let held = |inner: &mut Inner| inner.faults.hold_syncs;
        let inner = self.disk.0.released.wait_while(self.disk.lock(), held);
        let mut inner = inner.unwrap_or_else(PoisonError::into_inner);
        let failed = inner.may(|faults| faults.syncs);
        if inner.has_ended {
            return failed;
        }
        if failed.is_ok() && inner.faults.forgets_syncs {
            return Ok(());
        }
        inner.print = printed(inner.print, self.id, u64::MAX, &[]);
        let Some(data) = inner.files.get_mut(&self.id) else { return Err(io::ErrorKind::NotFound.into()) };
        let unsynced = std::mem::take(&mut data.unsynced);
        // The kernel forgets the pages of a failed sync, and the next one says nothing of them.
        failed?;
        for (at, bytes) in unsynced {
            data.stable[at..at + bytes.len()].copy_from_slice(&bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
