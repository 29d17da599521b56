//! A reverse SSH tunnel: a port of a server that is always on leads to this machine's SSH, wherever this machine is.
//!
//! The tunnel has a user and a key of its own, which may do nothing on the server but hold that one port, and it goes to
//! no server whose key is not known: it takes the ones that a person on this machine has accepted before.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::place::{Owner, Place};
use super::step::Step;
use super::unfinished::Unfinished;

/// The port of the first machine; each further one has the next but two, as the two between were for the monitor of
/// autossh, and stay free so that old and new tunnels go together.
pub const FIRST_PORT: u16 = 60_000;
/// From one machine to the next.
pub const PORT_STEP: u16 = 3;

const UNIT: &str = include_str!("../../service/campanile-tunnel.service");
/// What stands in the unit for a server and a port of one's own.
const TARGET: &str = "USER@HOST";
const PORT: &str = "60000";
const SSH_PORT: &str = "-p 22 ";

const USER: &str = "campanile-tunnel";
const HOME: &str = "/var/lib/campanile-tunnel";
const KEY: &str = "/var/lib/campanile-tunnel/id_ed25519";
/// The half of the key that the server gets.
pub const PUBLIC_KEY: &str = "/var/lib/campanile-tunnel/id_ed25519.pub";
const KNOWN_HOSTS: &str = "/var/lib/campanile-tunnel/known_hosts";
const UNIT_PATH: &str = "/etc/systemd/system/campanile-tunnel.service";
const WANTED: &str = "/etc/systemd/system/multi-user.target.wants/campanile-tunnel.service";
const SERVICE: &str = "campanile-tunnel.service";
/// Of an install that was broken off.
pub const UNFINISHED: Unfinished = Unfinished::new("/run/campanile-tunnel-install");

/// Where a tunnel leads from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The user on the server.
    pub user: String,
    /// The server: a name or a number.
    pub host: String,
}

impl Target {
    /// Reads `USER@HOST`.
    ///
    /// # Errors
    /// What is wrong with it; nothing gets through that SSH or systemd would take for something else.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not USER@HOST, such as pi@server.example");
        let (user, host) = text.split_once('@').ok_or_else(wrong)?;
        let plain = |part: &str, also: &[char]| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric() || also.contains(&c) && c != '-' && c != '.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(&c))
        };
        if plain(user, &['.', '-', '_']) && plain(host, &['.', '-', ':']) {
            Ok(Self { user: user.to_owned(), host: host.to_owned() })
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.host)
    }
}

/// A tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// From where.
    pub target: Target,
    /// The server's port for this machine.
    pub port: u16,
    /// The server's port for SSH.
    pub ssh_port: u16,
}

impl Tunnel {
    /// Its unit.
    pub fn unit(&self) -> String {
        let target = self.target.to_string();
        UNIT.replace(SSH_PORT, &format!("-p {} ", self.ssh_port))
            .replace(PORT, &self.port.to_string())
            .replace(TARGET, &target)
    }

    /// How SSH calls the server in lists of known keys.
    fn known_as(&self) -> String {
        match self.ssh_port {
            22 => self.target.host.clone(),
            port => format!("[{}]:{port}", self.target.host),
        }
    }

    /// The lines of a list of known keys that are the server's; empty if it has none.
    pub fn known_keys(&self, list: &Path) -> Vec<u8> {
        let mut command = Command::new("ssh-keygen");
        command.arg("-F").arg(self.known_as()).arg("-f").arg(list).stdin(Stdio::null());
        // Without the list, without the server in it and without the program there is nothing.
        let found = command.output().map(|output| output.stdout).unwrap_or_default();
        let lines = found.split_inclusive(|byte| *byte == b'\n');
        lines.filter(|line| !line.starts_with(b"#")).collect::<Vec<_>>().concat()
    }

    /// What to do so that the server's key is known.
    pub fn unknown(&self) -> String {
        let Self { target, ssh_port, .. } = self;
        format!(
            "nobody here knows the key of {} yet, and a tunnel to a stranger leads anybody in: log in once with `ssh -p \
             {ssh_port} {target}`, compare the fingerprint that it shows with the server's own (there: `ssh-keygen -lf \
             /etc/ssh/ssh_host_ed25519_key.pub`), then run this again",
            target.host
        )
    }

