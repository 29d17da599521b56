//! The tree that is installed into.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::accounts;

/// As many links as the kernel follows on the way to one file.
const LINKS: usize = 40;

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
            Ok(found) => Err(format!("{} is not a directory", found.display())),
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

    /// Where a path of the tree is for us. The links on the way lead where they will lead when the tree is the system: an
    /// absolute one begins at the tree's root, and none leaves it. A link at the path itself is not followed.
    ///
    /// # Errors
    /// A folder on the way may not be searched, or the links go round in a circle.
    pub fn path(&self, inside: &str) -> io::Result<PathBuf> {
        self.resolve(inside, false)
    }

    /// As [`Place::path`], and a link at the path itself is followed.
    ///
    /// # Errors
    /// Those of [`Place::path`].
    pub fn target(&self, inside: &str) -> io::Result<PathBuf> {
        self.resolve(inside, true)
    }

    fn resolve(&self, inside: &str, to_the_end: bool) -> io::Result<PathBuf> {
        let mut found = self.root.clone();
        let mut ahead: VecDeque<OsString> = parts(Path::new(inside)).collect();
        let mut links = 0;
        while let Some(part) = ahead.pop_front() {
            match part.to_str() {
                Some("/") => found.clone_from(&self.root),
                Some("..") if found == self.root => {}
                Some("..") => drop(found.pop()),
                Some(".") => {}
                _ => {
                    found.push(part);
                    if ahead.is_empty() && !to_the_end {
                        break;
                    }
                    let Some(target) = link(&found)? else { continue };
                    links += 1;
                    if links > LINKS {
                        return Err(Errno::LOOP.into());
                    }
                    found.pop();
                    for part in parts(&target).rev() {
                        ahead.push_front(part);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Whether there is something at a path of the tree, be it a link to nowhere.
    ///
    /// # Errors
    /// Those of [`Place::path`].
    pub fn has(&self, inside: &str) -> io::Result<bool> {
        match self.path(inside)?.symlink_metadata() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A file of the tree; nothing if there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, inside: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.target(inside)?) {
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
        let path = self.path(inside)?;
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
        let path = self.target(inside)?;
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
            || ["/usr/bin/env", "/bin/busybox"].iter().any(|known| {
                let theirs = self.target(known).ok().and_then(|known| machine(&known));
                theirs.is_none_or(|theirs| Some(theirs) == machine(program))
            })
    }
}

/// The names in a path; `/` is one if it begins with that.
fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().map(|part| part.as_os_str().to_owned())
}

/// Where a link leads; nothing for what is no link, or not there.
fn link(path: &Path) -> io::Result<Option<PathBuf>> {
    match fs::read_link(path) {
        Ok(target) => Ok(Some(target)),
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
            Ok(None)
        }
        Err(error) => Err(error),
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
        assert!(Place::new(&file).unwrap_err().contains("not a directory"));
    }

    #[test]
    fn a_link_of_an_image_leads_nowhere_but_into_the_image() {
        let (image, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let place = Place::new(image.path()).unwrap();
        let link = |target: &Path, inside: &str| {
            std::os::unix::fs::symlink(target, image.path().join(inside)).unwrap()
        };
        fs::create_dir(image.path().join("data")).unwrap();
        // One to a folder that the machine has as well, one up beyond the root, and one over that one.
        link(outside.path(), "etc");
        link(Path::new("../../../data"), "var");
        link(Path::new("./var/x"), "lib");
        place.write("/etc/a/b", b"text", 0o644, Owner::Root).unwrap();
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "it went out of the image");
        let there = place.root().join(outside.path().strip_prefix("/").unwrap());
        assert_eq!(fs::read(there.join("a/b")).unwrap(), b"text");
        assert_eq!(place.read("/etc/a/b").unwrap().unwrap(), b"text");
        assert_eq!(place.path("/var/x").unwrap(), place.root().join("data/x"));
        assert_eq!(place.path("/lib").unwrap(), place.root().join("lib"));
        assert_eq!(place.target("/lib").unwrap(), place.root().join("data/x"));
        link(Path::new("/round"), "round");
        assert_eq!(place.target("/round/x").unwrap_err().raw_os_error(), Some(Errno::LOOP.raw_os_error()));
        assert!(place.has("/round").unwrap(), "the link itself is there");
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
