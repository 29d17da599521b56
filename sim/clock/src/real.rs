//! Real time: `block_on` for an OS thread that sleeps while nothing is to do.

use std::num::NonZeroU64;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, ThreadId};
use std::time::Duration;

use rustix::thread::{current_timer_slack, set_current_timer_slack};

use crate::driver::{Clock, fire, install, now_us, with_clock};
use crate::monotonic::monotonic_ns;
use crate::timers::Timers;

/// After so many polls without a sleep the parker gets a turn that must not block, so that a future that is always
/// ready does not keep it from its descriptors.
const POLLS_PER_TURN: u32 = 64;

/// Puts the thread of [`block_on`] to sleep. A host's loop implements it over `ppoll` on its descriptors and an
/// eventfd; [`ThreadPark`] is the one without descriptors.
pub trait Park {
    /// The handle that ends a [`park`](Self::park) from another thread.
    type Unpark: Unpark;

    /// The handle that wakers keep.
    fn unparker(&self) -> Self::Unpark;

    /// Sleeps until `deadline` (microseconds of [`now_us`]; `None`: without end), or until its handle is used,
    /// whichever comes first. A use of the handle just before the call counts. Returning early is harmless. A
    /// `deadline` that is not in the future asks for a turn without sleep: look at the descriptors and return.
    ///
    /// What the parker itself wakes (by sending into a channel, say) does not use the handle; so it returns once it
    /// has passed something on.
    fn park(&mut self, deadline: Option<u64>);
}

/// Ends the sleep of a [`Park`], from any thread.
pub trait Unpark: Send + Sync + 'static {
    /// Makes the current `park`, or else the next one, return. Cheap, never blocks.
    fn unpark(&self);
}

/// Parks with the standard library's `park_timeout`; the handle is the thread.
#[derive(Debug, Default)]
pub struct ThreadPark(());

impl ThreadPark {
    /// The parker of the thread that calls [`block_on`].
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl Park for ThreadPark {
    type Unpark = ThreadUnpark;

    fn unparker(&self) -> ThreadUnpark {
        ThreadUnpark(thread::current())
    }

    fn park(&mut self, deadline: Option<u64>) {
        match deadline {
            None => thread::park(),
            Some(deadline) => {
                // In nanoseconds to the deadline itself: a timeout cut to microseconds would end up to one early,
                // and the thread would run twice for one timer.
                let left = deadline.saturating_mul(1000).saturating_sub(monotonic_ns());
                if left > 0 {
                    thread::park_timeout(Duration::from_nanos(left));
                }
            }
        }
    }
}

/// The handle of [`ThreadPark`].
#[derive(Clone, Debug)]
pub struct ThreadUnpark(Thread);

impl Unpark for ThreadUnpark {
    fn unpark(&self) {
        self.0.unpark();
    }
}

/// Nothing has been woken since the future was polled, and the thread is awake.
const AWAKE: u8 = 0;
/// Somebody woke the future.
const WOKEN: u8 = 1;
/// The thread sleeps, or is about to.
const PARKED: u8 = 2;

/// What the wakers of one `block_on` share.
struct Signal<U> {
    state: AtomicU8,
    owner: ThreadId,
    unpark: U,
}

impl<U: Unpark> Wake for Signal<U> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The owner looks at the state before it sleeps and after: it needs no handle, which is a system call.
        if self.state.swap(WOKEN, Ordering::AcqRel) == PARKED && thread::current().id() != self.owner {
            self.unpark.unpark();
        }
    }
}

/// Runs `future` on this thread to its end, sleeping in `park` while nothing is to do.
///
/// Timers that the future schedules on this thread wake it; its wakers may be used from any thread. The thread's
/// timer slack is one nanosecond meanwhile (50 microseconds is the default of Linux, and would be added to each
/// timer). `park` gets a turn at least every 64 polls, however busy the future is.
///
/// # Panics
/// If this thread already runs a `block_on` or holds a [`Virtual`](crate::Virtual) clock.
pub fn block_on<F: Future, P: Park>(future: F, mut park: P) -> F::Output {
    let _installed = install(Clock::Real(Timers::default()));
    let _slack = FineSlack::set();
    let signal = Arc::new(Signal {
        state: AtomicU8::new(WOKEN),
        owner: thread::current().id(),
        unpark: park.unparker(),
    });
    let waker = Waker::from(signal.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let mut polls = 0;
    loop {
        fire(now_us());
        if signal.state.swap(AWAKE, Ordering::AcqRel) == WOKEN {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            polls += 1;
            if polls == POLLS_PER_TURN {
                polls = 0;
                park.park(Some(0));
            }
        } else if signal.state.compare_exchange(AWAKE, PARKED, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            polls = 0;
            park.park(next_deadline());
        }
    }
}

fn next_deadline() -> Option<u64> {
    with_clock(|clock| match clock {
        Clock::Real(timers) => timers.next_deadline(),
        Clock::Bare | Clock::Virtual { .. } => None,
    })
}

/// The thread's timer slack at its least; what it was comes back on drop.
struct FineSlack(Option<NonZeroU64>);

impl FineSlack {
    fn set() -> Self {
        let before = current_timer_slack().ok().and_then(NonZeroU64::new);
        // A sandbox may refuse it. Then timers are late by the slack, as for any other program.
        let _ = set_current_timer_slack(Some(NonZeroU64::MIN));
        Self(before)
    }
}

impl Drop for FineSlack {
    fn drop(&mut self) {
        if self.0.is_some() {
            let _ = set_current_timer_slack(self.0);
        }
    }
}
