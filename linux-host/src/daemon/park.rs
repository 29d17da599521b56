//! How the loop sleeps: in one `ppoll` on all lines that have a descriptor and an eventfd for everybody else.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use campanile_clock::{Park, Unpark, monotonic_ns};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::lines::Lines;

/// Parks the thread of the loop.
pub struct LinePark {
    lines: Rc<RefCell<Lines>>,
    event: Arc<OwnedFd>,
    pulse: Pulse,
}

/// Shows from outside whether the loop still turns, and makes it turn.
#[derive(Clone, Debug)]
pub struct Pulse {
    turns: Arc<AtomicU64>,
    event: EventUnpark,
}

impl Pulse {
    /// How often the loop has slept so far. Wakes it, so that a loop that is well has another figure soon.
    pub fn feel(&self) -> u64 {
        self.event.unpark();
        self.turns.load(Ordering::Relaxed)
    }
}

impl LinePark {
    /// A parker that wakes for these lines.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn new(lines: Rc<RefCell<Lines>>) -> io::Result<Self> {
        let event = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let pulse = Pulse { turns: Arc::default(), event: EventUnpark(event.clone()) };
        Ok(Self { lines, event, pulse })
    }

    /// The pulse of the loop that sleeps here.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }
}

impl Park for LinePark {
    type Unpark = EventUnpark;

    fn unparker(&self) -> EventUnpark {
        EventUnpark(self.event.clone())
    }

    fn park(&mut self, deadline: Option<u64>) {
        let timeout = deadline.map(|deadline| {
            let left = deadline.saturating_mul(1_000).saturating_sub(monotonic_ns());
            // Both parts are in range: seconds of a u64 of nanoseconds, and less than a second.
            Timespec { tv_sec: (left / 1_000_000_000) as i64, tv_nsec: (left % 1_000_000_000) as _ }
        });
        let (woken, readable) = {
            let lines = self.lines.borrow();
            let mut fds = vec![PollFd::from_borrowed_fd(self.event.as_fd(), PollFlags::IN)];
            fds.extend(lines.fds().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
            // An interrupted sleep is a short one, and returning early is harmless.
            let _ = poll(&mut fds, timeout.as_ref());
            let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
            (ready.next() == Some(true), ready.any(|ready| ready))
        };
        self.pulse.turns.fetch_add(1, Ordering::Relaxed);
        if woken {
            // Empties the counter; it is not empty, and if somebody was faster, nothing is lost.
            let _ = rustix::io::read(&*self.event, &mut [0; 8]);
        }
        if readable {
            self.lines.borrow_mut().announce();
        }
    }
}

/// Ends a sleep of [`LinePark`].
#[derive(Clone, Debug)]
pub struct EventUnpark(Arc<OwnedFd>);

impl Unpark for EventUnpark {
    fn unpark(&self) {
        // It fails only when the counter is full, and then the loop wakes anyway.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }
}
