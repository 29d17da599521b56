//! Files that a command writes: whole or not at all where the folder allows it, and never over one that it reads.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use super::Failure;

/// Refuses, before anything is done, to write over a file that the command reads, to write two things into one, and to
/// write where there can be no file.
pub(super) fn apart<'a>(
    read: impl IntoIterator<Item = &'a Path>,
    written: impl IntoIterator<Item = &'a Path>,
) -> Result<(), Failure> {
    let read: Vec<_> = read.into_iter().filter_map(place).collect();
    let mut taken = Vec::new();
    for path in written {
        if path.is_dir() {
            return Err(Failure::says(format!("{} is a directory: name a file in it", path.display())));
        }
        let Some(place) = place(path) else { continue };
        let why = if !folder(&place).is_dir() {
            "is in a directory that does not exist: make it first, or name another file"
        } else if read.contains(&place) {
            "is what this command reads: name another file for what it writes"
        } else if taken.contains(&place) {
            "would be written twice: name two files"
        } else {
            taken.push(place);
            continue;
        };
        return Err(Failure::says(format!("{} {why}", path.display())));
    }
    Ok(())
}

/// Writes a file, in the place of an earlier one only when it is whole.
pub(super) fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), Failure> {
    replace(path, fill).map_err(|error| Failure::says(format!("cannot write {}: {error}", path.display())))
}

fn replace(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let Some(path) = place(path) else { return through(stream(path)?, fill).map(drop) };
    let earlier = match File::options().write(true).open(&path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        // What may not be written is not to be replaced either.
        Err(error) => return Err(error),
    };
    let Some((draft, file)) = draft(&path, earlier.as_ref())? else {
        let file = earlier.map_or_else(|| File::create_new(&path), Ok)?;
        file.set_len(0)?;
        return through(file, fill).map(drop);
    };
    let written = through(file, fill).and_then(|file| {
        file.sync_data()?;
        // What is mounted there, or another's in a folder of everybody, stays and is filled.
        fs::rename(&draft, &path).or_else(|_| fs::copy(&draft, &path).and_then(|_| fs::remove_file(&draft)))
    });
    written.inspect_err(|_| {
        let _ = fs::remove_file(&draft);
    })
}

/// A new file beside one, with the owner and the mode of what is there; nothing where there can be none, or where what is
/// there has more names than one: that is written where it is.
fn draft(path: &Path, earlier: Option<&File>) -> io::Result<Option<(PathBuf, File)>> {
    let earlier = earlier.map(File::metadata).transpose()?;
    if earlier.as_ref().is_some_and(|earlier| earlier.nlink() > 1) {
        return Ok(None);
    }
    // A name that nobody else has, so that nothing of anybody's is in the way; a process that was killed may have had it.
    let names = (0..16).map(|n| path.with_file_name(format!(".campanile-{}-{n}", std::process::id())));
    let mut made = Err(io::ErrorKind::AlreadyExists.into());
    for name in names {
        made = File::create_new(&name).map(|file| (name, file));
        if !made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
            break;
        }
    }
    let Some(earlier) = earlier else { return made.map(Some) };
    let Ok((name, file)) = made else { return Ok(None) };
    let alike = fchown(&file, Some(earlier.uid()), Some(earlier.gid()))
        .and_then(|()| file.set_permissions(earlier.permissions()));
    if alike.is_err() {
        fs::remove_file(&name)?;
        return Ok(None);
    }
    Ok(Some((name, file)))
}

/// What is no file of its own: this process' own output goes on where it stands, also where it goes into a file.
fn stream(path: &Path) -> io::Result<File> {
    let own = match path.to_str() {
        Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => {
            io::stdout().flush()?;
            io::stdout().as_fd().try_clone_to_owned()?
        }
        Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => io::stderr().as_fd().try_clone_to_owned()?,
        _ => return File::options().append(true).open(path),
    };
    Ok(own.into())
}

