//! What the service of a machine consists of. Its files are those of the Debian package; only paths differ.

use std::io;

use super::accounts;
use super::place::{Owner, Place};
use super::step::Step;
use super::unfinished::Unfinished;

/// The user and group that it runs as.
pub const USER: &str = "campanile";
/// The house that it runs.
pub const HOUSE: &str = "/etc/campanile/house.toml";

const UNIT: &str = include_str!("../../service/campanile.service");
const RULES: &str = include_str!("../../service/60-campanile.rules");
const ENVIRONMENT: &str = include_str!("../../service/campanile.default");

/// The program of the Debian package, as the unit names it, and ours.
const PACKAGED_PROGRAM: &str = "/usr/bin/campanile";
const PROGRAM: &str = "/usr/local/bin/campanile";

const CONFIGURATION: &str = "/etc/campanile";
/// Its state directory.
pub const STATE: &str = "/var/lib/campanile";
const LOGS: &str = "/var/log/campanile";
/// Its environment.
pub const ENVIRONMENT_PATH: &str = "/etc/default/campanile";
const UNIT_PATH: &str = "/etc/systemd/system/campanile.service";
const WANTED: &str = "/etc/systemd/system/multi-user.target.wants/campanile.service";
const RULES_PATH: &str = "/etc/udev/rules.d/60-campanile.rules";
const MANUAL: &str = "/usr/local/share/man/man1/campanile.1";
const COMPLETIONS: &str = "/usr/local/share/bash-completion/completions/campanile";
/// Where the Debian package has its unit.
const PACKAGED_UNITS: [&str; 2] =
    ["/usr/lib/systemd/system/campanile.service", "/lib/systemd/system/campanile.service"];
/// Of an install that was broken off.
pub const UNFINISHED: Unfinished = Unfinished::new("/run/campanile-install");

/// What only the program that is installed knows.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The program.
    pub program: Vec<u8>,
    /// Its manual page.
    pub manual: Vec<u8>,
    /// Its completions for bash.
    pub completions: Vec<u8>,
}

/// The unit that the Debian package has put there; with one, the program, the user and the service are the package's.
///
/// # Errors
/// The tree cannot be looked at.
pub fn packaged_unit(place: &Place) -> io::Result<Option<&'static str>> {
    for unit in PACKAGED_UNITS {
        if place.has(unit)? {
            return Ok(Some(unit));
        }
    }
    Ok(None)
}

/// Whether there is a unit that an install of this program has written: one for the program that it puts there. One that the
/// owner wrote over the package's is for the package's program. A link is none: a package that was removed leaves one to
/// nothing there.
///
/// # Errors
/// The tree cannot be looked at.
pub fn is_ours(place: &Place) -> io::Result<bool> {
    if !place.has(UNIT_PATH)? || !place.path(UNIT_PATH)?.symlink_metadata()?.is_file() {
        return Ok(false);
    }
    let unit = place.read(UNIT_PATH)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&unit).contains(PROGRAM))
}

/// The unit for a program in this place.
fn unit() -> String {
    UNIT.replace(PACKAGED_PROGRAM, PROGRAM)
}

/// The files of a service, with a house if there is one to put there.
///
/// # Errors
/// The tree's groups cannot be read.
pub fn files(place: &Place, parts: Parts, house: Option<Vec<u8>>) -> io::Result<Vec<Step>> {
    let mut steps = Vec::new();
    let packaged = packaged_unit(place)?.is_some();
    if !packaged {
        let ours = |path, bytes: &[u8], mode| Step::File {
            path,
            bytes: bytes.to_vec(),
            mode,
            owner: Owner::Root,
            keep: false,
        };
        steps.extend([
            Step::Group(USER),
            Step::User { name: USER, home: STATE, comment: "Campanile" },
            // GPIO is this group's on Raspberry Pi OS, and by our rule everywhere.
            Step::Group("gpio"),
            Step::Member { user: USER, group: "gpio" },
        ]);
        for group in ["audio", "dialout"] {
            if accounts::group(place, group)?.is_some() {
                steps.push(Step::Member { user: USER, group });
            }
        }
        steps.extend([
            ours(PROGRAM, &parts.program, 0o755),
            ours(MANUAL, &parts.manual, 0o644),
            ours(COMPLETIONS, &parts.completions, 0o644),
            ours(RULES_PATH, RULES.as_bytes(), 0o644),
            Step::File {
                path: ENVIRONMENT_PATH,
                bytes: ENVIRONMENT.into(),
                mode: 0o640,
                owner: Owner::Root,
                keep: true,
            },
            Step::Directory { path: CONFIGURATION, mode: 0o750, owner: Owner::Group(USER) },
        ]);
    }
    if let Some(bytes) = house {
        steps.push(Step::File { path: HOUSE, bytes, mode: 0o640, owner: Owner::Group(USER), keep: true });
    }
    if !packaged {
        let unit = unit().into_bytes();
        steps.extend([
            Step::File { path: UNIT_PATH, bytes: unit, mode: 0o644, owner: Owner::Root, keep: false },
            Step::Link { path: WANTED, target: UNIT_PATH },
        ]);
    }
    Ok(steps)
}

