//! Under a service manager: what it is told, and what it is not told of a loop that hangs.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::ptr::null_mut;
use std::time::{Duration, Instant};

use libc::c_void;
use rustix::process::Signal;

use crate::running::{HOUSE, PATIENCE, Running, Workplace};

/// How often a sign of life is due at the least.
const WATCHDOG: Duration = Duration::from_millis(400);

/// What a service manager hears.
struct Manager(UnixDatagram);

impl Manager {
    fn start(place: &Workplace) -> (Self, Running<'_>) {
        let path = place.path("notify");
        let manager = Self(UnixDatagram::bind(&path).unwrap());
        let running = Running::start_with(place, |command| {
            command.env("NOTIFY_SOCKET", path).env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        });
        (manager, running)
    }

    /// The next word within a time; nothing if there is none.
    fn hears(&self, within: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(within)).unwrap();
        let mut word = [0; 256];
        match self.0.recv(&mut word) {
            Ok(len) => Some(String::from_utf8_lossy(&word[..len]).trim().to_owned()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn waits_for(&self, wanted: &str) {
        while self.hears(PATIENCE).unwrap_or_else(|| panic!("never heard {wanted}")) != wanted {}
    }
}

/// A thread that stands still, while all others of its process go on, until this is dropped or its maker ends.
struct Frozen(libc::pid_t);

impl Frozen {
    fn thread(process: u32, name: &str) -> Self {
        let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap().map(|task| task.unwrap().path());
        let is = |task: &std::path::PathBuf| {
            fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name)
        };
        let task = tasks.filter(is).collect::<Vec<_>>().pop().unwrap_or_else(|| panic!("no thread {name}"));
        let thread: libc::pid_t = task.file_name().unwrap().to_str().unwrap().parse().unwrap();
        for request in [libc::PTRACE_SEIZE, libc::PTRACE_INTERRUPT] {
            // SAFETY: neither request reads or writes memory of ours; they concern a child's thread.
            let done = unsafe { libc::ptrace(request, thread, null_mut::<c_void>(), null_mut::<c_void>()) };
            assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
        }
        let mut status = 0;
        // SAFETY: the status is valid for the call.
        assert_eq!(unsafe { libc::waitpid(thread, &raw mut status, libc::__WALL) }, thread);
        Self(thread)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // SAFETY: the request reads and writes no memory of ours; if the thread is gone, it fails, and that is all right.
        unsafe { libc::ptrace(libc::PTRACE_DETACH, self.0, null_mut::<c_void>(), null_mut::<c_void>()) };
    }
}

#[test]
fn a_service_manager_hears_of_every_change() {
    let place = Workplace::new(HOUSE);
    let (manager, running) = Manager::start(&place);
    manager.waits_for("READY=1");
    running.signal(Signal::HUP);
    manager.waits_for("RELOADING=1");
    manager.waits_for("READY=1");
    assert_eq!(running.stop(), Some(0));
    manager.waits_for("STOPPING=1");
}

#[test]
fn a_loop_that_hangs_gives_no_sign_of_life() {
    let place = Workplace::new(HOUSE);
    let (manager, running) = Manager::start(&place);
    for _ in 0..3 {
        manager.waits_for("WATCHDOG=1");
    }
    let frozen = Frozen::thread(running.id(), "campanile-loop");
    // What it had told before may be on its way, however much that is.
    let end = Instant::now() + PATIENCE;
    while manager.hears(4 * WATCHDOG).is_some() {
        assert!(Instant::now() < end, "fed by someone else than the loop");
    }
    // The rest of the process is well.
    assert_eq!(running.status()["node"], "front-door");
    assert_eq!(manager.hears(2 * WATCHDOG), None);
    drop(frozen);
    manager.waits_for("WATCHDOG=1");
    assert_eq!(running.stop(), Some(0));
}
