//! The tree that is installed into.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use super::accounts;

/// The running system, or the root of an image.
#[derive(Clone, Debug)]
pub struct Place {
    root: PathBuf,
}

/// Whose something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Root's.
    Root,
    /// Root's, for a group.
    Group(&'static str),
    /// A user's, and of the group of the same name.
    User(&'static str),
}

impl Place {
    /// The tree below this directory; `/` is the running system.
    ///
    /// # Errors
    /// There is no such directory.
    pub fn new(root: &Path) -> Result<Self, String> {
        match fs::canonicalize(root) {
            Ok(found) if found.is_dir() => Ok(Self { root: found }),
            Ok(found) => Err(format!("{} is no directory", found.display())),
            Err(error) => Err(format!("{}: {error}", root.display())),
        }
    }

    /// Whether it is the system that runs.
    pub fn is_running(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Whether a systemd runs that can be told of changes.
    pub fn has_systemd(&self) -> bool {
        self.is_running() && Path::new("/run/systemd/system").is_dir()
    }

    /// Where the tree begins.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a path of the tree is for us.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside.trim_start_matches('/'))
    }

    /// Whether there is something at a path of the tree, be it a link to nowhere.
    pub fn has(&self, inside: &str) -> bool {
        self.path(inside).symlink_metadata().is_ok()
    }

    /// A file of the tree; nothing if there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, inside: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(inside)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a file whole or not at all, with the folders above it; also over a program that runs.
    ///
    /// # Errors
    /// The tree takes it not.
    pub fn write(&self, inside: &str, bytes: &[u8], mode: u32, owner: Owner) -> io::Result<()> {
        let path = self.path(inside);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = path.with_file_name(name);
        let mut file = fs::File::create(&new)?;
        file.write_all(bytes)?;
        self.give(&new, mode, owner)?;
        file.sync_all()?;
        fs::rename(&new, &path)
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// The tree takes it not.
    pub fn make_directory(&self, inside: &str, mode: u32, owner: Owner) -> io::Result<()> {
        let path = self.path(inside);
        fs::create_dir_all(&path)?;
        self.give(&path, mode, owner)
    }

    /// Sets mode and owner, whose number the tree knows. What is root's is so by itself.
    fn give(&self, path: &Path, mode: u32, owner: Owner) -> io::Result<()> {
        let group = |name| {
            let found = accounts::group(self, name)?;
            found.ok_or_else(|| io::Error::other(format!("there is no group {name}")))
        };
        match owner {
            Owner::Root => {}
            Owner::Group(name) => chown(path, Some(0), Some(group(name)?.id))?,
            Owner::User(name) => {
                let user = accounts::user(self, name)?;
                let user = user.ok_or_else(|| io::Error::other(format!("there is no user {name}")))?;
                chown(path, Some(user), Some(group(name)?.id))?;
            }
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }

    /// Whether programs of the kind that this one is can run in the tree; `true` if that cannot be told.
    pub fn runs_this_program(&self, program: &Path) -> bool {
        self.is_running()
            || ["/usr/bin/env", "/bin/busybox"]
                .iter()
                .any(|known| machine(&self.path(known)).is_none_or(|theirs| Some(theirs) == machine(program)))
    }
}

/// The kind of processor that an ELF file is for.
fn machine(path: &Path) -> Option<[u8; 2]> {
    let mut head = [0; 20];
    fs::File::open(path).ok()?.read_exact(&mut head).ok()?;
    match head {
        [0x7f, b'E', b'L', b'F', .., low, high] => Some([low, high]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_a_path_stays_in_the_tree() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        assert!(!place.is_running() && !place.has_systemd());
        assert_eq!(place.read("/etc/x/y").unwrap(), None);
        place.write("/etc/x/y", b"one", 0o640, Owner::Root).unwrap();
        place.write("/etc/x/y", b"two", 0o600, Owner::Root).unwrap();
        assert_eq!(place.read("/etc/x/y").unwrap().unwrap(), b"two");
        let file = dir.path().join("etc/x/y");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path().join("etc/x")).unwrap().count(), 1, "nothing is left beside it");
        assert!(Place::new(&file).unwrap_err().contains("no directory"));
    }

    #[test]
    fn an_image_for_another_processor_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        let this = std::env::current_exe().unwrap();
        assert!(place.runs_this_program(&this), "an empty tree could be anything");
        let mut head = fs::read(&this).unwrap();
        head.truncate(64);
        place.write("/usr/bin/env", &head, 0o755, Owner::Root).unwrap();
        place.write("/bin/busybox", &head, 0o755, Owner::Root).unwrap();
        assert!(place.runs_this_program(&this));
        head[18] ^= 0xff;
        place.write("/usr/bin/env", &head, 0o755, Owner::Root).unwrap();
        place.write("/bin/busybox", &head, 0o755, Owner::Root).unwrap();
        assert!(!place.runs_this_program(&this));
    }
}
