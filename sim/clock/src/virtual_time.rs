//! Virtual time: the clock stands until its owner moves it.

use std::fmt;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::driver::{Clock, Installed, fire, install, with_clock};
use crate::lens::Lens;
use crate::timers::Timers;

/// Holds this thread on a virtual clock, until it is dropped.
///
/// An executor over it is a loop: poll every task that is ready, in an order of the executor's choice; when none is,
/// [`jump`](Self::jump). All timers of one deadline are woken by one jump, so that this choice covers them. A task
/// that schedules a timer not in the future is woken within the call.
///
/// ```
/// use campanile_clock::Virtual;
/// use embassy_time::{Duration, Timer};
///
/// let clock = Virtual::enter(0);
/// clock.block_on(async { Timer::after(Duration::from_secs(86_400)).await }).unwrap();
/// assert_eq!(clock.now(), 86_400_000_000); // and no real second has passed
/// ```
///
/// It cannot leave its thread: the clock is the thread's.
pub struct Virtual {
    _installed: Installed,
    _thread: PhantomData<*const ()>,
}

impl Virtual {
    /// Puts this thread on a virtual clock that stands at `start` microseconds.
    ///
    /// # Panics
    /// If the thread holds one already or runs [`block_on`](crate::block_on).
    #[must_use = "the clock is virtual as long as the value lives"]
    pub fn enter(start: u64) -> Self {
        let clock = Clock::Virtual { now: start, timers: Timers::default(), lens: Lens::CLEAR };
        Self { _installed: install(clock), _thread: PhantomData }
    }

    /// The time in microseconds; also what [`now_us`](crate::now_us) says on this thread, unless there is a [`Lens`].
    #[must_use]
    pub fn now(&self) -> u64 {
        parts(|now, _| *now)
    }

    /// Whoever asks for the time on this thread from now on, or schedules a timer, does so by this clock. The methods
    /// here keep to the time of the world.
    pub fn look_through(&self, lens: Lens) {
        with_clock(|clock| {
            if let Clock::Virtual { lens: current, .. } = clock {
                *current = lens;
            }
        });
    }

    /// The earliest deadline of a timer on this thread; always after [`now`](Self::now).
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        parts(|_, timers| timers.next_deadline())
    }

    /// How many wakers wait for a deadline.
    #[must_use]
    pub fn waiting(&self) -> usize {
        parts(|_, timers| timers.len())
    }

    /// Sets the clock to `time` microseconds and wakes every timer due by then, in the order (deadline, scheduling).
    /// Returns how many. To run each at its own deadline do not pass one: that models a process that was stopped.
    /// A `time` in the past does nothing, since a clock does not go back.
    pub fn advance_to(&self, time: u64) -> usize {
        let now = parts(|now, _| {
            *now = time.max(*now);
            *now
        });
        fire(now)
    }

    /// Moves the clock to the earliest deadline and wakes all timers that have it. Returns the deadline, or `None`
    /// (and nothing moves) if no timer waits.
    pub fn jump(&self) -> Option<u64> {
        let deadline = self.next_deadline()?;
        self.advance_to(deadline);
        Some(deadline)
    }

    /// Runs one `future` to its end, jumping whenever it waits: the whole executor that a test of one task needs.
    ///
    /// # Errors
    /// [`Stalled`] if it waits and no timer does: nothing on this thread can wake it any more. (Wakes by other
    /// threads are not waited for; they could not repeat.)
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Stalled> {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        loop {
            while woken.0.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return Ok(output);
                }
            }
            self.jump().ok_or_else(|| Stalled { at: self.now() })?;
        }
    }
}

impl fmt::Debug for Virtual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Virtual")
            .field("now", &self.now())
            .field("next_deadline", &self.next_deadline())
            .finish()
    }
}

/// The future waits for something that cannot come: it is pending and no timer waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalled {
    /// The virtual time at which everything stood, microseconds.
    pub at: u64,
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the future waits at {} us of virtual time, but no timer does: nothing can wake it",
            self.at
        )
    }
}

impl std::error::Error for Stalled {}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// The virtual clock of this thread, which exists as long as a [`Virtual`] does.
fn parts<T>(f: impl FnOnce(&mut u64, &mut Timers) -> T) -> T {
    with_clock(|clock| match clock {
        Clock::Virtual { now, timers, .. } => f(now, timers),
        Clock::Bare | Clock::Real(_) => unreachable!("a Virtual is bound to the thread that entered it"),
    })
}
