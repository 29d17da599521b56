//! Virtual clocks: independent a thread, repeatable, fast; embassy-time's own futures run under them.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use campanile_clock::{Lens, Stalled, Virtual, now_us};
use embassy_time::{Duration, Instant, Ticker, Timer, with_timeout};

const DAY_US: u64 = 86_400_000_000;

/// A small executor over [`Virtual`], as a simulator has one: a ready queue, and its waker pushes the task's number.
struct Tasks {
    futures: Vec<Option<std::pin::Pin<Box<dyn Future<Output = ()>>>>>,
    ready: Arc<Mutex<Vec<usize>>>,
}

struct Ready {
    task: usize,
    queue: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.queue.lock().unwrap().push(self.task);
    }
}

impl Tasks {
    fn new(futures: Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>>) -> Self {
        let ready = Arc::new(Mutex::new((0..futures.len()).collect()));
        Self { futures: futures.into_iter().map(Some).collect(), ready }
    }

    fn run(&mut self, clock: &Virtual) {
        let wakers: Vec<Waker> = (0..self.futures.len())
            .map(|task| Arc::new(Ready { task, queue: self.ready.clone() }).into())
            .collect();
        loop {
            let batch = std::mem::take(&mut *self.ready.lock().unwrap());
            for task in batch {
                if let Some(future) = &mut self.futures[task]
                    && future.as_mut().poll(&mut Context::from_waker(&wakers[task])).is_ready()
                {
                    self.futures[task] = None;
                }
            }
            if self.ready.lock().unwrap().is_empty() && clock.jump().is_none() {
                return;
            }
        }
    }
}

/// Ten tasks with periods that share many deadlines; the trace holds who ran when.
fn busy_seconds(start: u64) -> Vec<(u64, usize)> {
    let clock = Virtual::enter(start);
    let trace = Rc::new(RefCell::new(Vec::new()));
    let futures = (0..10_usize)
        .map(|task| {
            let trace = trace.clone();
            let future: std::pin::Pin<Box<dyn Future<Output = ()>>> = Box::pin(async move {
                let period = Duration::from_millis(1 + task as u64 % 4);
                while now_us() < start + 5_000_000 {
                    Timer::after(period).await;
                    trace.borrow_mut().push((now_us(), task));
                }
            });
            future
        })
        .collect();
    Tasks::new(futures).run(&clock);
    trace.take()
}

macro_rules! the_same_in_parallel {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let first = busy_seconds(5);
            assert!(first.len() > 20_000, "the time was busy: {}", first.len());
            assert!(first.is_sorted_by_key(|(time, _)| *time), "time never goes back");
            assert!(first == busy_seconds(5), "two runs on one thread differ");
            let elsewhere = std::thread::spawn(|| busy_seconds(5)).join().unwrap();
            assert!(first == elsewhere, "a run on another thread differs");
        }
    )*};
}
// The test harness runs them at the same time; each compares with a run beside it.
the_same_in_parallel!(repeats_1 repeats_2 repeats_3 repeats_4 repeats_5 repeats_6 repeats_7 repeats_8);