/// What a running system has to be told behind [`files`].
pub fn begin(changed: bool, house: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    if changed {
        steps.extend([
            systemctl(vec!["daemon-reload"], ""),
            Step::Run { program: "udevadm", arguments: vec!["control", "--reload"], help: "" },
            Step::Run {
                program: "udevadm",
                arguments: vec!["trigger", "--subsystem-match=gpio", "--action=change"],
                help: "",
            },
        ]);
    }
    if house {
        // Started anew if it could be another one; one that runs as it should stays undisturbed.
        let verb = if changed { "restart" } else { "start" };
        let help = "; it does not run, and `journalctl -u campanile -n 30` says why";
        steps.push(systemctl(vec![verb, "campanile.service"], help));
        // A start that a condition of the unit forbids has not failed.
        steps.push(systemctl(vec!["is-active", "--quiet", "campanile.service"], help));
    }
    steps
}

/// What has to be gone; with `purge` also all that the owner and the service wrote. Beside a package, whose unit this is,
/// the machine starts that one from then on.
pub fn removal(packaged: Option<&'static str>, purge: bool) -> Vec<Step> {
    let mut steps = vec![packaged.map_or(Step::Gone(WANTED), |target| Step::Link { path: WANTED, target })];
    steps.extend([UNIT_PATH, RULES_PATH, COMPLETIONS, MANUAL, PROGRAM].map(Step::Gone));
    if purge {
        steps.extend([CONFIGURATION, ENVIRONMENT_PATH, STATE, LOGS].map(Step::Gone));
        steps.push(Step::NoUser(USER));
    }
    steps
}

/// The service of a running system ends, if there is one, before its files go.
///
/// # Errors
/// The tree cannot be looked at.
pub fn end(place: &Place) -> io::Result<Vec<Step>> {
    Ok(if is_ours(place)? { vec![systemctl(vec!["stop", "campanile.service"], "")] } else { Vec::new() })
}

/// A running system forgets the unit, once it is gone.
pub fn forget() -> Vec<Step> {
    vec![systemctl(vec!["daemon-reload"], "")]
}

