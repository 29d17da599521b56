//! A satellite's line: a device, found by its path or its USB id, or a TCP port with a board behind it.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;

use super::{tty, usb};
use crate::config::scalar::SerialPort;

/// A machine that does not answer a connection in this time is not there.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a line that cannot be had is left alone at the most. To look for a device costs next to nothing, and who puts a cable
/// in waits; what answers at an address may be far away.
pub(super) const fn longest_pause(port: &SerialPort) -> Duration {
    match port {
        SerialPort::Device(_) | SerialPort::Usb(_) => Duration::from_secs(2),
        SerialPort::Tcp(_) => Duration::from_secs(30),
    }
}

/// Opens a serial line at this rate; an error says what to do.
pub(super) fn open(port: &SerialPort, baud: u32) -> Result<Port, String> {
    match port {
        SerialPort::Device(path) => tty::open(path, baud).map(Port),
        SerialPort::Usb(id) => tty::open(&usb::find(id)?, baud).map(Port),
        SerialPort::Tcp(address) => connect(address).map(Port).map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => format!("nobody listens at {address}"),
            _ => format!("{address}: {error}"),
        }),
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
