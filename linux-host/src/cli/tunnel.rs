//! `campanile tunnel USER@HOST`: a way to this machine from outside, over a server that is always on.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Failure;
use super::install::How;
use crate::install::accounts;
use crate::install::place::Place;
use crate::install::service;
use crate::install::tunnel::{self, FIRST_PORT, PORT_STEP, PUBLIC_KEY, Target, Tunnel};

/// Arguments of `tunnel`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile tunnel anna@server.example\n\
    Example: sudo campanile tunnel anna@server.example --port 60003 --install\n\
    Example: sudo campanile tunnel --remove\n\n\
    Prints the unit of a service that keeps a reverse SSH tunnel open. --install installs it, with its own user and \
    key, and shows what to do on the server. Then, on the server: ssh -p 60003 pi@localhost. The port is on the \
    server, on its loopback interface only: 60000 for the first machine, and three more for each further one. The host key of the \
    server must be known already, from a login; an unknown server is refused.")]
pub(super) struct Args {
    /// User and host name of the server
    #[arg(value_name = "USER@HOST", value_parser = Target::parse, required_unless_present = "remove")]
    target: Option<Target>,
    /// The port on the server that leads to this machine: 60000, 60003, 60006, ...
    #[arg(long, value_name = "PORT", default_value_t = FIRST_PORT, value_parser = clap::value_parser!(u16).range(1024..))]
    port: u16,
    /// The SSH port of the server
    #[arg(long, value_name = "PORT", default_value_t = 22, value_parser = clap::value_parser!(u16).range(1..))]
    ssh_port: u16,
    /// Look up the server's host key in this file, instead of the files of this user, root and the system
    #[arg(long, value_name = "FILE")]
    known_hosts: Option<PathBuf>,
    /// Install the tunnel: user, key and service
    #[arg(long)]
    install: bool,
    /// Remove the tunnel and its key
    #[arg(long, conflicts_with_all = ["target", "install"])]
    remove: bool,
    #[command(flatten)]
    how: How,
}

/// Prints it, makes it work, or takes it away.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    let Some(target) = args.target else {
        let place = args.how.place("tunnel --remove")?;
        if place.has_systemd() {
            args.how.carry_out(&tunnel::end(&place)?, &place)?;
        }
        let forget = |changed| if changed { service::forget() } else { Vec::new() };
        return args.how.establish(&place, tunnel::UNFINISHED, &tunnel::removal(), forget);
    };
    let tunnel = Tunnel { target, port: args.port, ssh_port: args.ssh_port };
    if !args.install {
        return Ok(io::stdout().write_all(tunnel.unit().as_bytes())?);
    }
    let place = args.how.place(&format!("tunnel {} --install", tunnel.target))?;
    let lists = args.known_hosts.map_or_else(|| known_hosts(&place), |file| vec![file]);
    let known = lists.iter().map(|list| tunnel.known_keys(list)).find(|keys| !keys.is_empty());
    let known = known.ok_or_else(|| Failure::Says(tunnel.unknown()))?;
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    args.how.establish(&place, tunnel::UNFINISHED, &tunnel.files(known, &node), tunnel::begin)?;
    say(&tunnel, &place)
}

/// What is left to do, on the server.
fn say(tunnel: &Tunnel, place: &Place) -> Result<(), Failure> {
    let mut err = io::stderr().lock();
    let Tunnel { target, port, .. } = tunnel;
    if let Some(key) = place.read(PUBLIC_KEY)? {
        let line = tunnel.authorization(&String::from_utf8_lossy(&key));
        writeln!(err, "on {}, add this line to ~{}/.ssh/authorized_keys:\n{line}", target.host, target.user)?;
    }
    writeln!(err, "then, from there: ssh -p {port} USER-OF-THIS-MACHINE@localhost")?;
    if *port < FIRST_PORT || !(port - FIRST_PORT).is_multiple_of(PORT_STEP) {
        writeln!(
            err,
            "port {port} is not one of 60000, 60003, 60006, ...: see that no other machine takes it"
        )?;
    }
    Ok(())
}

/// The lists of keys that somebody has accepted: of the person behind sudo, of this user, and of the system.
fn known_hosts(place: &Place) -> Vec<PathBuf> {
    let person = std::env::var("SUDO_USER").ok().and_then(|name| accounts::home(place, &name).ok()?);
    let own = std::env::var_os("HOME").map(PathBuf::from);
    let homes = person.into_iter().chain(own).map(|home| home.join(".ssh/known_hosts"));
    homes.chain([Path::new("/etc/ssh/ssh_known_hosts").to_owned()]).collect()
}
