//! Where the control socket of a state directory is: in it, or in the second place where that cannot be, as on a
//! read-only disk or under a path that is too long for a socket. The daemon and the command line look in the same order.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use campanile_core::program::image::hash;

/// The socket's name in the state directory.
const NAME: &str = "control.sock";

/// Of the system's services, and of root.
const SYSTEM: &str = "/run";

/// Every place, in the order in which they are tried.
pub(super) fn places(state: &Path) -> Vec<PathBuf> {
    choose(state, std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from))
}

fn choose(state: &Path, runtime: Option<PathBuf>) -> Vec<PathBuf> {
    // However it is called: the daemon and whoever asks it may stand in different directories.
    let whole = std::fs::canonicalize(state).or_else(|_| std::path::absolute(state));
    let whole = whole.unwrap_or_else(|_| state.to_owned());
    // Several daemons share the second place, each with a state directory of its own.
    let name = format!("{:016x}.sock", hash(whole.as_os_str().as_bytes()));
    let second = runtime.filter(|path| path.is_absolute()).into_iter().chain([SYSTEM.into()]);
    let second = second.map(|base: PathBuf| base.join("campanile").join(&name));
    std::iter::once(state.join(NAME)).chain(second).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_directory_comes_first_and_every_other_name_of_it_leads_to_the_same_places() {
        let dir = tempfile::tempdir().unwrap();
        let (state, link) = (dir.path().join("state"), dir.path().join("link"));
        std::fs::create_dir(&state).unwrap();
        std::os::unix::fs::symlink(&state, &link).unwrap();
        let found = choose(&state, Some("/run/user/1000".into()));
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], state.join(NAME));
        assert!(found[1].starts_with("/run/user/1000/campanile") && found[2].starts_with("/run/campanile"));
        assert_eq!(choose(&link, Some("/run/user/1000".into()))[1..], found[1..]);
        assert_ne!(choose(dir.path(), Some("/run/user/1000".into()))[1..], found[1..], "each has its own");
        assert_eq!(choose(&state, Some("relative".into())).len(), 2);
    }
}
