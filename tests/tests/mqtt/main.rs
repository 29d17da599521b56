//! A house and a real broker, through all that happens between them. The house counts; what must arrive is every number
//! once, in order, where a repeat is known by its (node, boot, seq).

mod aws_iot;
mod batches;
mod figures;
mod identity;
mod inbound;
mod kept;
mod outages;
mod refusals;
mod retries;
mod states;
mod trial;

use std::collections::{BTreeMap, HashSet};

use campanile_tests::PATIENCE;
use campanile_tests::house;
use campanile_tests::mosquitto::Mosquitto;
use campanile_tests::subscriber::{Received, Subscriber};

const COUNTER: &str = "campanile/porch/variable/count";

/// See [`house`]: not a test of its own.
#[test]
fn a_house_in_a_process_of_its_own() {
    house::enter();
}

/// A house that counts two hundred times a second.
fn counting(url: &str, more: &str) -> String {
    format!(
        r#"
        [node]
        name = "porch"

        [boards.desk]
        kind = "virtual"

        [variables]
        count = 0

        [[scenarios]]
        name = "tick"
        when = [{{ every = "5ms" }}]
        do = [{{ let = "count", be = "count + 1" }}]

        [sinks.home]
        kind = "mqtt"
        url = "{url}"
        {more}
        "#
    )
}

/// What came of the counter: each change's number and identity, in the order in which they came. What a start says of
/// how things are is no change; it has a number of the host's.
fn counts(received: &[Received]) -> Vec<(i64, (String, u64))> {
    let counter = received
        .iter()
        .filter(|message| message.topic == COUNTER && !message.retained && message.json()["host"].is_null());
    let number = |message: &Received| {
        let object = message.json();
        assert_eq!(object["node"], "porch", "{object}");
        let boot = object["boot"].as_str().expect("a boot").to_owned();
        (object["value"].as_i64().expect("a number"), (boot, object["seq"].as_u64().expect("a seq")))
    };
    counter.map(number).collect()
}

/// The numbers without repeats; they have to be 1, 2, 3, ... And how many repeats there were.
fn whole(received: &[Received]) -> (Vec<i64>, usize) {
    let all = counts(received);
    let mut known = HashSet::new();
    let once: Vec<_> =
        all.iter().filter(|(_, id)| known.insert(id.clone())).map(|(number, _)| *number).collect();
    let expected: Vec<_> = (1..).take(once.len()).collect();
    assert_eq!(once, expected, "every number, in order");
    (once, all.len() - known.len())
}

fn reached(number: i64) -> impl Fn(&[Received]) -> bool {
    move |received| counts(received).iter().any(|(count, _)| *count >= number)
}

/// What a subscriber who comes now finds retained, by topic: the payloads.
fn retained(broker: &Mosquitto, topics: usize) -> BTreeMap<String, Vec<u8>> {
    let late = Subscriber::new(broker.port, "campanile/porch/#", None);
    let all = late.wait("the retained messages", PATIENCE, |received| {
        received.iter().map(|message| &message.topic).collect::<HashSet<_>>().len() >= topics
    });
    all.into_iter().map(|message| (message.topic, message.payload)).collect()
}
