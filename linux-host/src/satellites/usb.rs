//! Serial devices by their USB ids, and by their serial numbers where several have the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::scalar::UsbId;

/// Where the kernel lists serial devices.
const CLASS: &str = "/sys/class/tty";

/// The serial device with this id.
///
/// # Errors
/// None is plugged in, or several are: which, and how to name one.
pub(super) fn find(id: &UsbId) -> Result<PathBuf, String> {
    find_in(Path::new(CLASS), id).map(|name| Path::new("/dev").join(name))
}

/// A device that is plugged in.
struct Found {
    /// Of its first serial line.
    name: String,
    serial: Option<String>,
}

fn find_in(class: &Path, id: &UsbId) -> Result<String, String> {
    let mut found = all(class, id);
    match found.len() {
        0 => Err(format!("no serial device with the USB id {id} is plugged in{}", others(class, id))),
        1 => Ok(found.swap_remove(0).name),
        _ => Err(several(id, &found)),
    }
}

/// Those with this id. A device with several lines is one, and its first line is taken.
fn all(class: &Path, id: &UsbId) -> Vec<Found> {
    let entries = fs::read_dir(class).into_iter().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    // ttyACM10 stands behind ttyACM9.
    names.sort_by_key(|name| (name.len(), name.clone()));
    let mut devices = BTreeMap::new();
    for name in names {
        // The interface of the device, or below it: a converter's port is a device of its own.
        let Ok(interface) = fs::canonicalize(class.join(&name).join("device")) else { continue };
        let Some(device) = interface.ancestors().take(4).find(|folder| folder.join("idVendor").exists())
        else {
            continue;
        };
        let serial = text(&device.join("serial"));
        let is_it = (number(&device.join("idVendor")), number(&device.join("idProduct")))
            == (Some(id.vendor), Some(id.product))
            && (id.serial.is_none() || id.serial == serial);
        if is_it {
            devices.entry(device.to_owned()).or_insert(Found { name, serial });
        }
    }
    devices.into_values().collect()
}

/// If it is for the serial number that nothing is found: what there is.
fn others(class: &Path, id: &UsbId) -> String {
    let like = UsbId { serial: None, ..id.clone() };
    let found = if id.serial.is_some() { all(class, &like) } else { Vec::new() };
    if found.is_empty() { String::new() } else { format!("; there is {}", names(&found)) }
}

fn several(id: &UsbId, found: &[Found]) -> String {
    let told_apart = id.serial.is_none() && found.iter().all(|device| device.serial.is_some());
    let advice = match found.first().and_then(|device| device.serial.clone()).filter(|_| told_apart) {
        Some(serial) => {
            let one = UsbId { serial: Some(serial), ..id.clone() };
            format!("say which by its serial number, such as port = \"usb:{one}\"")
        }
        None => "their serial numbers do not tell them apart: say which by where it is plugged in, with a path of \
                 /dev/serial/by-path"
            .to_owned(),
    };
    format!("{} serial devices have the USB id {id}: {}; {advice}", found.len(), names(found))
}

fn names(found: &[Found]) -> String {
    let name = |Found { name, serial }: &Found| match serial {
        Some(serial) => format!("/dev/{name} with the serial number {serial}"),
        None => format!("/dev/{name} without a serial number"),
    };
    found.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn text(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn number(file: &Path) -> Option<u16> {
    u16::from_str_radix(&text(file)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Devices of one kind, each with its lines and its serial number.
    fn plugged(devices: &[(&[&str], Option<&str>)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let class = folder.path().join("class");
        fs::create_dir_all(class.join("ttyS0")).unwrap();
        for (n, (lines, serial)) in devices.iter().enumerate() {
            let usb = folder.path().join(format!("usb1/1-{n}"));
            for (m, line) in lines.iter().enumerate() {
                let interface = usb.join(format!("1-{n}:1.{m}"));
                fs::create_dir_all(&interface).unwrap();
                fs::create_dir_all(class.join(line)).unwrap();
                std::os::unix::fs::symlink(interface, class.join(line).join("device")).unwrap();
            }
            fs::write(usb.join("idVendor"), "0d28\n").unwrap();
            fs::write(usb.join("idProduct"), "0204\n").unwrap();
            if let Some(serial) = serial {
                fs::write(usb.join("serial"), format!("{serial}\n")).unwrap();
            }
        }
        (folder, class)
    }

    fn id(product: u16, serial: Option<&str>) -> UsbId {
        UsbId { vendor: 0x0d28, product, serial: serial.map(str::to_owned) }
    }

    #[test]
    fn a_device_is_found_by_its_usb_id_and_by_its_first_line() {
        let (_folder, class) = plugged(&[(&["ttyACM10", "ttyACM9"], None)]);
        assert_eq!(find_in(&class, &id(0x0204, None)), Ok("ttyACM9".to_owned()));
        let none = find_in(&class, &id(0x0205, None)).unwrap_err();
        assert_eq!(none, "no serial device with the USB id 0d28:0205 is plugged in");
    }

    #[test]
    fn of_several_of_one_kind_the_serial_number_says_which() {
        let (_folder, class) = plugged(&[(&["ttyACM0"], Some("99a")), (&["ttyACM1"], Some("99b"))]);
        assert_eq!(find_in(&class, &id(0x0204, Some("99b"))), Ok("ttyACM1".to_owned()));
        let several = find_in(&class, &id(0x0204, None)).unwrap_err();
        for words in
            ["2 serial devices", "/dev/ttyACM0 with the serial number 99a", "port = \"usb:0d28:0204:99a\""]
        {
            assert!(several.contains(words), "{several}");
        }
        let other = find_in(&class, &id(0x0204, Some("99c"))).unwrap_err();
        assert!(other.contains("0d28:0204:99c is plugged in; there is /dev/ttyACM0 with"), "{other}");
    }

    #[test]
    fn without_serial_numbers_that_tell_it_is_the_place_that_does() {
        for serial in [Some("1"), None] {
            let (_folder, class) = plugged(&[(&["ttyACM0"], serial), (&["ttyACM1"], serial)]);
            let several = find_in(&class, &id(0x0204, serial)).unwrap_err();
            assert!(several.contains("/dev/serial/by-path"), "{several}");
        }
    }
}
