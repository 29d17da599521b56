//! What a broker keeps: introductions for Home Assistant, and nothing of what the house has no more.

use std::collections::BTreeMap;

use campanile_tests::PATIENCE;
use campanile_tests::house::House;
use campanile_tests::mosquitto::Mosquitto;
use campanile_tests::subscriber::{Received, Subscriber};

/// A house with these outputs and more keys of its sink.
fn house(url: &str, outputs: &[&str], sink: &str) -> String {
    let lines = outputs.iter().enumerate().map(|(line, name)| format!("outputs.{name}.line = {line}\n"));
    format!(
        "node.name = \"porch\"\nboards.desk.kind = \"virtual\"\n{}sinks.home = {{ kind = \"mqtt\", url = \"{url}\"{sink} }}\n",
        lines.collect::<String>()
    )
}

/// What is kept below a filter, once it is these topics and no others.
fn kept(broker: &Mosquitto, filter: &str, expected: &[&str]) {
    let subscriber = Subscriber::new(broker.port, filter, None);
    let topics = |received: &[Received]| -> Vec<String> {
        let mut all = BTreeMap::new();
        for message in received {
            // What is cleared while we look comes as an empty message.
            all.insert(message.topic.clone(), !message.payload.is_empty());
        }
        all.into_iter().filter(|(_, there)| *there).map(|(topic, _)| topic).collect()
    };
    subscriber.wait(&format!("{expected:?}"), PATIENCE, |received| topics(received) == expected);
}

#[test]
fn states_of_what_is_gone_are_cleared_by_a_reload_and_by_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let topic = |name: &str| format!("campanile/porch/output/{name}");
    // Of another node under the same name of a thing, and of a person.
    broker.retain("campanile/shed/output/chime", r#"{"value":"on","node":"shed"}"#);
    broker.retain("campanile/porch/output/note", "do not touch");
    let mut porch = House::new(dir.path(), &house(&broker.url(), &["bell", "chime", "lamp"], ""));
    porch.start();
    let note = "campanile/porch/output/note";
    let filter = "campanile/porch/output/+";
    kept(&broker, filter, &[&topic("bell"), &topic("chime"), &topic("lamp"), note]);
    porch.reload(&house(&broker.url(), &["bell", "lamp"], ""));
    kept(&broker, filter, &[&topic("bell"), &topic("lamp"), note]);
    porch.stop();
    let mut porch = House::new(dir.path(), &house(&broker.url(), &["bell"], ""));
    porch.start();
    kept(&broker, filter, &[&topic("bell"), note]);
    kept(&broker, "campanile/shed/#", &["campanile/shed/output/chime"]);
    porch.stop();
}

#[test]
fn home_assistant_is_told_what_there_is_again_when_it_starts_and_no_more_when_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let config = |name: &str| format!("homeassistant/switch/campanile_porch/output_{name}/config");
    let (filter, discovery) = ("homeassistant/switch/#", ", discovery = true");
    broker.retain("homeassistant/switch/porch/output_chime/config", r#"{"name":"of another program"}"#);
    let other = "homeassistant/switch/porch/output_chime/config";
    let mut porch = House::new(dir.path(), &house(&broker.url(), &["chime", "lamp"], discovery));
    porch.start();
    kept(&broker, filter, &[&config("chime"), &config("lamp"), other]);

    let subscriber = Subscriber::new(broker.port, &config("lamp"), None);
    subscriber.wait("what is kept", PATIENCE, |received| received.len() == 1);
    broker.publish("homeassistant/status", "online");
    let received = subscriber.wait("once more", PATIENCE, |received| received.len() == 2);
    assert_eq!(received[0].payload, received[1].payload);
    assert_eq!(received[1].json()["command_topic"], "campanile/porch/set/lamp");
    drop(subscriber);

    porch.reload(&house(&broker.url(), &["lamp"], discovery));
    kept(&broker, filter, &[&config("lamp"), other]);
    porch.reload(&house(&broker.url(), &["lamp"], ", discovery = false"));
    kept(&broker, filter, &[other]);
    porch.stop();
}
