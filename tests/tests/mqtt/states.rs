//! States: who comes later, or has forgotten them, is told.

use std::collections::BTreeMap;

use campanile::control::protocol::Operation;
use campanile_tests::PATIENCE;
use campanile_tests::house::House;
use campanile_tests::mosquitto::Mosquitto;
use campanile_tests::subscriber::Subscriber;
use serde_json::Value;

use crate::{counting, retained};

#[test]
fn a_broker_that_forgets_is_told_every_state_again_by_each_connection_and_each_start() {
    let house = r#"
        [node]
        name = "porch"
        [boards.desk]
        kind = "virtual"
        [inputs.door]
        line = "GPIO15"
        pull = "up"
        [outputs.lamp]
        line = "GPIO16"
        [sensors.tank]
        decimals = 1
        [variables]
        rings = 7
        quiet = 0
    "#;
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(dir.path());
    let url = broker.url();
    let sink = |more: &str| format!("{house}\n{more}\n[sinks.home]\nkind = \"mqtt\"\nurl = \"{url}\"");
    let mut house = House::new(dir.path(), &sink(""));
    let values = |all: &BTreeMap<String, Vec<u8>>| -> Vec<(String, String)> {
        let json = |payload: &[u8]| serde_json::from_slice::<Value>(payload).ok();
        let value =
            |payload: &[u8]| json(payload).map_or_else(String::new, |object| object["value"].to_string());
        let name = |topic: &str| topic.trim_start_matches("campanile/porch/").to_owned();
        all.iter().map(|(topic, payload)| (name(topic), value(payload))).collect()
    };
    let states = |changed: &[(&str, &str)]| -> Vec<(String, String)> {
        let mut all = BTreeMap::from([
            ("input/door", "\"on\""),
            ("output/lamp", "\"off\""),
            ("sensor/tank", "null"),
            ("status", ""),
            ("variable/quiet", "0"),
            ("variable/rings", "7"),
        ]);
        all.extend(changed.iter().copied());
        all.into_iter().map(|(topic, value)| (topic.to_owned(), value.to_owned())).collect()
    };
    house.start();
    assert_eq!(values(&retained(&broker, 6)), states(&[]), "also what nobody ever changed");

    house.ask(Operation::Feed { sensor: "tank".into(), value: Some("41.5".into()) });
    house.ask(Operation::Let { variable: "quiet".into(), value: 1 });
    house.wait("all is delivered", |status| status.sinks[0].lag == Some(0));
    let before = retained(&broker, 6);
    assert_eq!(values(&before), states(&[("sensor/tank", "41.5"), ("variable/quiet", "1")]));
    broker.stop();
    broker.forget();
    broker.start();
    assert_eq!(retained(&broker, 6), before, "to the byte");

    house.reload(&sink("late = 3"));
    let late = [("sensor/tank", "41.5"), ("variable/quiet", "1"), ("variable/late", "3")];
    assert_eq!(values(&retained(&broker, 7)), states(&late), "a name that came with a reload");

    house.stop();
    broker.stop();
    broker.forget();
    broker.start();
    house.start();
    let late = [("variable/quiet", "1"), ("variable/late", "3")];
    assert_eq!(values(&retained(&broker, 7)), states(&late), "a start knows no sensors yet");
    house.stop();
}

#[test]
fn a_reload_that_names_another_broker_tells_it_every_state() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) =
        (Mosquitto::open(&dir.path().join("first")), Mosquitto::open(&dir.path().join("second")));
    let mut house = House::new(dir.path(), &counting(&first.url(), "[outputs.lamp]\nline = \"GPIO16\""));
    house.start();
    assert_eq!(retained(&first, 3).len(), 3);
    house.reload(&counting(&second.url(), "[outputs.lamp]\nline = \"GPIO16\""));
    assert!(retained(&second, 3).contains_key("campanile/porch/output/lamp"));
    house.stop();
}

#[test]
fn a_state_that_is_to_be_repeated_comes_again_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/porch/input/door", None);
    let door = r#"
        [inputs.door]
        line = "GPIO15"
        pull = "up"
        report = { on = { door = "open" }, off = { door = "closed" }, every = "150ms" }
    "#;
    let mut house = House::new(dir.path(), &counting(&broker.url(), door));
    house.start();
    let received = subscriber.wait("repeats", PATIENCE, |received| received.len() >= 4);
    house.stop();
    let first = &received[0];
    assert_eq!((first.json()["value"].as_str(), first.json()["door"].as_str()), (Some("on"), Some("open")));
    assert!(received.iter().all(|message| message.payload == first.payload));
}
