//! The real storage: a directory of a Linux file system, held by a lock.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use campanile_core::time::Duration;

use crate::foreign::strangers_file;
use crate::refusal::{DirectoryError, in_words, not_as_root, to_a_guest};
use crate::storage::{File, Machine, Storage};

/// The name of the file that says who holds the directory.
const OWNER: &str = "lock";

/// What happened in a house is its owner's business, and the group's: nobody else reads the journal.
const DIRECTORY_MODE: u32 = 0o750;
const FILE_MODE: u32 = 0o640;

/// Zeros are written this many bytes at a time.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// A state directory. One process at a time holds it for writing; the lock goes with the process, whatever ends it.
pub struct Directory {
    path: PathBuf,
    // The lock lives as long as this handle; it also serves to sync names.
    handle: fs::File,
    writable: bool,
}

/// An open file of a [`Directory`].
#[derive(Debug)]
pub struct DirectoryFile {
    file: fs::File,
    path: PathBuf,
    /// Why it can only be read.
    refusal: Option<io::ErrorKind>,
}

impl Directory {
    /// Makes the directory if it is missing, for its owner and the group, and locks it.
    ///
    /// # Errors
    /// Another process holds it, it is somebody else's or another program's, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, DirectoryError> {
        let refuse =
            |what, source| DirectoryError::Io { what, path: path.to_owned(), source: in_words(source, path) };
        make(path).map_err(|e| refuse("make", e))?;
        let handle = fs::File::open(path).map_err(|e| refuse("open", e))?;
        not_as_root(path).map_err(|e| refuse("use", e))?;
        let owner = path.join(OWNER);
        match handle.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let owner = fs::read_to_string(owner).ok().and_then(|text| text.trim().parse().ok());
                return Err(DirectoryError::Held { path: path.to_owned(), owner });
            }
            Err(fs::TryLockError::Error(e)) => return Err(refuse("lock", e)),
        }
        if let Some(name) = strangers_file(path) {
            return Err(DirectoryError::Strangers { path: path.to_owned(), name });
        }
        // Only for the message above: the directory itself is what is locked, so that a read-only disk can be, too. But
        // whoever may not write this may write nothing here.
        match create(&owner).and_then(|mut file| writeln!(file, "{}", std::process::id())) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let source = in_words(error, if owner.exists() { &owner } else { path });
                return Err(DirectoryError::Io { what: "write into", path: path.to_owned(), source });
            }
            _ => {}
        }
        Ok(Self { path: path.to_owned(), handle, writable: true })
    }

    /// Opens a directory to look at it, whoever holds it; all writing is refused.
    ///
    /// # Errors
    /// It does not exist, or the system refuses.
    pub fn open_read_only(path: &Path) -> Result<Self, DirectoryError> {
        let handle = fs::File::open(path).map_err(|source| DirectoryError::Io {
            what: "open",
            path: path.to_owned(),
            source: match source.kind() {
                io::ErrorKind::NotFound => io::Error::new(source.kind(), "it does not exist"),
                _ => to_a_guest(source, path),
            },
        })?;
        Ok(Self { path: path.to_owned(), handle, writable: false })
    }

    /// Opens a directory to put a file of its own beside those of whoever holds it.
    ///
    /// # Errors
    /// It does not exist, it is somebody else's, or the system refuses.
    pub fn open_beside(path: &Path) -> Result<Self, DirectoryError> {
        let directory = Self::open_read_only(path)?;
        not_as_root(path).map_err(|source| DirectoryError::Io {
            what: "use",
            path: path.to_owned(),
            source,
        })?;
        Ok(Self { writable: true, ..directory })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the system refused, in words for whoever has opened this.
    fn explain(&self, error: io::Error, path: &Path) -> io::Error {
        if self.writable { in_words(error, path) } else { to_a_guest(error, path) }
    }

    /// Does something that changes names, if this directory may be written at all.
    fn change<T>(&self, name: &str, change: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
        let path = self.path.join(name);
        let writable = if self.writable { Ok(()) } else { Err(io::ErrorKind::ReadOnlyFilesystem.into()) };
        writable.and_then(|()| change(&path)).map_err(|error| in_words(error, &path))
    }
}

/// Makes a directory where there is none; the folders above it are nobody's secret.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    fs::DirBuilder::new().mode(DIRECTORY_MODE).create(path)
}

/// Makes a file, in place of one with that name.
fn create(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(FILE_MODE).open(path)
}

/// An earlier version let everybody read its files, and segments are used again for years.
fn close_to_strangers(file: &fs::File) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    let mode = permissions.mode() & 0o777;
    if mode & !FILE_MODE != 0 {
        permissions.set_mode(mode & FILE_MODE);
        file.set_permissions(permissions)?;
    }
    Ok(())
}