fn through(file: File, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<File> {
    let mut out = BufWriter::new(file);
    fill(&mut out)?;
    out.flush()?;
    Ok(out.into_inner()?)
}

/// Where a file is, behind all links, or would be; nothing of what is no file, such as `/dev/stdout`, also where that goes
/// into one.
fn place(path: &Path) -> Option<PathBuf> {
    if path.starts_with("/dev") || path.starts_with("/proc") {
        return None;
    }
    let mut path = path.to_owned();
    // A link to what is not there yet; as many as the kernel follows.
    for _ in 0..40 {
        let Ok(target) = fs::read_link(&path) else { break };
        path = folder(&path).join(target);
    }
    match fs::metadata(&path) {
        Ok(there) => fs::canonicalize(path).ok().filter(|_| there.is_file()),
        Err(_) => {
            let folder = folder(&path);
            Some(fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()).join(path.file_name()?))
        }
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// The path with something behind its name.
pub(super) fn with_behind(path: &Path, what: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(what);
    path.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn words(result: Result<(), Failure>) -> String {
        match result {
            Err(Failure::Says(words)) => words,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn nothing_is_written_over_what_is_read_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let inside = |name: &str| folder.path().join(name);
        let (house, link, other) = (inside("house.toml"), inside("link.toml"), inside("other"));
        fs::write(&house, "mine").unwrap();
        symlink(&house, &link).unwrap();
        for same in [&house, &link, &folder.path().join(".").join("house.toml")] {
            let said = words(apart([house.as_path()], [other.as_path(), same]));
            assert!(
                said.ends_with("house.toml is what this command reads: name another file for what it writes")
                    || said.contains("link.toml is what"),
                "{said}"
            );
        }
        let twice = words(apart([house.as_path()], [other.as_path(), &inside("./other")]));
        assert!(twice.ends_with("would be written twice: name two files"), "{twice}");
        assert!(apart([house.as_path()], [other.as_path(), &inside("third")]).is_ok());
        let said = words(apart([house.as_path()], [folder.path()]));
        assert!(said.ends_with(" is a directory: name a file in it"), "{said}");
        let said = words(apart([house.as_path()], [inside("none/picture.svg").as_path()]));
        assert!(said.contains("none/picture.svg is in a directory that does not exist"), "{said}");
        let null = Path::new("/dev/null");
        assert!(apart([null], [null, null]).is_ok(), "nothing is lost there");
    }

    #[test]
    fn what_cannot_be_written_whole_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("script.toml"), folder.path().join("link.toml"));
        fs::write(&file, "mine").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        let full = |out: &mut BufWriter<File>| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        let said = words(write(&link, full));
        assert!(said.starts_with("cannot write ") && said.contains("link.toml: "), "{said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "and nothing beside it");

        let draft = folder.path().join("script.toml.new");
        fs::write(&draft, "a draft").unwrap();
        write(&link, |out| out.write_all(b"whole")).unwrap();
        assert_eq!(fs::read_to_string(&draft).unwrap(), "a draft");
        assert_eq!(fs::read_to_string(&file).unwrap(), "whole");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "the link stays one");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
        // Root may write everything.
        assert_eq!(write(&link, |_| Ok(())).is_ok(), rustix::process::geteuid().is_root());
        write(&folder.path().join("new"), |out| out.write_all(b"new")).unwrap();
        let said = words(write(Path::new("/dev/full"), |out| out.write_all(b"x")));
        assert!(said.starts_with("cannot write /dev/full: "), "{said}");
    }

    #[test]
    fn what_cannot_be_replaced_is_filled_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let inside = |name: &str| folder.path().join(name);
        let put = |path: &Path, text: &str| write(path, |out| out.write_all(text.as_bytes())).unwrap();
        // Two names of one file stay two names of one file, and what is left of a longer text is none.
        fs::write(inside("one"), "much longer").unwrap();
        fs::hard_link(inside("one"), inside("two")).unwrap();
        put(&inside("one"), "short");
        assert_eq!(fs::read_to_string(inside("two")).unwrap(), "short");
        // A link to what is not there yet.
        fs::create_dir(inside("real")).unwrap();
        symlink("real/out", inside("link")).unwrap();
        put(&inside("link"), "new");
        assert_eq!(fs::read_to_string(inside("real/out")).unwrap(), "new");
        // A draft of a process that was killed, and had this one's number.
        fs::write(inside(&format!(".campanile-{}-0", std::process::id())), "half").unwrap();
        put(&inside("three"), "whole");
        assert_eq!(fs::read_to_string(inside("three")).unwrap(), "whole");
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(inside("three"), Some(1000), Some(1000)).unwrap();
            put(&inside("three"), "still theirs");
            assert_eq!(fs::metadata(inside("three")).unwrap().uid(), 1000);
        }
        symlink("round", inside("round")).unwrap();
        assert!(write(&inside("round"), |_| Ok(())).is_err());
        assert!(apart([Path::new("/dev/stdout")], [Path::new("/dev/stdout")]).is_ok());
    }
}
