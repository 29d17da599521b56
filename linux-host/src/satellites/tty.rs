//! Serial devices: opened for this program alone, and set to bytes as they are.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, major};
use rustix::io::Errno;
use rustix::termios::{ControlModes, OptionalActions, ioctl_tiocexcl, tcgetattr, tcsetattr};

/// The major numbers of pseudo-terminals.
const PSEUDO: std::ops::RangeInclusive<u32> = 136..=143;

/// Opens a device at this rate, eight bits, no parity, one stop bit, nothing translated.
pub(super) fn open(path: &Path, baud: u32) -> Result<OwnedFd, String> {
    let name = path.display();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
        Errno::NOENT => format!("there is no device {name}: is the board plugged in?"),
        Errno::ACCESS => format!(
            "this user may not open {name}: members of the group \"dialout\" may; `sudo usermod -aG dialout $USER` and \
             log in again"
        ),
        Errno::BUSY => format!("another program has {name}: stop it"),
        error => format!("{name}: {error}"),
    })?;
    let mut settings = tcgetattr(&fd).map_err(|_| format!("{name} is not a serial line"))?;
    claim(&fd, &name)?;
    settings.make_raw();
    settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    settings.control_modes -= ControlModes::CSTOPB | ControlModes::CRTSCTS;
    settings.set_speed(baud).map_err(|_| format!("{name} knows no {baud} baud"))?;
    tcsetattr(&fd, OptionalActions::Now, &settings).map_err(|error| format!("{name}: {error}"))?;
    Ok(fd)
}

/// Nobody else speaks over the line meanwhile: two programs would take each other's bytes. The lock ends with the program.
fn claim(fd: &OwnedFd, name: &std::path::Display<'_>) -> Result<(), String> {
    let busy = || {
        format!(
            "another program has {name}, perhaps another campanile: stop it, or give each a line of its own"
        )
    };
    flock(fd, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
        Errno::WOULDBLOCK => busy(),
        error => format!("{name}: {error}"),
    })?;
    // Who does not ask for the lock is refused by the kernel. A pseudo-terminal would go on refusing when this is gone.
    let is_pseudo = fstat(fd).is_ok_and(|stat| PSEUDO.contains(&major(stat.st_rdev)));
    if !is_pseudo {
        ioctl_tiocexcl(fd).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    #[test]
    fn what_is_no_serial_line_is_said_to_be_none() {
        let error = open(Path::new("/dev/null"), 115_200).unwrap_err();
        assert_eq!(error, "/dev/null is not a serial line");
    }

    #[test]
    fn one_line_has_one_program_at_a_time() {
        let other_end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&other_end).unwrap();
        unlockpt(&other_end).unwrap();
        let name = ptsname(&other_end, Vec::new()).unwrap().into_string().unwrap();
        let first = open(Path::new(&name), 115_200).unwrap();
        let second = open(Path::new(&name), 115_200).unwrap_err();
        assert!(second.contains(&format!("another program has {name}")), "{second}");
        drop(first);
        assert!(open(Path::new(&name), 115_200).is_ok(), "it is free again");
    }
}