const fn systemctl(arguments: Vec<&'static str>, help: &'static str) -> Step {
    Step::Run { program: "systemctl", arguments, help }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::step::carry_out;

    fn parts() -> Parts {
        Parts { program: b"program".into(), manual: b"manual".into(), completions: b"completions".into() }
    }

    fn written(steps: &[Step], wanted: &str) -> String {
        let bytes = steps.iter().find_map(|step| match step {
            Step::File { path, bytes, .. } if *path == wanted => Some(bytes.clone()),
            _ => None,
        });
        String::from_utf8(bytes.unwrap_or_else(|| panic!("{wanted} is not among {steps:?}"))).unwrap()
    }

    #[test]
    fn the_unit_names_the_program_and_the_house_that_are_installed() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        let steps = files(&place, parts(), Some(b"house".into())).unwrap();
        let unit = written(&steps, UNIT_PATH);
        assert!(unit.contains(&format!("\nExecStart={PROGRAM} run {HOUSE}\n")), "{unit}");
        assert!(unit.contains(&format!("\nExecReload={PROGRAM} reload\n")), "{unit}");
        assert!(!unit.contains(PACKAGED_PROGRAM), "{unit}");
        for directory in [STATE, LOGS] {
            let (parent, name) = directory.rsplit_once('/').unwrap();
            let key = if parent == "/var/lib" { "StateDirectory" } else { "LogsDirectory" };
            assert!(unit.contains(&format!("\n{key}={name}\n")), "{unit}");
        }
        assert_eq!(written(&steps, HOUSE), "house");
        assert_eq!(written(&steps, PROGRAM), "program");
    }

    #[test]
    fn groups_that_a_machine_has_not_are_not_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        place.write("/etc/group", b"audio:x:29:\n", 0o644, Owner::Root).unwrap();
        let steps = files(&place, parts(), None).unwrap();
        let member = |group| steps.contains(&Step::Member { user: USER, group });
        assert!(member("gpio") && member("audio") && !member("dialout"), "{steps:?}");
    }

    #[test]
    fn beside_the_package_only_the_house_is_put_there() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        place.write(PACKAGED_UNITS[1], UNIT.as_bytes(), 0o644, Owner::Root).unwrap();
        let steps = files(&place, parts(), Some(b"house".into())).unwrap();
        assert!(matches!(steps.as_slice(), [Step::File { path: HOUSE, .. }]), "{steps:?}");
    }

    #[test]
    fn what_stood_before_the_packages_service_can_go_and_leaves_that_one() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        for step in files(&place, parts(), None).unwrap() {
            if let Step::File { path, bytes, .. } = step {
                place.write(path, &bytes, 0o644, Owner::Root).unwrap();
            }
        }
        place.write(PACKAGED_UNITS[1], UNIT.as_bytes(), 0o644, Owner::Root).unwrap();
        assert!(is_ours(&place).unwrap());
        let packaged = packaged_unit(&place).unwrap();
        carry_out(&removal(packaged, false), &place, false, &mut |_, _| Ok(())).unwrap();
        assert!(!is_ours(&place).unwrap() && !place.has(PROGRAM).unwrap());
        assert_eq!(place.read(WANTED).unwrap().unwrap(), UNIT.as_bytes(), "the machine starts the package's");
        assert!(place.has(ENVIRONMENT_PATH).unwrap());
        place.write(UNIT_PATH, UNIT.as_bytes(), 0o644, Owner::Root).unwrap();
        assert!(!is_ours(&place).unwrap(), "the owner's, over the package's");
        std::fs::remove_file(place.path(UNIT_PATH).unwrap()).unwrap();
        std::os::unix::fs::symlink("/dev/null", place.path(UNIT_PATH).unwrap()).unwrap();
        assert!(!is_ours(&place).unwrap(), "that is a package's, which was removed");
    }

    #[test]
    fn what_is_put_there_is_gone_again_and_what_the_owner_wrote_only_with_purge() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        let (kept, purged) = (removal(None, false), removal(None, true));
        for step in files(&place, parts(), Some(b"house".into())).unwrap() {
            let (Step::File { path, .. } | Step::Directory { path, .. } | Step::Link { path, .. }) = step
            else {
                continue;
            };
            let below = |steps: &[Step]| {
                steps.iter().any(|step| matches!(step, Step::Gone(gone) if path.starts_with(gone)))
            };
            assert!(below(&purged), "{path} stays after a purge");
            let owners = path.starts_with(CONFIGURATION) || path == ENVIRONMENT_PATH;
            assert_eq!(below(&kept), !owners, "{path}");
        }
    }

    #[test]
    fn a_service_that_is_as_it_should_be_is_not_disturbed() {
        let words = |steps: Vec<Step>| steps.iter().map(ToString::to_string).collect::<Vec<_>>();
        let asked = "systemctl is-active --quiet campanile.service";
        assert_eq!(words(begin(false, true)), ["systemctl start campanile.service", asked]);
        assert_eq!(begin(false, false), []);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(end(&Place::new(dir.path()).unwrap()).unwrap(), [], "what is not there is not stopped");
        let anew = ["systemctl restart campanile.service".to_owned(), asked.to_owned()];
        assert!(words(begin(true, true)).ends_with(&anew));
    }
}