#[test]
fn eight_threads_with_one_barrier_agree() {
    let barrier = Arc::new(std::sync::Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let barrier = barrier.clone();
            std::thread::spawn(move || {
                barrier.wait();
                busy_seconds(0)
            })
        })
        .collect();
    let traces: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(traces.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_day_of_timers_fires_each_at_its_deadline() {
    let clock = Virtual::enter(0);
    let wakes = clock.block_on(async {
        let mut ticker = Ticker::every(Duration::from_millis(100));
        let mut wakes = 0_u64;
        while now_us() < DAY_US {
            ticker.next().await;
            wakes += 1;
            assert_eq!(now_us(), wakes * 100_000, "on time, no drift");
        }
        wakes
    });
    assert_eq!(wakes, Ok(864_000));
    assert_eq!(clock.now(), DAY_US);
}

#[test]
fn with_timeout_takes_the_earlier_of_the_two() {
    let clock = Virtual::enter(1_000);
    let quick = clock.block_on(with_timeout(Duration::from_secs(5), async {
        Timer::after_secs(4).await;
        7
    }));
    assert_eq!((quick, clock.now()), (Ok(Ok(7)), 4_001_000));
    let slow = clock.block_on(with_timeout(Duration::from_secs(5), pending::<()>()));
    assert_eq!(slow, Ok(Err(embassy_time::TimeoutError)));
    assert_eq!(clock.now(), 9_001_000);
    assert_eq!(Instant::now().as_micros(), 9_001_000);
}

#[test]
fn a_timer_in_the_past_moves_no_clock() {
    let clock = Virtual::enter(500);
    clock.block_on(async { Timer::at(Instant::from_ticks(3)).await }).unwrap();
    assert_eq!((clock.now(), clock.waiting()), (500, 0));
}

#[test]
fn a_future_that_nothing_can_wake_is_named_as_such() {
    let clock = Virtual::enter(42);
    assert_eq!(clock.block_on(pending::<()>()), Err(Stalled { at: 42 }));
    // "Never" is no deadline, so it does not carry the clock to the end of time either.
    assert_eq!(clock.block_on(async { Timer::at(Instant::MAX).await }), Err(Stalled { at: 42 }));
}

#[test]
fn advancing_past_several_deadlines_fires_them_late_and_in_order() {
    struct Note(u32, Arc<Mutex<Vec<u32>>>);
    impl Wake for Note {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0);
        }
    }
    let clock = Virtual::enter(0);
    let order = Arc::new(Mutex::new(Vec::new()));
    for (name, deadline) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 31)] {
        let waker = Waker::from(Arc::new(Note(name, order.clone())));
        assert!(poll_once(Timer::at(Instant::from_ticks(deadline)), &waker).is_pending());
    }
    assert_eq!(clock.next_deadline(), Some(10));
    assert_eq!(clock.advance_to(30), 4);
    assert_eq!(*order.lock().unwrap(), [2, 4, 3, 1]);
    assert_eq!((clock.now(), clock.waiting(), clock.next_deadline()), (30, 1, Some(31)));
    assert_eq!(clock.advance_to(7), 0, "a clock does not go back");
    assert_eq!(clock.now(), 30);
    assert_eq!(clock.jump(), Some(31));
    assert_eq!(clock.jump(), None);
}

#[test]
fn a_task_that_drops_a_timer_at_each_poll_keeps_one_entry() {
    let clock = Virtual::enter(0);
    let mut polls = 0_u64;
    clock
        .block_on(poll_fn(|context| {
            polls += 1;
            // A new far timer and a new near one at each poll, as a select! in a loop makes them.
            assert!(poll_once(Timer::after_secs(3_600 + polls), context.waker()).is_pending());
            assert!(poll_once(Timer::after_micros(1), context.waker()).is_pending());
            assert_eq!(clock.waiting(), 1);
            if polls < 10_000 { Poll::Pending } else { Poll::Ready(()) }
        }))
        .unwrap();
    assert_eq!(clock.now(), 9_999);
}

#[test]
fn the_clock_is_real_again_after_the_guard() {
    let before = campanile_clock::monotonic_ns() / 1000;
    drop(Virtual::enter(0));
    assert!(now_us() >= before);
    drop(Virtual::enter(u64::MAX / 2));
    assert!(now_us() < u64::MAX / 2);
}

#[test]
#[should_panic(expected = "already runs block_on or holds a Virtual clock")]
fn a_second_clock_on_one_thread_is_refused() {
    let _first = Virtual::enter(0);
    let _second = Virtual::enter(0);
}

fn poll_once(mut timer: Timer, waker: &Waker) -> Poll<()> {
    std::pin::Pin::new(&mut timer).poll(&mut Context::from_waker(waker))
}

#[test]
fn a_timer_keeps_to_the_clock_that_it_was_set_by() {
    let clock = Virtual::enter(10_000);
    // A node whose clock was set to zero just now and is one part in a hundred fast.
    clock.look_through(Lens { since: 10_000, showed: 0, drift_ppm: 10_000 });
    assert_eq!(now_us(), 0);
    clock.block_on(async { Timer::at(Instant::from_micros(10_100)).await }).unwrap();
    assert_eq!((clock.now(), now_us()), (20_000, 10_100));
}
