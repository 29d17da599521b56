//! Real time: `block_on` sleeps, and wakes for timers, for other threads and for its parker.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;

use campanile_clock::{Park, ThreadPark, ThreadUnpark, Virtual, block_on, monotonic_ns, now_us};
use embassy_time::{Duration, Instant, Timer, with_timeout};

/// Counts the sleeps, and keeps the deadlines it was given.
struct Watched<'a> {
    inner: ThreadPark,
    parks: &'a AtomicUsize,
}

impl Park for Watched<'_> {
    type Unpark = ThreadUnpark;

    fn unparker(&self) -> ThreadUnpark {
        self.inner.unparker()
    }

    fn park(&mut self, deadline: Option<u64>) {
        self.parks.fetch_add(1, Ordering::Relaxed);
        self.inner.park(deadline);
    }
}

#[test]
fn now_is_the_monotonic_clock_that_stamps_edges() {
    let before = monotonic_ns() / 1000;
    let now = now_us();
    let embassy = Instant::now().as_micros();
    let after = monotonic_ns() / 1000;
    assert!(before <= now && now <= embassy && embassy <= after);
}

#[test]
fn a_timer_is_never_early_and_the_thread_sleeps_until_it() {
    let parks = AtomicUsize::new(0);
    block_on(
        async {
            for _ in 0..20 {
                let due = Instant::now() + Duration::from_millis(5);
                Timer::at(due).await;
                assert!(Instant::now() >= due);
            }
        },
        Watched { inner: ThreadPark::new(), parks: &parks },
    );
    // One sleep a timer, and none for one that is due by then; a few more are the scheduler's right, thousands would be spinning.
    let parks = parks.into_inner();
    assert!((1..200).contains(&parks), "{parks} sleeps for 20 timers");
}

#[test]
fn with_timeout_ends_a_wait_in_real_time() {
    let before = now_us();
    let result = block_on(with_timeout(Duration::from_millis(20), pending::<()>()), ThreadPark::new());
    assert!(result.is_err());
    assert!(now_us() - before >= 20_000);
    let value = block_on(
        with_timeout(Duration::from_secs(3_600), async {
            Timer::after_millis(1).await;
            5
        }),
        ThreadPark::new(),
    );
    assert_eq!(value, Ok(5));
}

#[test]
fn wakes_from_another_thread_are_never_lost() {
    // Each round trip passes two wakes between threads; without a timer, a lost one would hang the test.
    let (to_main, wakers) = mpsc::channel::<(Waker, Arc<AtomicBool>)>();
    let helper = thread::spawn(move || {
        for (round, (waker, flag)) in wakers.into_iter().enumerate() {
            if round % 3 == 0 {
                thread::yield_now();
            }
            flag.store(true, Ordering::Release);
            waker.wake();
        }
    });
    let sender = to_main.clone();
    block_on(
        async move {
            for _ in 0..20_000 {
                let flag = Arc::new(AtomicBool::new(false));
                let mut sent = false;
                poll_fn(|context| {
                    if flag.load(Ordering::Acquire) {
                        return Poll::Ready(());
                    }
                    if !sent {
                        sent = true;
                        sender.send((context.waker().clone(), flag.clone())).unwrap();
                    }
                    Poll::Pending
                })
                .await;
            }
        },
        ThreadPark::new(),
    );
    drop(to_main);
    helper.join().unwrap();
}

#[test]
fn what_the_parker_wakes_is_polled() {
    /// Passes something on from within `park`, as a loop over descriptors does.
    struct Source<'a> {
        inner: ThreadPark,
        delivered: &'a AtomicUsize,
        waker: &'a std::cell::RefCell<Option<Waker>>,
    }
    impl Park for Source<'_> {
        type Unpark = ThreadUnpark;
        fn unparker(&self) -> ThreadUnpark {
            self.inner.unparker()
        }
        fn park(&mut self, _deadline: Option<u64>) {
            self.delivered.fetch_add(1, Ordering::Relaxed);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }
    let (delivered, waker) = (AtomicUsize::new(0), std::cell::RefCell::new(None));
    block_on(
        poll_fn(|context| {
            waker.replace(Some(context.waker().clone()));
            if delivered.load(Ordering::Relaxed) >= 100 { Poll::Ready(()) } else { Poll::Pending }
        }),
        Source { inner: ThreadPark::new(), delivered: &delivered, waker: &waker },
    );
    assert_eq!(delivered.into_inner(), 100);
}

#[test]
fn a_future_that_is_always_ready_leaves_the_parker_its_turns() {
    let parks = AtomicUsize::new(0);
    let mut polls = 0;
    block_on(
        poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            if polls < 6_400 { Poll::Pending } else { Poll::Ready(()) }
        }),
        Watched { inner: ThreadPark::new(), parks: &parks },
    );
    assert_eq!(parks.into_inner(), 99, "a turn every 64 polls");
}

#[test]
fn threads_have_timers_of_their_own() {
    let threads: Vec<_> = (1..=4)
        .map(|n| {
            thread::spawn(move || {
                block_on(
                    async {
                        for _ in 0..10 {
                            Timer::after_millis(n).await;
                        }
                    },
                    ThreadPark::new(),
                );
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
#[should_panic(expected = "nothing would wake it")]
fn a_timer_without_an_executor_is_not_silent() {
    let waker = Waker::noop();
    let mut timer = Timer::after_secs(1);
    let _ = std::pin::Pin::new(&mut timer).poll(&mut std::task::Context::from_waker(waker));
}

#[test]
#[should_panic(expected = "already runs block_on or holds a Virtual clock")]
fn a_virtual_clock_inside_block_on_is_refused() {
    block_on(async { drop(Virtual::enter(0)) }, ThreadPark::new());
}
