//! Seeds over threads.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use campanile_sim::swarm::{Finding, draw, run_unless};
use campanile_sim::world::House;

use super::progress::Progress;
use super::tally::Tally;
use crate::cli::Failure;

/// A seed that fails.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) seed: u64,
    pub(super) finding: Finding,
}

/// Runs seeds on so many threads, until one fails; then those before it are run to their end, so that it is the first. When the
/// time is over, or `stop` is set, what is under way is given up and does not count: also where it is before one that fails,
/// which need not be the first then.
pub(super) fn seeds(
    houses: &[House],
    seeds: Range<u64>,
    jobs: usize,
    deadline: Option<Instant>,
    stop: &AtomicBool,
    progress: &Progress,
) -> (Tally, Option<Found>) {
    let began = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let tally = Mutex::new(Tally::default());
    let found: Mutex<Option<Found>> = Mutex::new(None);
    let given_up = AtomicU64::new(u64::MAX);
    let is_over =
        || stop.load(Ordering::Relaxed) || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let work = || {
        while !is_over() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let beyond = || lock(&found).as_ref().is_some_and(|found| found.seed < seed);
            if seed >= seeds.end || beyond() {
                return;
            }
            let Some(outcome) = run_unless(&draw(seed, houses), houses, &is_over) else {
                given_up.fetch_min(seed, Ordering::Relaxed);
                return;
            };
            let mut tally = lock(&tally);
            tally.seeds += 1;
            tally.lived += outcome.lived;
            tally.records += outcome.records;
            progress.show(&tally);
            drop(tally);
            if let Some(finding) = outcome.finding {
                let mut first = lock(&found);
                if first.as_ref().is_none_or(|first| seed < first.seed) {
                    *first = Some(Found { seed, finding });
                }
            }
        }
    };
    thread::scope(|scope| {
        (0..jobs).for_each(|_| {
            scope.spawn(work);
        });
    });
    let mut tally = *lock(&tally);
    tally.took = began.elapsed();
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Those taken have all been lived, or given up.
    let behind = found.as_ref().map_or(seeds.start + tally.seeds, |found| found.seed + 1);
    tally.next = behind.min(given_up.into_inner());
    (tally, found)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Is set by Ctrl-C; a second one ends the process at once.
pub(in crate::cli) fn interrupts() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    thread::Builder::new().name("interrupts".to_owned()).spawn(move || {
        let heard = runtime.block_on(tokio::signal::ctrl_c());
        if heard.is_ok() {
            set.store(true, Ordering::Relaxed);
            if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
                std::process::exit(130);
            }
        }
    })?;
    Ok(flag)
}
