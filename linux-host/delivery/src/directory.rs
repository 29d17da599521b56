//! The real storage: a directory of a Linux file system, held by a lock.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::{error, fmt};

use crate::storage::{File, Storage};

/// The name of the file that says who holds the directory.
const OWNER: &str = "lock";

/// Zeros are written this many bytes at a time.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// A state directory. One process at a time holds it for writing; the lock goes with the process, whatever ends it.
pub struct Directory {
    path: PathBuf,
    // The lock lives as long as this handle; it also serves to sync names.
    handle: fs::File,
    writable: bool,
}

impl Directory {
    /// Makes the directory if it is missing, and locks it.
    ///
    /// # Errors
    /// Another process holds it, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, DirectoryError> {
        let refuse = |what, source| DirectoryError::Io { what, path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(|e| refuse("make", e))?;
        let handle = fs::File::open(path).map_err(|e| refuse("open", e))?;
        match handle.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let owner =
                    fs::read_to_string(path.join(OWNER)).ok().and_then(|text| text.trim().parse().ok());
                return Err(DirectoryError::Held { path: path.to_owned(), owner });
            }
            Err(fs::TryLockError::Error(e)) => return Err(refuse("lock", e)),
        }
        // Only for the message above: the directory itself is what is locked, so that a read-only disk can be, too.
        let _ = fs::write(path.join(OWNER), format!("{}\n", std::process::id()));
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
            source,
        })?;
        Ok(Self { path: path.to_owned(), handle, writable: false })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn check_writable(&self) -> io::Result<()> {
        if self.writable { Ok(()) } else { Err(io::ErrorKind::ReadOnlyFilesystem.into()) }
    }
}

impl Storage for Directory {
    type File = fs::File;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // A name that is no UTF-8 is none of ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<fs::File> {
        let path = self.path.join(name);
        let mut options = fs::OpenOptions::new();
        options.read(true);
        match options.clone().write(self.writable).open(&path) {
            // What cannot be written can still be read and delivered.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
                ) =>
            {
                options.open(&path)
            }
            other => other,
        }
    }

    fn create(&self, name: &str, len: u64) -> io::Result<fs::File> {
        self.check_writable()?;
        let path = self.path.join(name);
        let mut file =
            fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
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
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.check_writable()?;
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.check_writable()?;
        fs::remove_file(self.path.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.handle.sync_all()
    }
}

impl File for fs::File {
    fn len(&self) -> io::Result<u64> {
        self.metadata().map(|m| m.len())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut got = 0;
        while got < buf.len() {
            match std::os::unix::fs::FileExt::read_at(self, &mut buf[got..], offset + got as u64) {
                Ok(0) => break,
                Ok(n) => got += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(got)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Why a state directory could not be had.
#[derive(Debug)]
pub enum DirectoryError {
    /// Another process writes there.
    Held {
        /// The directory.
        path: PathBuf,
        /// The other process, if it said.
        owner: Option<u32>,
    },
    /// The system refused.
    Io {
        /// What was tried.
        what: &'static str,
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { path, owner } => {
                write!(f, "another campanile")?;
                if let Some(pid) = owner {
                    write!(f, " (process {pid})")?;
                }
                write!(
                    f,
                    " runs on the state directory {}: stop it, or give this one another with --state",
                    path.display()
                )
            }
            Self::Io { what, path, source } => {
                write!(f, "cannot {what} the state directory {}: {source}", path.display())?;
                if source.kind() == io::ErrorKind::PermissionDenied {
                    write!(f, " (give this user the directory, or choose another with --state)")?;
                }
                Ok(())
            }
        }
    }
}

impl error::Error for DirectoryError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Held { .. } => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
