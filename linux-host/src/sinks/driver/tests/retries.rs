//! What was set aside, and goes once more when somebody asks for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::house::{Fake, House, Running, until, value};
use crate::sinks::driver::Retried;
use crate::sinks::{Failure, Outcome};

/// A receiver that does not take 3 and 5 until it is told to.
fn picky() -> (Fake, Arc<AtomicBool>) {
    let willing = Arc::<AtomicBool>::default();
    let is_willing = Arc::clone(&willing);
    let sink = Fake::new(move |message| match value(message) {
        3 | 5 if !is_willing.load(Ordering::SeqCst) => Ok(Outcome::Refused("not allowed".into())),
        _ => Ok(Outcome::Done(1)),
    });
    (sink, willing)
}

/// The values that came late, and each message's payload.
fn late(running: &Running) -> Vec<(i64, String)> {
    let got = running.got.lock().unwrap();
    let late = got.iter().filter(|message| message.payload.contains("\"late\":true"));
    assert!(late.clone().all(|message| !message.retain), "nobody keeps it");
    late.map(|message| (value(message), message.payload.clone())).collect()
}

fn done(taken: u64, refused: u64) -> Retried {
    Retried { taken, refused, ..Retried::default() }
}

#[tokio::test]
async fn what_was_set_aside_goes_again_in_order_with_its_identity_and_a_word_that_it_is_late() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..7);
    let (sink, willing) = picky();
    let running = house.run(sink);
    assert_eq!(running.values(7).await, [0, 1, 2, 4, 6, -1, -1], "and two letters");
    assert_eq!(running.retry().await, done(0, 2), "refused again, and set aside as before");
    willing.store(true, Ordering::SeqCst);
    assert_eq!(running.retry().await, done(2, 0));
    let late = late(&running);
    assert_eq!(late.iter().map(|(value, _)| *value).collect::<Vec<_>>(), [3, 5]);
    // The first two records are of the start.
    assert!(late[0].1.contains("\"seq\":6") && late[0].1.contains("2026-11-21T"), "{}", late[0].1);
    assert_eq!(running.retry().await, done(0, 0), "nothing is left");
    house.count(7..9);
    until("the news", || running.got.lock().unwrap().last().map(value) == Some(8)).await;
    running.stop().await;
}

#[tokio::test]
async fn what_was_set_aside_is_so_over_a_restart_and_a_sink_that_never_asked_has_all_of_it() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..4);
    let running = house.run(picky().0);
    running.values(4).await;
    running.stop().await;
    let house = Arc::into_inner(house).expect("nobody else holds it");
    drop((house.journal, house.storage));
    let house = House::open(house.dir, 2);
    let running = house.run(Fake::willing());
    assert_eq!(running.retry().await, done(1, 0));
    assert_eq!(late(&running).len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn one_that_a_connection_ends_over_goes_again_with_the_next() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..4);
    let (letters, broken) = (Arc::<AtomicU32>::default(), Arc::<AtomicBool>::default());
    let counted = Arc::clone(&letters);
    let running = house.run(Fake::new(move |message| {
        let is_late = message.payload.contains("\"late\":true");
        if is_late && !broken.swap(true, Ordering::SeqCst) {
            return Err(Failure::retry("the wire broke"));
        }
        if value(message) == 3 && !is_late {
            counted.fetch_add(1, Ordering::SeqCst);
            return Ok(Outcome::Refused("not allowed".into()));
        }
        Ok(Outcome::Done(1))
    }));
    running.values(4).await;
    assert_eq!(running.retry().await, done(1, 0));
    assert_eq!((late(&running).len(), letters.load(Ordering::SeqCst)), (1, 1));
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_keeps_states_is_told_the_last_one_behind_a_late_one() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..5);
    let (mut sink, willing) = picky();
    sink.keeps_states = true;
    let running = house.run(sink);
    assert_eq!(running.values(5).await, [0, 1, 2, 4, -1]);
    willing.store(true, Ordering::SeqCst);
    assert_eq!(running.retry().await, done(1, 0));
    assert_eq!(running.values(7).await[5..], [3, 4]);
    let got = running.got.lock().unwrap().clone();
    assert!(!got[5].retain && got[6].retain && !got[6].payload.contains("late"), "{got:#?}");
    running.stop().await;
}
