//! The serial line: bytes wait here until the transmitter has sent those before.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::Poll;

use critical_section::Mutex;
use embassy_sync::waitqueue::WakerRegistration;
use heapless::Deque;

use crate::board::{Board, This};

/// Bytes that may wait: 22 ms of the line at 115,200 baud, and more than two of the longest records.
const ROOM: usize = 256;

/// Whether anybody takes what comes: without a link the receiver stays off.
pub(crate) const LISTENS: bool = cfg!(feature = "link");

struct Line {
    bytes: Deque<u8, ROOM>,
    /// Who waits for room, and for how much.
    waiting: WakerRegistration,
    wanted: usize,
}

static LINE: Mutex<RefCell<Line>> =
    Mutex::new(RefCell::new(Line { bytes: Deque::new(), waiting: WakerRegistration::new(), wanted: 0 }));

impl Line {
    fn free(&self) -> usize {
        ROOM - self.bytes.len()
    }

    fn pump(&mut self) {
        while This::can_send() {
            let Some(byte) = self.bytes.pop_front() else { break };
            This::send(byte);
        }
        if self.free() >= self.wanted {
            self.waiting.wake();
        }
    }
}

#[cfg(feature = "link")]
struct Heard {
    /// Those that nobody has taken yet.
    bytes: Deque<u8, { <This as Board>::RX_BUFFER }>,
    waiting: WakerRegistration,
}

#[cfg(feature = "link")]
static HEARD_BYTES: Mutex<RefCell<Heard>> =
    Mutex::new(RefCell::new(Heard { bytes: Deque::new(), waiting: WakerRegistration::new() }));

/// Takes the bytes that have come. What there is no room for is lost, as a byte on the wire may be.
#[cfg(feature = "link")]
fn listen() {
    while let Some(byte) = This::receive() {
        critical_section::with(|cs| {
            let mut heard = HEARD_BYTES.borrow_ref_mut(cs);
            let _ = heard.bytes.push_back(byte);
            heard.waiting.wake();
        });
    }
}

/// The next byte that has come.
#[cfg(feature = "link")]
pub(crate) fn take() -> Option<u8> {
    critical_section::with(|cs| HEARD_BYTES.borrow_ref_mut(cs).bytes.pop_front())
}

/// Whether a byte has come.
#[cfg(feature = "link")]
pub(crate) fn has_heard() -> bool {
    critical_section::with(|cs| !HEARD_BYTES.borrow_ref(cs).bytes.is_empty())
}

/// Resolves when a byte has come. One task at a time may wait.
#[cfg(feature = "link")]
pub(crate) async fn heard() {
    poll_fn(|cx| {
        critical_section::with(|cs| {
            let mut heard = HEARD_BYTES.borrow_ref_mut(cs);
            if !heard.bytes.is_empty() {
                return Poll::Ready(());
            }
            heard.waiting.register(cx.waker());
            Poll::Pending
        })
    })
    .await;
}

fn with<T>(f: impl FnOnce(&mut Line) -> T) -> T {
    critical_section::with(|cs| f(&mut LINE.borrow_ref_mut(cs)))
}

/// How many bytes can be [pushed](push).
pub(crate) fn free() -> usize {
    with(|line| line.free())
}

/// Sends bytes, in their turn. What there is no room for is not sent: see [`free`].
pub(crate) fn push(bytes: &[u8]) {
    with(|line| {
        for &byte in bytes {
            let _ = line.bytes.push_back(byte);
        }
        line.pump();
    });
}

/// Bytes have come, or the transmitter takes some again. The board's interrupt calls this, its request acknowledged: what
/// comes from then on asks anew.
pub(crate) fn interrupt() {
    #[cfg(feature = "link")]
    listen();
    with(Line::pump);
}

/// Resolves when there is room for this many bytes. One task at a time may wait.
pub(crate) async fn room(bytes: usize) {
    poll_fn(|cx| {
        with(|line| {
            if line.free() >= bytes {
                return Poll::Ready(());
            }
            line.wanted = bytes;
            line.waiting.register(cx.waker());
            Poll::Pending
        })
    })
    .await;
}
