//! Many messages in one: every number in order all the same, and the last state where it always is.

use campanile_tests::PATIENCE;
use campanile_tests::house::House;
use campanile_tests::mosquitto::Mosquitto;
use campanile_tests::subscriber::{Received, Subscriber};
use serde_json::Value;

use crate::{COUNTER, counting, counts, retained, whole};

const BATCH: &str = "campanile/porch/batch";

/// What the batches hold, as if each had come by itself, and how many there were.
fn unpacked(received: &[Received]) -> (Vec<Received>, usize) {
    let batches: Vec<_> = received.iter().filter(|message| message.topic == BATCH).collect();
    let each = |batch: &&Received| {
        let Value::Array(elements) = batch.json() else { panic!("no array: {batch:?}") };
        let (at_us, retained) = (batch.at_us, batch.retained);
        elements.into_iter().map(move |element| Received {
            at_us,
            retained,
            topic: element["topic"].as_str().expect("a topic").to_owned(),
            payload: element.to_string().into_bytes(),
        })
    };
    (batches.iter().flat_map(each).collect(), batches.len())
}

fn reached(number: i64) -> impl Fn(&[Received]) -> bool {
    move |received| counts(&unpacked(received).0).iter().any(|(count, _)| *count >= number)
}

#[test]
fn batches_have_everything_in_order_over_an_outage_and_a_kill_and_the_last_state_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let batch = "batch = { most = 40, within = \"100ms\" }";
    let mut house = House::new(dir.path(), &counting(&broker.url(), batch));
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(200));
    broker.stop();
    house.wait("the outage shows", |status| status.sinks[0].lag > Some(400) && !status.sinks[0].up);
    broker.start();
    subscriber.wait("the counter goes on", PATIENCE, reached(800));
    house.kill();
    house.start();
    subscriber.wait("the counter goes on", PATIENCE, reached(1200));
    let last = house.status().variables[0].value;
    // An orderly stop does not wait for a batch to be full, nor for its time.
    house.stop();
    let received = subscriber.wait("what came to be until the stop", PATIENCE, reached(last.into()));
    let (all, batches) = unpacked(&received);
    let (numbers, _) = whole(&all);
    let most = received.iter().filter(|message| message.topic == BATCH).map(|batch| batch.json());
    let most = most.map(|batch| batch.as_array().unwrap().len()).max();
    assert_eq!(most, Some(40), "what waited goes in batches that are full");
    // At this pace twenty at a time, and less when one began or ended.
    assert!(batches * 5 < numbers.len(), "{batches} batches for {} numbers", numbers.len());
    let alone = received.iter().filter(|message| message.topic == COUNTER && !message.retained).count();
    assert!(alone < 2 * batches, "{alone} states beside {batches} batches");
    let kept: Value = serde_json::from_slice(&retained(&broker, 2)[COUNTER]).unwrap();
    let end = counts(&all).last().unwrap().0;
    assert_eq!(kept["value"], end, "who comes later finds the last");
}

#[test]
fn a_broker_that_takes_little_at_once_gets_small_batches() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::new(dir.path(), "allow_anonymous true\nmax_packet_size 1000");
    broker.start();
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let batch = "in-flight = 2\nbatch = { most = 1000, within = \"1s\" }";
    let mut house = House::new(dir.path(), &counting(&broker.url(), batch));
    house.start();
    let received = subscriber.wait("the counter", PATIENCE, reached(300));
    assert_eq!(house.status().sinks[0].dead_letters, 0);
    house.stop();
    let (all, _) = unpacked(&received);
    whole(&all);
    let largest = received.iter().map(|message| message.topic.len() + message.payload.len()).max();
    assert!((600..=1000).contains(&largest.unwrap()), "{largest:?} bytes");
}
