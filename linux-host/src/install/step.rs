//! One thing that is to be so: whether it is, what it takes, and how it is said.

use std::fmt;
use std::fs;
use std::io;
use std::process::{Command, Stdio};

use super::accounts;
use super::place::{Owner, Place};

/// One thing that is to be so. Paths are those of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is a system group.
    Group(&'static str),
    /// There is a system user without a login, whose first group has the same name.
    User {
        /// Its name.
        name: &'static str,
        /// Its home, which is not made.
        home: &'static str,
        /// Who it is.
        comment: &'static str,
    },
    /// A user is in a group.
    Member {
        /// The user.
        user: &'static str,
        /// The group.
        group: &'static str,
    },
    /// There is a folder; one that is there stays as it is.
    Directory {
        /// Where.
        path: &'static str,
        /// Permissions of a new one.
        mode: u32,
        /// Whose it is.
        owner: Owner,
    },
    /// There is a file.
    File {
        /// Where.
        path: &'static str,
        /// What stands in it.
        bytes: Vec<u8>,
        /// Its permissions.
        mode: u32,
        /// Whose it is.
        owner: Owner,
        /// What is there stays as it is: it is the owner's.
        keep: bool,
    },
    /// There is a symbolic link.
    Link {
        /// Where.
        path: &'static str,
        /// Where it leads.
        target: &'static str,
    },
    /// A file, link or tree is not there.
    Gone(&'static str),
    /// A user, and the group of its name, are not there.
    NoUser(&'static str),
    /// There is a key for SSH, beside it its public half.
    Key {
        /// Where.
        path: &'static str,
        /// What stands behind the public half.
        comment: String,
        /// Whose it is.
        owner: Owner,
    },
    /// A program is run.
    Run {
        /// The program.
        program: &'static str,
        /// Its arguments.
        arguments: Vec<&'static str>,
        /// What to do if it fails.
        help: &'static str,
    },
}

/// How a step is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is so already.
    Done,
    /// It is another way, and the owner's: it stays.
    Kept,
    /// It is to be done.
    ToDo,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was so already.
    Already,
    /// The owner's stays.
    Kept,
    /// It is so now.
    Done,
    /// It would be done.
    Would,
    /// Only root may see whether it is so; a dry run without root goes on behind it.
    Unknown,
}

impl Outcome {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Already => "already",
            Self::Kept => "kept",
            Self::Done => "done",
            Self::Would => "would",
            Self::Unknown => "unknown",
        }
    }
}

/// Carries out the steps in their order, or only says what they would do; says each. Whether there was anything to do.
///
/// # Errors
/// The first step that fails, in words; those before it are done, and are found so the next time.
pub fn carry_out(
    steps: &[Step],
    place: &Place,
    dry: bool,
    say: &mut dyn FnMut(&Step, Outcome) -> io::Result<()>,
) -> Result<bool, String> {
    let mut changed = false;
    for step in steps {
        let failed = |error: io::Error| format!("{step}: {error}{}", step.help());
        let outcome = match step.found(place) {
            Ok(Found::Done) => Outcome::Already,
            Ok(Found::Kept) => Outcome::Kept,
            Err(error) if dry && error.kind() == io::ErrorKind::PermissionDenied => Outcome::Unknown,
            Err(error) => return Err(failed(error)),
            Ok(Found::ToDo) => {
                changed = true;
                if dry {
                    Outcome::Would
                } else {
                    step.carry_out(place).map_err(failed)?;
                    Outcome::Done
                }
            }
        };
        say(step, outcome).map_err(|error| error.to_string())?;
    }
    Ok(changed)
}

