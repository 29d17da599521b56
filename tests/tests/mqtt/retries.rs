//! What the broker refused for good, and takes later: set aside, listed, and sent again when somebody asks for it.

use std::fs;
use std::path::Path;

use campanile::control::client;
use campanile::control::protocol::Operation;
use campanile_tests::PATIENCE;
use campanile_tests::house::House;
use campanile_tests::mosquitto::Mosquitto;
use campanile_tests::subscriber::{Received, Subscriber};

use crate::{counting, reached, whole};

const SENDS: &str = r#"
    [[scenarios]]
    name = "forbidden"
    when = [{ variable = "count" }]
    if = "count % 50 == 0 and count < 200"
    do = [{ send = "secret", text = "number {count}" }]
"#;

fn allow(list: &Path, topics: &[&str]) {
    let lines: String =
        topics.iter().map(|topic| format!("topic readwrite campanile/porch/{topic}\n")).collect();
    fs::write(list, format!("{lines}topic read #\n")).unwrap();
}

fn retry(house: &House) -> String {
    let answer =
        client::ask(&house.state(), Operation::SinkRetry { sink: "home".to_owned() }).expect("an answer");
    answer.text.unwrap_or_else(|| panic!("{:?}", answer.error))
}

#[test]
fn what_was_refused_is_sent_again_late_once_the_broker_allows_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::new(dir.path(), "");
    let list = broker.dir().join("acl");
    let allowed = ["variable/#", "status", "diagnostics"];
    allow(&list, &allowed);
    broker.configure(&format!("allow_anonymous true\nacl_file {}", list.display()));
    broker.start();
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let mut house = House::new(dir.path(), &counting(&broker.url(), SENDS));
    house.start();
    house.wait("three letters", |status| status.sinks[0].dead_letters == 3);
    subscriber.wait("the counter, which nobody blocks", PATIENCE, reached(220));
    assert_eq!(retry(&house), "0 delivered, 3 refused again");
    // The broker changes its mind: it reads its list anew.
    allow(&list, &[&allowed[..], &["message/secret"]].concat());
    broker.stop();
    broker.start();
    house.wait("the connection", |status| status.sinks[0].up);
    assert_eq!(retry(&house), "3 delivered, 0 refused again");
    let secrets = |received: &[Received]| -> Vec<_> {
        let late = received.iter().filter(|message| message.topic.ends_with("/message/secret"));
        late.map(Received::json).collect()
    };
    let received = subscriber.wait("the three", PATIENCE, |received| secrets(received).len() == 3);
    let late = secrets(&received);
    assert!(late.iter().all(|object| object["late"] == true && object["seq"].is_u64()), "{late:#?}");
    let texts: Vec<_> = late.iter().map(|object| object["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["number 50", "number 100", "number 150"], "with what they said then, in order");
    assert_eq!(retry(&house), "nothing was set aside");
    house.stop();
    whole(&subscriber.received());
}
