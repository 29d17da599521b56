//! One writer and readers on threads of their own, on a real disk, with retention at work all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use campanile_core::id::{InputId, Level};
use campanile_core::record::edge_head;
use campanile_core::time::Instant;
use campanile_delivery::{Batch, Body, Directory, Journal, Next, Options, Position};

const TOTAL: u64 = 60_000;

#[test]
fn readers_see_each_record_once_or_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let storage = Arc::new(Directory::open(dir.path()).unwrap());
    // Ten segments of 8 KiB: a reader that dawdles loses some.
    let options = Options { size: 80 * 1024, ..Options::default() };
    let node = "threads".parse().unwrap();
    let (mut journal, _) = Journal::open(&storage, &node, options, 7, Instant::ZERO).unwrap();
    let wakes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&wakes);
    journal.index().on_publish(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = [false, false, true]
        .into_iter()
        .map(|slow| {
            let mut reader = journal.reader(Position::start_of(journal.boot()));
            let done = Arc::clone(&done);
            thread::spawn(move || {
                let (mut seen, mut missed, mut last) = (0u64, 0u64, 0u64);
                loop {
                    let over = done.load(Ordering::Acquire);
                    match reader.next().unwrap() {
                        Next::Item(item) => {
                            if let Body::Engine(frame) = item.body {
                                assert!(item.at.seq > last);
                                assert_eq!(item.time.micros(), item.at.seq * 300);
                                assert_eq!(frame.bytes[0] & 0x3f, (item.at.seq % 64) as u8);
                                (seen, last) = (seen + 1, item.at.seq);
                            }
                            if slow && seen.is_multiple_of(512) {
                                thread::sleep(std::time::Duration::from_millis(1));
                            }
                        }
                        Next::Lagged(lagged) => missed += lagged.dropped.unwrap(),
                        Next::End if over => return (seen, missed, last),
                        Next::End => thread::yield_now(),
                    }
                }
            })
        })
        .collect();

    let mut seq = 0;
    while seq < TOTAL {
        let mut bytes = Vec::new();
        let count = (seq % 7 + 1).min(TOTAL - seq);
        for n in 1..=count {
            bytes.push(edge_head(InputId(((seq + n) % 64) as u8), Level::On));
            bytes.extend_from_slice(&[0xac, 0x02]);
        }
        let time = Instant::from_micros(seq * 300);
        journal.append(&Batch { first_seq: seq + 1, base: time, bytes: &bytes, count }, false, time).unwrap();
        journal.commit(time);
        seq += count;
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        let (seen, missed, last) = reader.join().unwrap();
        assert_eq!((seen + missed, last), (TOTAL, TOTAL));
    }
    assert!(wakes.load(Ordering::Relaxed) > 1000);
    assert!(journal.status().bytes <= 80 * 1024);
    journal.close(Instant::from_micros(TOTAL * 300)).unwrap();
}