impl Step {
    /// How it is.
    fn found(&self, place: &Place) -> io::Result<Found> {
        let done = match self {
            Self::Group(name) => accounts::group(place, name)?.is_some(),
            Self::User { name, .. } => accounts::user(place, name)?.is_some(),
            Self::Member { user, group } => accounts::group(place, group)?
                .is_some_and(|group| group.members.iter().any(|member| member == user)),
            Self::Directory { path, .. } => place.target(path)?.is_dir(),
            Self::Key { path, .. } => place.has(path)?,
            Self::File { path, bytes, keep, .. } => match place.read(path)? {
                Some(there) if there == *bytes => true,
                Some(_) if *keep => return Ok(Found::Kept),
                _ => false,
            },
            Self::Link { path, target } => {
                fs::read_link(place.path(path)?).is_ok_and(|found| found.as_os_str() == *target)
            }
            Self::Gone(path) => !place.has(path)?,
            Self::NoUser(name) => {
                accounts::user(place, name)?.is_none() && accounts::group(place, name)?.is_none()
            }
            Self::Run { .. } => false,
        };
        Ok(if done { Found::Done } else { Found::ToDo })
    }

    fn carry_out(&self, place: &Place) -> io::Result<()> {
        match self {
            Self::Group(name) => account(place, "groupadd", &["--system", name]),
            Self::User { name, home, comment } => {
                let shell = "/usr/sbin/nologin";
                let options = ["--system", "--no-create-home", "--home-dir", home, "--shell", shell];
                account(
                    place,
                    "useradd",
                    &[&options[..], &["--gid", name, "--comment", comment, name]].concat(),
                )
            }
            Self::Member { user, group } => account(place, "usermod", &["--append", "--groups", group, user]),
            Self::Directory { path, mode, owner } => place.make_directory(path, *mode, *owner),
            Self::File { path, bytes, mode, owner, .. } => place.write(path, bytes, *mode, *owner),
            Self::Key { path, comment, owner } => key(place, path, comment, *owner),
            Self::Link { path, target } => {
                let link = place.path(path)?;
                if let Some(parent) = link.parent() {
                    fs::create_dir_all(parent)?;
                }
                if place.has(path)? {
                    fs::remove_file(&link)?;
                }
                std::os::unix::fs::symlink(target, link)
            }
            Self::Gone(path) => {
                let path = place.path(path)?;
                if path.symlink_metadata()?.is_dir() {
                    fs::remove_dir_all(path)
                } else {
                    fs::remove_file(path)
                }
            }
            Self::NoUser(name) => {
                if accounts::user(place, name)?.is_some() {
                    account(place, "userdel", &[name])?;
                }
                // userdel takes the group along, unless the machine is set up otherwise.
                match accounts::group(place, name)? {
                    Some(_) => account(place, "groupdel", &[name]),
                    None => Ok(()),
                }
            }
            Self::Run { program, arguments, .. } => run(program, arguments),
        }
    }

    const fn help(&self) -> &'static str {
        match self {
            Self::Run { help, .. } => help,
            _ => "",
        }
    }
}

/// A new key; whole or not at all, as the public half comes last.
fn key(place: &Place, path: &str, comment: &str, owner: Owner) -> io::Result<()> {
    let there = place.path(path)?;
    let new = there.with_extension("new");
    let _ = fs::remove_file(&new);
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", &new.to_string_lossy()])?;
    let public = fs::read(new.with_extension("new.pub"))?;
    let secret = fs::read(&new)?;
    for file in [new.with_extension("new.pub"), new] {
        fs::remove_file(file)?;
    }
    place.write(&format!("{path}.pub"), &public, 0o644, owner)?;
    place.write(path, &secret, 0o600, owner)
}

/// One of the tools for accounts, on the running system or in an image.
fn account(place: &Place, program: &str, arguments: &[&str]) -> io::Result<()> {
    if place.is_running() {
        return run(program, arguments);
    }
    // It would follow the link, out of the image.
    let lists = place.target("/etc")?;
    if lists != place.root().join("etc") {
        return Err(io::Error::other(format!(
            "/etc of the image is a link to {}, which {program} does not follow there: make it a folder, or install on the \
             system itself when it runs",
            fs::read_link(place.path("/etc")?)?.display()
        )));
    }
    let prefix = place.root().to_string_lossy();
    run(program, &[&["--prefix", &*prefix], arguments].concat())
}

