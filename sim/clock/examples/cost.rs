//! Prints what the clock costs: `cargo run --release -p campanile-clock --example cost`.

use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Instant as StdInstant;

use campanile_clock::{ThreadPark, Virtual, block_on, monotonic_ns, now_us};
use embassy_time::{Duration, Instant, Ticker, Timer};

fn main() {
    virtual_day();
    println!("now_us: {} ns a call", ns_a_call(now_us));
    print_percentiles("timer late by", block_on(timers_late_by(), ThreadPark::new()));
    print_percentiles("wake from another thread", wakes_across());
}

fn virtual_day() {
    let before = StdInstant::now();
    let clock = Virtual::enter(0);
    let wakes = clock
        .block_on(async {
            let mut ticker = Ticker::every(Duration::from_millis(90));
            let mut wakes = 0_u32;
            while now_us() < 86_400_000_000 {
                ticker.next().await;
                wakes += 1;
            }
            wakes
        })
        .expect("the ticker waits");
    println!("virtual day: {wakes} wakes in {:.3} s", before.elapsed().as_secs_f64());
}

fn ns_a_call(f: fn() -> u64) -> u128 {
    let before = StdInstant::now();
    for _ in 0..1_000_000 {
        std::hint::black_box(f());
    }
    before.elapsed().as_nanos() / 1_000_000
}

async fn timers_late_by() -> Vec<u64> {
    let mut late = Vec::new();
    for _ in 0..500 {
        let due = Instant::now() + Duration::from_micros(2_000);
        Timer::at(due).await;
        late.push(monotonic_ns() - due.as_micros() * 1000);
    }
    late
}

fn wakes_across() -> Vec<u64> {
    let (sender, wakers) = mpsc::channel::<Waker>();
    let (stamp, stamps) = mpsc::channel::<u64>();
    let helper = thread::spawn(move || {
        for waker in wakers {
            thread::sleep(std::time::Duration::from_millis(1)); // the other side is asleep by then
            stamp.send(monotonic_ns()).expect("the reader lives");
            waker.wake();
        }
    });
    let mut took = Vec::new();
    for _ in 0..500 {
        let mut sent = false;
        let woken_at = block_on(
            std::future::poll_fn(|context| match stamps.try_recv() {
                Ok(stamp) => Poll::Ready(stamp),
                Err(_) => {
                    if !std::mem::replace(&mut sent, true) {
                        sender.send(context.waker().clone()).expect("the helper lives");
                    }
                    Poll::Pending
                }
            }),
            ThreadPark::new(),
        );
        took.push(monotonic_ns() - woken_at);
    }
    drop(sender);
    helper.join().expect("the helper ends");
    took
}

fn print_percentiles(what: &str, mut ns: Vec<u64>) {
    ns.sort_unstable();
    let at = |percent: usize| ns[(ns.len() - 1) * percent / 100] / 1000;
    println!("{what}: p50 {} us, p99 {} us, worst {} us", at(50), at(99), at(100));
}
