//! A cable between a daemon and a board: a pseudo-terminal, which the daemon opens by a name as it does a serial device,
//! with faults on the way.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A byte may be late by so much: longer than either end waits for an acknowledgement.
const HELD_UP: Duration = Duration::from_millis(700);

/// See the [module](self).
pub(crate) struct Cable {
    folder: tempfile::TempDir,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Between the test and the thread.
#[derive(Default)]
struct Shared {
    bad: AtomicBool,
    unplug: AtomicBool,
    end: AtomicBool,
    /// How many bytes were hit.
    faults: AtomicUsize,
}

impl Cable {
    /// To the board behind this port.
    pub(crate) fn to(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shared = Arc::<Shared>::default();
        let wire =
            Wire { device: plug(&name(folder.path())), board: None, port, random: 0x2545_f491_4f6c_dd1d };
        let (path, theirs) = (name(folder.path()), shared.clone());
        let thread = std::thread::spawn(move || wire.carry(&path, &theirs));
        Self { folder, shared, thread: Some(thread) }
    }

    /// The device, by its name.
    pub(crate) fn path(&self) -> PathBuf {
        name(self.folder.path())
    }

    /// From here on bytes are lost, doubled, swapped, corrupted, held up and cut off.
    pub(crate) fn spoil(&self) {
        self.shared.bad.store(true, Ordering::Relaxed);
    }

    /// How many bytes were hit so far.
    pub(crate) fn faults(&self) -> usize {
        self.shared.faults.load(Ordering::Relaxed)
    }

    /// The device goes, and comes back under the same name.
    pub(crate) fn unplug(&self) {
        self.shared.unplug.store(true, Ordering::Relaxed);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.shared.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn name(folder: &Path) -> PathBuf {
    folder.join("ttyPORCH")
}

/// A new device under this name; this end of it.
fn plug(name: &Path) -> OwnedFd {
    // A daemon that inherits this end would hold the device itself.
    let device = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&device).unwrap();
    unlockpt(&device).unwrap();
    fcntl_setfl(&device, OFlags::RDWR | OFlags::NONBLOCK).unwrap();
    let other_end = ptsname(&device, Vec::new()).unwrap().into_string().unwrap();
    let _ = std::fs::remove_file(name);
    std::os::unix::fs::symlink(other_end, name).unwrap();
    device
}

struct Wire {
    device: OwnedFd,
    board: Option<TcpStream>,
    port: u16,
    random: u64,
}

impl Wire {
    fn carry(mut self, name: &Path, shared: &Shared) {
        while !shared.end.load(Ordering::Relaxed) {
            if shared.unplug.swap(false, Ordering::Relaxed) {
                self.device = plug(name);
            }
            if self.board.is_none() {
                self.board = TcpStream::connect(("127.0.0.1", self.port)).ok();
                self.board.iter().for_each(|board| board.set_nonblocking(true).unwrap());
            }
            let mut bytes = [0; 512];
            // Without anybody at the other end it is an error.
            if let Ok(len) = rustix::io::read(&self.device, &mut bytes) {
                let bytes = self.mangled(&bytes[..len], shared);
                if self.board.as_mut().is_some_and(|board| board.write_all(&bytes).is_err()) {
                    self.board = None;
                }
            }
            match self.board.as_mut().map(|board| board.read(&mut bytes)) {
                Some(Ok(len)) if len > 0 => {
                    let bytes = self.mangled(&bytes[..len], shared);
                    // What the line does not take is lost, as on any line.
                    let _ = rustix::io::write(&self.device, &bytes);
                }
                Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => {}
                _ => self.board = None,
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// One byte of a thousand is hit, so that a frame of the longest gets through more often than not.
    fn mangled(&mut self, bytes: &[u8], shared: &Shared) -> Vec<u8> {
        if !shared.bad.load(Ordering::Relaxed) {
            return bytes.to_vec();
        }
        let mut mangled = Vec::new();
        let mut bytes = bytes.iter().copied();
        while let Some(byte) = bytes.next() {
            // Marsaglia's xorshift.
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            let fault = self.random % 6_000;
            shared.faults.fetch_add(usize::from(fault < 6), Ordering::Relaxed);
            match fault {
                0 => {}
                1 => mangled.extend([byte, byte]),
                2 => mangled.push(byte ^ 0x10),
                3 => break,
                4 => mangled.extend(bytes.next().into_iter().chain([byte])),
                5 => {
                    // All that comes behind it is as late.
                    std::thread::sleep(HELD_UP);
                    mangled.push(byte);
                }
                _ => mangled.push(byte),
            }
        }
        mangled
    }
}
