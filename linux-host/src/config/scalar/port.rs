//! Where a serial line is.

use std::fmt;
use std::path::PathBuf;

use super::{Wrong, text};

/// The place of a serial line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SerialPort {
    /// A device.
    Device(PathBuf),
    /// The serial device with this USB id.
    Usb(UsbId),
    /// Behind HOST:PORT.
    Tcp(String),
}

/// What tells a USB device from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbId {
    /// Of the vendor.
    pub vendor: u16,
    /// Of the product.
    pub product: u16,
    /// Which of those it is; `None` for the only one.
    pub serial: Option<String>,
}

impl UsbId {
    /// `0d28:0204` or `0d28:0204:9904360254`.
    fn parse(text: &str) -> Option<Self> {
        let number = |digits: &str| u16::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 4);
        let mut parts = text.splitn(3, ':');
        let (vendor, product) = (number(parts.next()?)?, number(parts.next()?)?);
        let serial = parts.next().map(str::to_owned);
        // As the kernel has it: what it cannot be read by would never be found.
        let is_one = |serial: &String| !serial.is_empty() && serial.trim() == serial;
        serial.iter().all(is_one).then_some(Self { vendor, product, serial })
    }
}

impl fmt::Display for UsbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.product)?;
        self.serial.iter().try_for_each(|serial| write!(f, ":{serial}"))
    }
}

impl SerialPort {
    fn parse(text: &str) -> Result<Self, Wrong> {
        if let Some(id) = text.strip_prefix("usb:") {
            return UsbId::parse(id).map(Self::Usb).ok_or_else(|| {
                let help = "four and four hexadecimal digits, such as \"usb:0d28:0204\", and behind another colon the \
                            device's serial number if there are several; `lsusb -v` lists them";
                Wrong::new(format!("\"{text}\" is not a valid USB ID"), help)
            });
        }
        if let Some(address) = text.strip_prefix("tcp://") {
            let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
            return match port.and_then(|(_, port)| port.parse::<u16>().ok()) {
                Some(port) if port > 0 => Ok(Self::Tcp(address.to_owned())),
                _ => {
                    let help = "host and port, such as \"tcp://192.168.1.7:4321\"";
                    Err(Wrong::new(format!("\"{text}\" is not a valid address"), help))
                }
            };
        }
        if text.starts_with('/') && !text.ends_with('/') {
            return Ok(Self::Device(text.into()));
        }
        let help = if text.starts_with("tty") {
            format!("with its whole path: \"/dev/{text}\"")
        } else {
            "the path of a device such as \"/dev/ttyACM0\", \"usb:0d28:0204\" for the one with this USB id, or \
             \"tcp://HOST:PORT\""
                .to_owned()
        };
        Err(Wrong::new(format!("\"{text}\" is not a serial line"), help))
    }
}

/// As the file has it.
impl fmt::Display for SerialPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(path) => write!(f, "{}", path.display()),
            Self::Usb(id) => write!(f, "usb:{id}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

text!(SerialPort, "a serial line", {
    "type": "string", "pattern": "^(/.*|usb:[0-9a-fA-F]{4}:[0-9a-fA-F]{4}(:.+)?|tcp://.+:[0-9]+)$"
}, Self::parse);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_read_as_the_documentation_says_and_are_written_so() {
        let usb = |serial: Option<&str>| {
            let serial = serial.map(str::to_owned);
            SerialPort::Usb(UsbId { vendor: 0x0d28, product: 0x0204, serial })
        };
        for (text, port) in [
            ("/dev/ttyACM0", SerialPort::Device("/dev/ttyACM0".into())),
            ("usb:0d28:0204", usb(None)),
            ("usb:0d28:0204:9904 a:b", usb(Some("9904 a:b"))),
            ("tcp://[::1]:5", SerialPort::Tcp("[::1]:5".into())),
        ] {
            assert_eq!(SerialPort::parse(text), Ok(port.clone()));
            assert_eq!(port.to_string(), text);
        }
        for wrong in [
            "COM3",
            "ttyACM0",
            "/dev/",
            "usb:0d28",
            "usb:microbit:1",
            "usb:d28:204",
            "usb:0d28:0204:",
            "tcp://:5",
            "tcp://a",
        ] {
            assert!(SerialPort::parse(wrong).is_err(), "{wrong}");
        }
    }
}
