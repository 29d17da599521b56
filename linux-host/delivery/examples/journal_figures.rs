//! Figures of the journal on a real disk: `cargo run --release -p campanile-delivery --example journal_figures [DIR]`.
//!
//! Prints edges a second through journal and a reader that follows, bytes an edge, the time of a commit with and
//! without its sync, and the time of a start after a kill.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant as Clock};

use campanile_core::id::{InputId, Level};
use campanile_core::record::edge_head;
use campanile_core::time::Instant;
use campanile_delivery::{
    Batch, Body, Directory, Journal, Move, Opened, Options, Position, Storage as _, Sync,
};

/// Raw edges, 300 us apart, as the core writes them.
struct Edges {
    clock: Clock,
    seq: u64,
    time: Instant,
}

impl Edges {
    fn append(&mut self, journal: &mut Journal<Directory>, count: u64) -> Result<(), Box<dyn Error>> {
        let mut bytes = Vec::new();
        for n in 0..count {
            bytes.push(edge_head(InputId(3), Level::from_bool((self.seq + n).is_multiple_of(2))));
            bytes.extend_from_slice(&[0xac, 0x02]);
        }
        let batch = Batch { first_seq: self.seq + 1, base: self.time, bytes: &bytes, count };
        journal.append(&batch, false, self.now())?;
        self.seq += count;
        self.time = self.time.plus(campanile_core::time::Duration::from_micros(300 * count));
        Ok(())
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.clock.elapsed().as_micros() as u64)
    }
}

fn open(
    dir: &Arc<Directory>,
    options: Options,
) -> Result<(Journal<Directory>, Opened, Edges), Box<dyn Error>> {
    let clock = Clock::now();
    let (journal, opened) =
        Journal::open(dir, &"bench".parse()?, options, clock.elapsed().subsec_nanos(), Instant::ZERO)?;
    Ok((journal, opened, Edges { clock, seq: 0, time: Instant::ZERO }))
}

/// So many edges in commits of `each`, with a reader on a thread of its own.
fn throughput(dir: &Arc<Directory>, total: u64, each: u64) -> Result<(), Box<dyn Error>> {
    let (mut journal, _, mut edges) = open(dir, Options::default())?;
    let mut reader = journal.reader(Position::start_of(journal.boot()));
    let done = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&done);
    let follower = thread::spawn(move || {
        let mut seen = 0u64;
        loop {
            // Looked at first: what was published before it is still to be read.
            let last = over.load(Ordering::Acquire);
            match reader.advance() {
                Ok(Move::Item) => {
                    seen += u64::from(matches!(reader.item().map(|item| item.body), Some(Body::Engine(_))));
                }
                Ok(Move::End) if last => return seen,
                Ok(Move::End | Move::Lagged(_)) => thread::sleep(Duration::from_micros(100)),
                Err(error) => panic!("reading failed: {error}"),
            }
        }
    });
    let begin = Clock::now();
    while edges.seq < total {
        edges.append(&mut journal, each)?;
        journal.commit(edges.now());
    }
    let wrote = begin.elapsed();
    done.store(true, Ordering::Release);
    let seen = follower.join().map_err(|_| "the reader panicked")?;
    let rate = edges.seq as f64 / wrote.as_secs_f64();
    let read = edges.seq as f64 / begin.elapsed().as_secs_f64();
    println!(
        "{each:4} edges a commit: {rate:10.0} edges/s written, {read:10.0} edges/s read behind it, {seen} of {} seen",
        edges.seq
    );
    journal.close(edges.now())?;
    Ok(())
}

/// Median and 99th percentile of the time of a commit of one edge.
fn latency(
    dir: &Arc<Directory>,
    what: &str,
    sync: Sync,
    background: bool,
    commits: usize,
) -> Result<(), Box<dyn Error>> {
    let (mut journal, _, mut edges) = open(dir, Options { sync, ..Options::default() })?;
    if background {
        journal.sync_in_background()?;
    }
    let mut times = Vec::new();
    for _ in 0..commits {
        edges.append(&mut journal, 1)?;
        let begin = Clock::now();
        journal.commit(edges.now());
        times.push(begin.elapsed());
        thread::sleep(Duration::from_millis(1));
    }
    times.sort_unstable();
    let (p50, p99, worst) = (times[commits / 2], times[commits * 99 / 100], times[commits - 1]);
    println!("commit of one edge, {what}: p50 {p50:?}, p99 {p99:?}, worst {worst:?}");
    journal.close(edges.now())?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let path =
        env::args().nth(1).map_or_else(|| env::temp_dir().join("campanile-journal-figures"), PathBuf::from);
    let dir = Arc::new(Directory::open(&path)?);
    for (total, each) in [(2_000_000, 200), (400_000, 10), (100_000, 1)] {
        throughput(&dir, total, each)?;
    }
    let window = Sync::Within(campanile_core::time::Duration::from_millis(200));
    latency(&dir, "synced within 200 ms", window, false, 2000)?;
    latency(&dir, "the same on a thread of its own", window, true, 2000)?;
    latency(&dir, "synced before publishing", Sync::Always, true, 300)?;
    // A start after a kill has to look through a segment that is used again and full of old groups.
    let (mut journal, _, mut edges) = open(&dir, Options::default())?;
    edges.append(&mut journal, 1000)?;
    journal.commit(edges.now());
    drop(journal);
    let begin = Clock::now();
    let (journal, opened, edges) = open(&dir, Options::default())?;
    println!(
        "start after a kill: {:?}, {} segments, clean {}",
        begin.elapsed(),
        journal.status().segments,
        opened.clean
    );
    journal.close(edges.now())?;
    for name in dir.list()? {
        dir.remove(&name)?;
    }
    Ok(())
}
