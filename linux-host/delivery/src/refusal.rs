//! What the system refuses, in words: who owns a directory, and what to do.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{error, fmt, fs};

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
    /// It has files of another program, under names of ours.
    Strangers {
        /// The directory.
        path: PathBuf,
        /// One of them.
        name: String,
    },
    /// The system refused.
    Io {
        /// What was tried.
        what: &'static str,
        /// The directory.
        path: PathBuf,
        /// What the system says, in words.
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
            Self::Strangers { path, name } => {
                let path = path.display();
                write!(
                    f,
                    "{path} is another program's: its `{name}` would be written over; name a directory for this one \
                     alone with --state"
                )
            }
            Self::Io { what, path, source } => {
                write!(f, "cannot {what} the state directory {}: {source}", path.display())
            }
        }
    }
}

impl error::Error for DirectoryError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Held { .. } | Self::Strangers { .. } => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}

/// As [`in_words`], to somebody who only looks: the directory is a daemon's, and has to stay its own.
pub(crate) fn to_a_guest(error: io::Error, path: &Path) -> io::Error {
    let text = match (
        error.kind(),
        path.ancestors().find_map(|path| Some((path, fs::symlink_metadata(path).ok()?))),
    ) {
        (io::ErrorKind::PermissionDenied, Some((path, there))) if effective_user() != Some(there.uid()) => {
            let (shown, owner) = (path.display(), user(there.uid()));
            match there.gid() {
                0 => format!("{shown} belongs to {owner}: use sudo"),
                group => {
                    format!("{shown} belongs to {owner}: use sudo, or join the group {}", group_name(group))
                }
            }
        }
        _ => return in_words(error, path),
    };
    io::Error::new(error.kind(), text)
}

/// Root may everything: what it made in somebody else's directory would keep its owner out at the next start.
pub(crate) fn not_as_root(path: &Path) -> io::Result<()> {
    let owner = fs::metadata(path)?.uid();
    if owner == 0 || effective_user() != Some(0) {
        return Ok(());
    }
    let owner = user(owner);
    Err(io::Error::other(format!(
        "it belongs to {owner}, who could not use what root leaves there: run this as {owner} (sudo -u), give root \
         the directory (chown -R), or use another directory"
    )))
}

/// The same error with its reason in words; `path` is what could not be used.
pub(crate) fn in_words(error: io::Error, path: &Path) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota of this user is used up".to_owned(),
        io::ErrorKind::PermissionDenied => not_allowed(path),
        _ => return error,
    };
    io::Error::new(error.kind(), text)
}

/// The nearest thing on the way to `path` that there is has an owner, who may be somebody else.
fn not_allowed(path: &Path) -> String {
    let found = path.ancestors().find_map(|path| Some((path, fs::symlink_metadata(path).ok()?)));
    let Some((path, metadata)) = found else { return "this user may not".to_owned() };
    let (owner, shown) = (metadata.uid(), path.display());
    match effective_user() {
        Some(me) if me != owner => {
            let (owner, me) = (user(owner), user(me));
            format!(
                "{shown} belongs to {owner}, and this campanile runs as {me}: run it as {owner}, give {me} the \
                 directory (chown -R), or choose another with --state"
            )
        }
        _ => format!(
            "{shown} may not be used even by {}, its owner: allow it (chmod -R u+rwX), or choose another directory \
             with --state",
            user(owner)
        ),
    }
}

/// A user as people know them: by name, if the system has one.
fn user(id: u32) -> String {
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(&known, id).map_or_else(|| format!("user {id}"), str::to_owned)
}

/// A group as people know it.
fn group_name(id: u32) -> String {
    let known = fs::read_to_string("/etc/group").unwrap_or_default();
    name_of(&known, id).map_or_else(|| id.to_string(), str::to_owned)
}

/// The name in a `passwd` or a `group` file.
fn name_of(known: &str, id: u32) -> Option<&str> {
    known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then_some(name)
    })
}

fn effective_user() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_words_and_keep_their_kind() {
        for (kind, said) in [
            (io::ErrorKind::ReadOnlyFilesystem, "the file system is read-only"),
            (io::ErrorKind::StorageFull, "the disk is full"),
        ] {
            let error = in_words(kind.into(), Path::new("/"));
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, said));
        }
        let denied = in_words(io::ErrorKind::PermissionDenied.into(), Path::new("/proc/1/nothing/such"));
        assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied);
        let text = denied.to_string();
        assert!(text.starts_with("/proc/1 ") && text.contains("--state"), "{text}");
        assert_eq!(in_words(io::Error::from_raw_os_error(5), Path::new("/")).raw_os_error(), Some(5));
    }

    #[test]
    fn who_only_looks_is_not_told_to_take_the_directory() {
        let path = Path::new("/proc/1/nothing/such");
        let denied = to_a_guest(io::ErrorKind::PermissionDenied.into(), path);
        assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied);
        if effective_user() != Some(0) {
            assert_eq!(denied.to_string(), "/proc/1 belongs to root: use sudo");
        }
        assert_eq!(to_a_guest(io::Error::from_raw_os_error(5), path).raw_os_error(), Some(5));
    }

    #[test]
    fn users_have_names_where_the_system_knows_them() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nanna:x:1000:1000::/home/anna:/bin/sh\n";
        assert_eq!((name_of(passwd, 0), name_of(passwd, 1000)), (Some("root"), Some("anna")));
        assert_eq!(name_of(passwd, 7), None);
        assert_eq!(user(u32::MAX - 7), "user 4294967288");
    }
}
