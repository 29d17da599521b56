//! Where a daemon keeps its state, and where the command line finds it again.

use std::path::{Path, PathBuf};

/// Of a service, and of root without one.
const SYSTEM: &str = "/var/lib/campanile";

/// The state directory: what the person says, else what systemd says, else the system's for root and the user's own
/// for everybody else.
///
/// # Errors
/// A user without a home; in words.
pub fn resolve(said: Option<PathBuf>) -> Result<PathBuf, String> {
    let root = rustix::process::geteuid().is_root();
    choose(said, root, |name| std::env::var_os(name).map(PathBuf::from))
}

/// To be said behind "there is none": where the service's is, to a user who looked into another.
pub fn elsewhere(state: &Path) -> &'static str {
    hint(state, rustix::process::geteuid().is_root(), Path::new(SYSTEM).is_dir())
}

fn hint(state: &Path, root: bool, service: bool) -> &'static str {
    if root || !service || state == Path::new(SYSTEM) {
        return "";
    }
    "; the one of this machine's service is /var/lib/campanile: use sudo"
}

fn choose(
    said: Option<PathBuf>,
    root: bool,
    variable: impl Fn(&str) -> Option<PathBuf>,
) -> Result<PathBuf, String> {
    let absolute = |path: &PathBuf| path.is_absolute();
    if let Some(path) = said {
        return Ok(path);
    }
    // systemd may name several, separated by colons; a service of ours has one.
    if let Some(path) = variable("STATE_DIRECTORY").filter(absolute) {
        return Ok(path);
    }
    if root {
        return Ok(SYSTEM.into());
    }
    let state = variable("XDG_STATE_HOME").filter(absolute);
    let state = state.or_else(|| Some(variable("HOME").filter(absolute)?.join(".local/state")));
    let state =
        state.ok_or("there is no home directory to keep the state in: name a directory with --state")?;
    Ok(state.join("campanile"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_forgot_sudo_is_told_where_the_services_is() {
        let own = Path::new("/home/anna/.local/state/campanile");
        assert!(hint(own, false, true).ends_with(&format!("{SYSTEM}: use sudo")));
        assert_eq!(
            [hint(own, true, true), hint(own, false, false), hint(Path::new(SYSTEM), false, true)],
            [""; 3]
        );
    }

    #[test]
    fn the_nearest_word_counts() {
        let env = |name: &str| match name {
            "HOME" => Some("/home/anna".into()),
            _ => None,
        };
        let service = |name: &str| (name == "STATE_DIRECTORY").then(|| "/var/lib/campanile-2".into());
        assert_eq!(choose(Some("x".into()), true, service), Ok("x".into()));
        assert_eq!(choose(None, false, service), Ok("/var/lib/campanile-2".into()));
        assert_eq!(choose(None, true, env), Ok(SYSTEM.into()));
        assert_eq!(choose(None, false, env), Ok("/home/anna/.local/state/campanile".into()));
        assert!(choose(None, false, |_| None).unwrap_err().contains("--state"));
    }
}
