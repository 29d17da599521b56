//! Serial devices: found by their USB id, and set to bytes as they are.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};

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
        Errno::BUSY => format!("{name} is busy: stop the program that has it"),
        error => format!("{name}: {error}"),
    })?;
    let mut settings = tcgetattr(&fd).map_err(|_| format!("{name} is no serial line"))?;
    settings.make_raw();
    settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    settings.control_modes -= ControlModes::CSTOPB | ControlModes::CRTSCTS;
    settings.set_speed(baud).map_err(|_| format!("{name} knows no {baud} baud"))?;
    tcsetattr(&fd, OptionalActions::Now, &settings).map_err(|error| format!("{name}: {error}"))?;
    Ok(fd)
}

/// The serial device with a USB id; the first by its name.
pub(super) fn find(vendor: u16, product: u16) -> Option<PathBuf> {
    find_in(Path::new("/sys/class/tty"), vendor, product).map(|name| Path::new("/dev").join(name))
}

fn find_in(class: &Path, vendor: u16, product: u16) -> Option<String> {
    let entries = fs::read_dir(class).ok()?;
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names.into_iter().find(|name| {
        // The interface of the device, or below it: a converter's port is a device of its own.
        let Ok(device) = fs::canonicalize(class.join(name).join("device")) else { return false };
        let id = |file| device.ancestors().take(4).find_map(|folder| number(&folder.join(file)));
        (id("idVendor"), id("idProduct")) == (Some(vendor), Some(product))
    })
}

fn number(file: &Path) -> Option<u16> {
    u16::from_str_radix(fs::read_to_string(file).ok()?.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_found_by_its_usb_id() {
        let folder = tempfile::tempdir().unwrap();
        let usb = folder.path().join("usb1/1-1");
        fs::create_dir_all(usb.join("1-1:1.1")).unwrap();
        fs::write(usb.join("idVendor"), "0d28\n").unwrap();
        fs::write(usb.join("idProduct"), "0204\n").unwrap();
        let class = folder.path().join("class");
        fs::create_dir_all(class.join("ttyACM0")).unwrap();
        fs::create_dir_all(class.join("ttyS0")).unwrap();
        std::os::unix::fs::symlink(usb.join("1-1:1.1"), class.join("ttyACM0/device")).unwrap();
        assert_eq!(find_in(&class, 0x0d28, 0x0204), Some("ttyACM0".to_owned()));
        assert_eq!(find_in(&class, 0x0d28, 0x0205), None);
    }
}