    /// All that there has to be, with the server's keys.
    pub fn files(&self, known_keys: Vec<u8>, node: &str) -> Vec<Step> {
        let own = Owner::User(USER);
        let file = |path, bytes, mode, owner| Step::File { path, bytes, mode, owner, keep: false };
        vec![
            Step::Group(USER),
            Step::User { name: USER, home: HOME, comment: "Campanile's tunnel" },
            Step::Directory { path: HOME, mode: 0o700, owner: own },
            Step::Key { path: KEY, comment: format!("campanile-tunnel@{node}"), owner: own },
            file(KNOWN_HOSTS, known_keys, 0o644, own),
            file(UNIT_PATH, self.unit().into_bytes(), 0o644, Owner::Root),
            Step::Link { path: WANTED, target: UNIT_PATH },
        ]
    }

    /// The line for the server that lets this key hold this port, and nothing else: no command, no other way.
    pub fn authorization(&self, public_key: &str) -> String {
        format!(
            "restrict,port-forwarding,permitlisten=\"localhost:{}\",permitopen=\"localhost:1\",command=\"/bin/false\" {}",
            self.port,
            public_key.trim()
        )
    }
}

/// What a running system has to be told behind [`Tunnel::files`].
pub fn begin(changed: bool) -> Vec<Step> {
    let help = "; `journalctl -u campanile-tunnel -n 30` says why";
    let mut steps = Vec::new();
    if changed {
        steps.push(Step::Run { program: "systemctl", arguments: vec!["daemon-reload"], help: "" });
    }
    let verb = if changed { "restart" } else { "start" };
    steps.push(Step::Run { program: "systemctl", arguments: vec![verb, SERVICE], help });
    steps
}

/// Whether there is a tunnel.
///
/// # Errors
/// The tree cannot be looked at.
pub fn is_there(place: &Place) -> io::Result<bool> {
    place.has(UNIT_PATH)
}

/// The tunnel of a running system ends, if there is one, before its files go.
///
/// # Errors
/// The tree cannot be looked at.
pub fn end(place: &Place) -> io::Result<Vec<Step>> {
    let stop = Step::Run { program: "systemctl", arguments: vec!["stop", SERVICE], help: "" };
    Ok(is_there(place)?.then_some(stop).into_iter().collect())
}

/// What has to be gone, the key too: the line on the server is worth nothing then.
pub fn removal() -> Vec<Step> {
    vec![Step::Gone(WANTED), Step::Gone(UNIT_PATH), Step::Gone(HOME), Step::NoUser(USER)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnel(ssh_port: u16) -> Tunnel {
        Tunnel { target: Target::parse("anna@server.example").unwrap(), port: 60_003, ssh_port }
    }

    #[test]
    fn nothing_gets_into_the_unit_that_is_no_name() {
        for right in ["pi@server.example", "a_b-c.d@10.0.0.1", "x@fe80::1", "x@::1"] {
            assert_eq!(Target::parse(right).unwrap().to_string(), right);
        }
        for wrong in [
            "",
            "server",
            "@server",
            "pi@",
            "-oProxyCommand=x@y",
            "pi@-x",
            "pi@a b",
            "pi@a\nUser=root",
            "pi@a%h",
            "a@b@c",
            "pi@$X",
            "pi@a;b",
            "pi@.",
            ".@a",
        ] {
            assert!(Target::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_unit_is_for_this_server_and_this_port_alone() {
        let unit = tunnel(2222).unit();
        assert!(
            unit.contains(" -p 2222 ")
                && unit.contains("-R localhost:60003:localhost:22 -- anna@server.example\n")
        );
        for left in [TARGET, PORT, SSH_PORT] {
            assert!(!unit.contains(left), "{left} is left in {unit}");
        }
        assert!(tunnel(22).unit().contains(" -p 22 "));
    }

    #[test]
    fn the_server_lets_the_key_hold_the_port_and_nothing_else() {
        let line = tunnel(22).authorization("ssh-ed25519 AAAA campanile-tunnel@porch\n");
        let (options, key) = line.split_once(' ').unwrap();
        assert_eq!(key, "ssh-ed25519 AAAA campanile-tunnel@porch");
        assert!(
            options.starts_with("restrict,port-forwarding,permitlisten=\"localhost:60003\","),
            "{options}"
        );
        assert!(options.ends_with(",command=\"/bin/false\""), "{options}");
    }

    #[test]
    fn a_server_on_another_port_is_known_by_another_name() {
        assert_eq!(tunnel(22).known_as(), "server.example");
        assert_eq!(tunnel(2222).known_as(), "[server.example]:2222");
        assert!(tunnel(22).known_keys(Path::new("/no/such/list")).is_empty());
    }
}
