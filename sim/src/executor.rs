//! An executor of one thread on a virtual clock. Which of several ready tasks goes first is drawn from the seed, so
//! that a program which only works in one order is found out; the same seed gives the same order again.
//!
//! Time stands while any task is ready. When none is, the clock jumps to the next deadline, or ends where the caller
//! said. A task that wakes itself without end is told apart from work: see [`Stuck`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use campanile_clock::Virtual;

use crate::prng::Prng;

/// So many polls at one instant are no work any more but a loop.
const POLLS_AT_ONE_INSTANT: u32 = 1_000_000;

/// The number of a task; not used again after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskId(usize);

/// Tasks over one virtual clock.
pub struct Executor<'a> {
    clock: &'a Virtual,
    order: Prng,
    tasks: Vec<Option<Task<'a>>>,
    ready: Arc<Mutex<Vec<usize>>>,
}

struct Task<'a> {
    future: Pin<Box<dyn Future<Output = ()> + 'a>>,
    waker: Waker,
}

/// Puts its task into the ready queue, once.
struct Ready {
    task: usize,
    queue: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if !queue.contains(&self.task) {
            queue.push(self.task);
        }
    }
}

impl<'a> Executor<'a> {
    /// No tasks yet; `order` decides who goes first.
    #[must_use]
    pub fn new(clock: &'a Virtual, order: Prng) -> Self {
        Self { clock, order, tasks: Vec::new(), ready: Arc::default() }
    }

    /// Adds a task, ready at once.
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'a) -> TaskId {
        let task = self.tasks.len();
        let waker = Waker::from(Arc::new(Ready { task, queue: Arc::clone(&self.ready) }));
        waker.wake_by_ref();
        self.tasks.push(Some(Task { future: Box::pin(future), waker }));
        TaskId(task)
    }

    /// Drops a task where it stands, as SIGKILL would.
    pub fn kill(&mut self, task: TaskId) {
        self.tasks[task.0] = None;
    }

    /// Whether a task has come to its end or was killed.
    #[must_use]
    pub fn is_over(&self, task: TaskId) -> bool {
        self.tasks[task.0].is_none()
    }

    /// Whether a task waits for its turn.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.ready.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Polls what is ready until nothing is. Time stands.
    ///
    /// # Errors
    /// [`Stuck`] if that has no end.
    pub fn settle(&mut self) -> Result<(), Stuck> {
        for _ in 0..POLLS_AT_ONE_INSTANT {
            let Some(task) = self.draw() else { return Ok(()) };
            self.poll(task);
        }
        Err(Stuck { at: self.clock.now() })
    }

    /// Runs until `time`, in microseconds, jumping from deadline to deadline; what is due at `time` itself is done.
    ///
    /// # Errors
    /// [`Stuck`] if an instant has no end.
    pub fn run_until(&mut self, time: u64) -> Result<(), Stuck> {
        loop {
            self.settle()?;
            match self.clock.next_deadline() {
                Some(deadline) if deadline <= time => self.clock.advance_to(deadline),
                _ => {
                    self.clock.advance_to(time);
                    return self.settle();
                }
            };
        }
    }

    fn draw(&mut self) -> Option<usize> {
        let mut queue = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.len() {
            0 => None,
            1 => queue.pop(),
            many => Some(queue.swap_remove(self.order.below(many as u64) as usize)),
        }
    }

    fn poll(&mut self, at: usize) {
        // A killed task may still be woken by a timer that it left behind.
        let Some(task) = &mut self.tasks[at] else { return };
        if let Poll::Ready(()) = task.future.as_mut().poll(&mut Context::from_waker(&task.waker)) {
            self.tasks[at] = None;
        }
    }
}

/// Some task wakes itself for ever at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The instant, in microseconds.
    pub at: u64,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a task wakes itself without end at {} us of virtual time", self.at)
    }
}

impl std::error::Error for Stuck {}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use embassy_time::{Instant, Timer};

    use super::*;

    /// Which of three tasks that are ready at the same instants wrote when.
    fn order(seed: u64) -> Vec<(u64, u32)> {
        let clock = Virtual::enter(0);
        let log = RefCell::new(Vec::new());
        let mut executor = Executor::new(&clock, Prng::new(seed));
        for name in 0..3 {
            let log = &log;
            executor.spawn(async move {
                for round in 1..=4u64 {
                    Timer::at(Instant::from_micros(round * 1_000)).await;
                    log.borrow_mut().push((Instant::now().as_micros(), name));
                }
            });
        }
        executor.run_until(10_000).expect("it ends");
        assert_eq!(clock.now(), 10_000);
        drop(executor);
        log.into_inner()
    }

    #[test]
    fn the_seed_decides_the_order_and_nothing_else_does() {
        assert_eq!(order(1), order(1));
        let times = |log: &[(u64, u32)]| log.iter().map(|(at, _)| *at).collect::<Vec<_>>();
        assert_eq!(times(&order(1)), times(&order(2)));
        assert!((2..20).any(|seed| order(seed) != order(1)), "no seed changes the order");
    }

    #[test]
    fn a_killed_task_does_nothing_any_more() {
        let clock = Virtual::enter(0);
        let reached = RefCell::new(false);
        let mut executor = Executor::new(&clock, Prng::new(0));
        let task = executor.spawn(async {
            Timer::at(Instant::from_micros(5)).await;
            *reached.borrow_mut() = true;
        });
        executor.run_until(4).expect("it ends");
        assert!(!executor.is_over(task));
        executor.kill(task);
        executor.run_until(10).expect("it ends");
        assert!(executor.is_over(task) && !*reached.borrow());
    }

    #[test]
    fn a_loop_without_end_is_an_error() {
        let clock = Virtual::enter(3);
        let mut executor = Executor::new(&clock, Prng::new(0));
        executor.spawn(std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Pending
        }));
        assert_eq!(executor.settle(), Err(Stuck { at: 3 }));
    }
}
