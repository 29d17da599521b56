//! Files that a command writes: whole or not at all, and never over one that it reads.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Failure;

/// Refuses, before anything is done, to write over a file that the command reads, and to write two things into one.
pub(super) fn apart<'a>(
    read: impl IntoIterator<Item = &'a Path>,
    written: impl IntoIterator<Item = &'a Path>,
) -> Result<(), Failure> {
    let read: Vec<_> = read.into_iter().filter_map(place).collect();
    let mut taken = Vec::new();
    for path in written {
        let Some(place) = place(path) else { continue };
        let why = if read.contains(&place) {
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
    let Some(path) = place(path) else {
        return through(File::options().write(true).open(path)?, fill).map(drop);
    };
    let earlier = fs::metadata(&path).ok();
    if earlier.is_some() {
        // What may not be written is not to be replaced either.
        File::options().write(true).open(&path)?;
    }
    // A name that nobody else has, so that nothing of anybody's is in the way.
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let new = path.with_file_name(name);
    let file = File::create_new(&new)?;
    let written = through(file, fill).and_then(|file| {
        if let Some(earlier) = earlier {
            file.set_permissions(earlier.permissions())?;
        }
        fs::rename(&new, &path)
    });
    written.inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

fn through(file: File, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<File> {
    let mut out = BufWriter::new(file);
    fill(&mut out)?;
    out.flush()?;
    Ok(out.into_inner()?)
}

/// Where a file is, behind all links, or would be; nothing of what is no file, such as `/dev/stdout`.
fn place(path: &Path) -> Option<PathBuf> {
    match fs::metadata(path) {
        Ok(there) => fs::canonicalize(path).ok().filter(|_| there.is_file()),
        Err(_) => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or_else(|| Path::new("."));
            let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
            Some(folder.join(path.file_name()?))
        }
    }
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
}