impl Storage for Directory {
    type File = DirectoryFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|error| self.explain(error, &self.path))? {
            // A name that is no UTF-8 is none of ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<DirectoryFile> {
        let path = self.path.join(name);
        let mut options = fs::OpenOptions::new();
        options.read(true);
        let opened = match options.clone().write(self.writable).open(&path) {
            // What cannot be written can still be read and delivered.
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                options.open(&path).map(|file| (file, Some(error.kind())))
            }
            other => other.map(|file| (file, (!self.writable).then_some(io::ErrorKind::ReadOnlyFilesystem))),
        };
        let (file, refusal) = opened.map_err(|error| self.explain(error, &path))?;
        if refusal.is_none() {
            // Another owner's that can be written is not ours to change.
            let _ = close_to_strangers(&file);
        }
        Ok(DirectoryFile { file, path, refusal })
    }

    fn create(&self, name: &str, len: u64) -> io::Result<DirectoryFile> {
        self.change(name, |path| {
            let mut file = create(path)?;
            // Written zeros, not only reserved blocks: a commit into a reserved block has to change the file system's
            // tables too, which costs a card about a third more.
            let mut left = len;
            let mut fill = || {
                while left > 0 {
                    let part = left.min(ZEROS.len() as u64);
                    file.write_all(&ZEROS[..part as usize])?;
                    left -= part;
                }
                file.sync_all()
            };
            if let Err(error) = fill() {
                let _ = fs::remove_file(path);
                return Err(error);
            }
            Ok(DirectoryFile { file, path: path.to_owned(), refusal: None })
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(to, |to| fs::rename(self.path.join(from), to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change(name, |path| fs::remove_file(path))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn free(&self) -> io::Result<u64> {
        let told = rustix::fs::fstatvfs(&self.handle)?;
        Ok(told.f_bavail.saturating_mul(told.f_frsize))
    }

    fn machine(&self) -> Machine {
        let run = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits = run.trim().replace('-', "");
        let up = fs::read_to_string("/proc/uptime").unwrap_or_default();
        let up = up.split_whitespace().next().and_then(|seconds| seconds.parse::<f64>().ok());
        Machine {
            run: u128::from_str_radix(&digits, 16).unwrap_or(0).to_be_bytes(),
            // To the hundredth of a second.
            up: up.map(|seconds| Duration::from_micros((seconds * 1e6) as u64)),
        }
    }
}

impl File for DirectoryFile {
    fn len(&self) -> io::Result<u64> {
        self.file.metadata().map(|m| m.len())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut got = 0;
        while got < buf.len() {
            match self.file.read_at(&mut buf[got..], offset + got as u64) {
                Ok(0) => break,
                Ok(n) => got += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(got)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // The kernel would only say that it is a bad descriptor.
        let allowed = self.refusal.map_or(Ok(()), |kind| Err(kind.into()));
        allowed
            .and_then(|()| self.file.write_all_at(bytes, offset))
            .map_err(|error| in_words(error, &self.path))
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data().map_err(|error| in_words(error, &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_core::time::Instant;

    #[test]
    fn one_process_at_a_time_and_the_error_says_who() {
        let dir = tempfile::tempdir().unwrap();
        let first = Directory::open(dir.path()).unwrap();
        let Err(second) = Directory::open(dir.path()) else { panic!("two held one directory") };
        let text = second.to_string();
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        assert!(text.contains("--state"), "{text}");
        drop(first);
        Directory::open(dir.path()).unwrap();
    }

    #[test]
    fn a_look_needs_no_lock_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let writer = Directory::open(dir.path()).unwrap();
        let file = writer.create("a", 3).unwrap();
        File::write_at(&file, 1, b"x").unwrap();
        let look = Directory::open_read_only(dir.path()).unwrap();
        assert_eq!(crate::storage::get(&look, "a").unwrap(), b"\0x\0");
        assert_eq!(look.create("b", 1).unwrap_err().kind(), io::ErrorKind::ReadOnlyFilesystem);
        assert!(look.remove("a").is_err() && look.rename("a", "b").is_err());
        let refused = look.open("a").unwrap().write_at(0, b"x").unwrap_err();
        assert_eq!(refused.to_string(), "the file system is read-only", "the reason, and no bad descriptor");
    }

    #[test]
    fn a_segment_that_cannot_be_opened_is_not_taken_for_damage() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("0000000000000001.segment")).unwrap();
        let storage = std::sync::Arc::new(Directory::open(dir.path()).unwrap());
        let node = "front-door".parse().unwrap();
        let opened = crate::Journal::open(&storage, &node, crate::Options::default(), 1, Instant::ZERO);
        let text = opened.err().unwrap().to_string();
        assert!(text.starts_with("cannot open 0000000000000001.segment"), "{text}");
        assert!(dir.path().join("0000000000000001.segment").exists(), "it is left as it is");
    }

    #[test]
    fn a_disk_says_how_much_room_there_is() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Directory::open(dir.path()).unwrap();
        let free = dir.free().unwrap();
        assert!((4096..1 << 60).contains(&free), "{free} bytes");
    }

    #[test]
    fn the_machine_has_a_run_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Directory::open(dir.path()).unwrap();
        let (first, later) = (dir.machine(), dir.machine());
        assert!(first.is_same_run(&later), "{first:?}");
        assert!(first.up > Some(Duration::ZERO) && later.up >= first.up, "{first:?}");
    }

    #[test]
    fn strangers_read_nothing() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("state");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let dir = Directory::open(&path).unwrap();
        dir.create("a", 1).unwrap();
        // Whatever the mask of this process takes away.
        let none_of = |mode: u32, bits: u32| assert_eq!(mode & bits, 0, "{mode:o}");
        none_of(mode(&path), 0o027);
        none_of(mode(&path.join("a")), 0o137);
        none_of(mode(&path.join("lock")), 0o137);
        fs::write(path.join("old"), "x").unwrap();
        fs::set_permissions(path.join("old"), fs::Permissions::from_mode(0o664)).unwrap();
        dir.open("old").unwrap();
        assert_eq!(mode(&path.join("old")), 0o640, "of an earlier version");
    }
}
