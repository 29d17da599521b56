//! Where a satellite's line is: a device, found by its path or its USB id, or a TCP port with a board behind it.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;

use super::tty;

/// A machine that does not answer a connection in this time is not there.
const PATIENCE: Duration = Duration::from_secs(3);

/// What `port` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PortSpec {
    Device { path: PathBuf, baud: u32 },
    Usb { vendor: u16, product: u16, baud: u32 },
    Tcp { address: String },
}

impl PortSpec {
    /// Reads it; an error says what it could be.
    pub(super) fn parse(text: &str, baud: u32) -> Result<Self, String> {
        if let Some(address) = text.strip_prefix("tcp://") {
            return Ok(Self::Tcp { address: address.to_owned() });
        }
        if let Some(id) = text.strip_prefix("usb:") {
            let number = |text| u16::from_str_radix(text, 16).ok();
            let ids =
                id.split_once(':').and_then(|(vendor, product)| Some((number(vendor)?, number(product)?)));
            let (vendor, product) = ids.ok_or_else(|| {
                format!("port = \"{text}\" is no USB id: four and four hexadecimal digits, such as \"usb:0d28:0204\" (`lsusb` lists them)")
            })?;
            return Ok(Self::Usb { vendor, product, baud });
        }
        if text.starts_with('/') {
            return Ok(Self::Device { path: text.into(), baud });
        }
        Err(format!(
            "port = \"{text}\" is neither the path of a device, nor \"usb:VVVV:PPPP\", nor \"tcp://HOST:PORT\""
        ))
    }

    /// Opens it; an error says what to do.
    pub(super) fn open(&self) -> Result<Port, String> {
        match self {
            Self::Device { path, baud } => tty::open(path, *baud).map(Port),
            Self::Usb { vendor, product, baud } => {
                let path = tty::find(*vendor, *product).ok_or_else(|| {
                    format!("no serial device with the USB id {vendor:04x}:{product:04x} is plugged in")
                })?;
                tty::open(&path, *baud).map(Port)
            }
            Self::Tcp { address } => {
                connect(address).map_err(|error| format!("{address}: {error}")).map(Port)
            }
        }
    }
}

fn connect(address: &str) -> io::Result<OwnedFd> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no such address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                return Ok(stream.into());
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// An open line; never blocks.
pub(super) struct Port(OwnedFd);

impl Port {
    /// Reads what has come; nothing if nothing has.
    pub(super) fn read(&self, buf: &mut [u8]) -> Result<usize, String> {
        match rustix::io::read(&self.0, buf) {
            Ok(0) => Err("it was unplugged, or the other end has closed".to_owned()),
            Ok(len) => Ok(len),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Sends as much as the line takes now.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<usize, String> {
        match rustix::io::write(&self.0, bytes) {
            Ok(len) => Ok(len),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_read_as_the_documentation_says() {
        let device = PortSpec::Device { path: "/dev/ttyACM0".into(), baud: 9600 };
        assert_eq!(PortSpec::parse("/dev/ttyACM0", 9600), Ok(device));
        let usb = PortSpec::Usb { vendor: 0x0d28, product: 0x0204, baud: 115_200 };
        assert_eq!(PortSpec::parse("usb:0d28:0204", 115_200), Ok(usb));
        assert_eq!(PortSpec::parse("tcp://[::1]:5", 1), Ok(PortSpec::Tcp { address: "[::1]:5".into() }));
        for wrong in ["COM3", "usb:0d28", "usb:microbit:1"] {
            assert!(PortSpec::parse(wrong, 1).unwrap_err().contains(wrong));
        }
    }
}