/// Runs a program to its end; what it said on stderr is the error if it fails.
fn run(program: &str, arguments: &[&str]) -> io::Result<()> {
    // sudo and services may come without the folders of system tools.
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PATH", format!("{path}:/usr/local/sbin:/usr/sbin:/sbin"))
        .stdin(Stdio::null());
    let done =
        command.output().map_err(|error| io::Error::other(format!("cannot run {program}: {error}")))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(io::Error::other(match said.trim() {
        "" => format!("{program} failed with {}", done.status),
        said => said.to_owned(),
    }))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "system group {name}"),
            Self::User { name, .. } => write!(f, "system user {name}, without a login"),
            Self::Member { user, group } => write!(f, "user {user} in group {group}"),
            Self::Directory { path, .. } => write!(f, "folder {path}"),
            Self::File { path, .. } => write!(f, "file {path}"),
            Self::Key { path, .. } => write!(f, "key {path}"),
            Self::Link { path, target } => write!(f, "link {path} to {target}"),
            Self::Gone(path) => write!(f, "no {path}"),
            Self::NoUser(name) => write!(f, "no user and group {name}"),
            Self::Run { program, arguments, .. } => write!(f, "{program} {}", arguments.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(steps: &[Step], place: &Place, dry: bool) -> Vec<&'static str> {
        let mut words = Vec::new();
        carry_out(steps, place, dry, &mut |_, outcome| {
            words.push(outcome.word());
            Ok(())
        })
        .unwrap();
        words
    }

    fn file(text: &str, keep: bool) -> Step {
        Step::File { path: "/etc/a/b", bytes: text.into(), mode: 0o644, owner: Owner::Root, keep }
    }

    #[test]
    fn a_step_is_done_once_and_a_dry_run_does_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        let steps = [
            Step::Directory { path: "/etc/a", mode: 0o750, owner: Owner::Root },
            file("text", false),
            Step::Link { path: "/etc/wants/b", target: "../a/b" },
        ];
        assert_eq!(outcomes(&steps, &place, true), ["would"; 3]);
        assert!(!place.has("/etc").unwrap(), "a dry run left something");
        assert_eq!(outcomes(&steps, &place, false), ["done"; 3]);
        assert_eq!(outcomes(&steps, &place, false), ["already"; 3]);
        assert_eq!(fs::read(place.target("/etc/wants/b").unwrap()).unwrap(), b"text");
        let other = Step::Link { path: "/etc/wants/b", target: "../a/c" };
        assert_eq!(outcomes(&[other], &place, false), ["done"], "a link that leads elsewhere is turned");
        let gone = [Step::Gone("/etc/wants/b"), Step::Gone("/etc/a")];
        assert_eq!(outcomes(&gone, &place, false), ["done"; 2]);
        assert_eq!(outcomes(&gone, &place, false), ["already"; 2]);
    }

    #[test]
    fn what_is_the_owners_is_kept_and_what_is_ours_is_renewed() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        place.write("/etc/a/b", b"mine", 0o644, Owner::Root).unwrap();
        assert_eq!(outcomes(&[file("new", true)], &place, false), ["kept"]);
        assert_eq!(place.read("/etc/a/b").unwrap().unwrap(), b"mine");
        assert_eq!(outcomes(&[file("new", false)], &place, false), ["done"]);
        assert_eq!(place.read("/etc/a/b").unwrap().unwrap(), b"new");
    }

    #[test]
    fn a_step_that_fails_says_which_and_why() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        place.write("/etc/a", b"a file where a folder has to be", 0o644, Owner::Root).unwrap();
        let error = carry_out(&[file("x", false)], &place, false, &mut |_, _| Ok(())).unwrap_err();
        assert!(error.starts_with("file /etc/a/b: "), "{error}");
        let run = Step::Run { program: "false", arguments: vec![], help: "; look there" };
        let error = carry_out(&[run], &place, false, &mut |_, _| Ok(())).unwrap_err();
        assert!(error.starts_with("false : false failed") && error.ends_with("; look there"), "{error}");
    }
}
