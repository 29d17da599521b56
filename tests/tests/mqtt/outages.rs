//! What goes wrong on the way, and everything arrives all the same.

use std::collections::HashSet;
use std::fs;

use campanile_tests::PATIENCE;
use campanile_tests::house::House;
use campanile_tests::mosquitto::Mosquitto;
use campanile_tests::subscriber::{Received, Subscriber};
use serde_json::Value;

use crate::{COUNTER, counting, counts, reached, whole};

#[test]
fn when_nothing_fails_everything_arrives_in_order_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let mut house = House::new(dir.path(), &counting(&broker.url(), ""));
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(300));
    house.stop();
    let offline =
        |received: &[Received]| received.last().is_some_and(|message| message.payload == b"offline");
    let received = subscriber.wait("the farewell", PATIENCE, offline);
    let (numbers, repeats) = whole(&received);
    assert!(numbers.len() >= 300 && repeats == 0, "{} numbers, {repeats} repeats", numbers.len());
    assert_eq!(
        (received[0].topic.as_str(), received[0].payload.as_slice()),
        ("campanile/porch/status", &b"online"[..])
    );
    // Who comes later learns the last state, and that the node is not there.
    let late = Subscriber::new(broker.port, "campanile/porch/#", None);
    let states = late.wait("the retained states", PATIENCE, |received| received.len() >= 2);
    assert!(states.iter().all(|state| state.retained));
    assert!(states.iter().any(|state| state.topic == COUNTER));
    assert!(states.iter().any(|state| state.payload == b"offline"));
}

#[test]
fn a_broker_that_restarts_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let mut house = House::new(dir.path(), &counting(&broker.url(), ""));
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(100));
    for round in 1..=2 {
        broker.stop();
        house.wait("the outage shows", |status| {
            let sink = &status.sinks[0];
            sink.lag > Some(100) && !sink.up && sink.state.starts_with("retrying ")
        });
        broker.start();
        let behind = subscriber.count() as i64;
        subscriber.wait("the counter goes on", PATIENCE, reached(behind + 300 * round));
    }
    house.stop();
    let (numbers, _) = whole(&subscriber.received());
    assert!(numbers.len() > 500);
}

#[test]
fn a_broker_that_is_away_at_the_start_gets_everything_when_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    broker.stop();
    let mut house = House::new(dir.path(), &counting(&broker.url(), ""));
    house.start();
    house.wait("it counts", |status| status.variables[0].value > 200);
    broker.start();
    subscriber.wait("the counter", PATIENCE, reached(400));
    house.stop();
    whole(&subscriber.received());
}

#[test]
fn a_house_that_is_killed_goes_on_behind_its_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let mut house = House::new(dir.path(), &counting(&broker.url(), ""));
    house.start();
    // Long enough for a few writes of the cursor, one a second.
    subscriber.wait("the counter", PATIENCE, reached(600));
    let before = counts(&subscriber.received()).len();
    house.kill();
    let is_dead =
        |received: &[Received]| received.last().is_some_and(|message| message.payload == b"offline");
    subscriber.wait("the last will", PATIENCE, is_dead);
    house.start();
    subscriber.wait("the counter goes on", PATIENCE, reached(900));
    house.stop();
    let received = subscriber.received();
    let (_, repeats) = whole(&received);
    assert!(repeats < before, "it began again: {repeats} repeats");
    let boots: HashSet<_> = counts(&received).into_iter().map(|(_, (boot, _))| boot).collect();
    assert_eq!(boots.len(), 2, "{boots:?}");
}

#[test]
fn a_receiver_that_hangs_delays_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    // Takes connections, and never says a word.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap();
    let hanging = format!("[sinks.hanging]\nkind = \"mqtt\"\nurl = \"mqtt://{address}\"");
    let mut house = House::new(dir.path(), &counting(&broker.url(), &hanging));
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(400));
    // One has taken nothing, and the other catches up with all that there is, again and again.
    house.wait("one delivers and the other hangs", |status| {
        let by_name = |name: &str| status.sinks.iter().find(|sink| sink.name == name).unwrap();
        let (home, hanging) = (by_name("home"), by_name("hanging"));
        assert!(!hanging.up && hanging.delivered == 0, "{status:#?}");
        home.up && home.lag < Some(100) && hanging.lag > Some(1000)
    });
    house.stop();
    whole(&subscriber.received());
}

#[test]
fn a_reload_exchanges_sinks_and_leaves_the_others_alone() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let file = counting(&broker.url(), "");
    let mut house = House::new(dir.path(), &file);
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(50));
    let lines = dir.path().join("lines.jsonl");
    let record = format!(
        "{file}\n[sinks.record]\nkind = \"file\"\npath = {:?}\nonly = [\"variable:*\"]\n",
        lines.display().to_string()
    );
    house.reload(&record);
    let written = || fs::read_to_string(&lines).unwrap_or_default();
    house.wait("the new sink delivers", |_| written().lines().count() > 50);
    house.reload(&file);
    let status = house.status();
    assert_eq!(status.sinks.iter().map(|sink| sink.name.as_str()).collect::<Vec<_>>(), ["home"]);
    let end = counts(&subscriber.received()).last().map_or(0, |(number, _)| *number);
    subscriber.wait("the counter goes on", PATIENCE, reached(end + 50));
    house.stop();
    let received = subscriber.received();
    whole(&received);
    let online = received.iter().filter(|message| message.payload == b"online").count();
    assert_eq!(online, 1, "its connection was left alone");
    for line in written().lines() {
        let object: Value = serde_json::from_str(line).expect("whole lines of JSON");
        assert_eq!(object["topic"], COUNTER);
    }
}
