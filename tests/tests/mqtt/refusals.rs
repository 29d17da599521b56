//! What a broker does not take, or may not be told.

use std::fs;
use std::process::Command;

use campanile_tests::PATIENCE;
use campanile_tests::house::House;
use campanile_tests::mosquitto::{Mosquitto, program};
use campanile_tests::subscriber::{Received, Subscriber};

use crate::{counting, reached, whole};

#[test]
fn a_wrong_password_is_said_and_nothing_is_lost_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::new(dir.path(), "");
    let passwords = broker.dir().join("passwords");
    let mut make = Command::new(program("mosquitto_passwd"));
    let made = make.args(["-c", "-b"]).arg(&passwords).args(["porch", "right"]).status();
    assert!(made.expect("mosquitto_passwd runs").success());
    broker.configure(&format!("allow_anonymous false\npassword_file {}", passwords.display()));
    broker.start();
    let subscriber = Subscriber::new(broker.port, "campanile/#", Some(("porch", "right")));
    let password = dir.path().join("password");
    fs::write(&password, "wrong\n").unwrap();
    let login = format!("username = \"porch\"\npassword-file = {:?}", password.display().to_string());
    let mut house = House::new(dir.path(), &counting(&broker.url(), &login));
    house.start();
    let status = house.wait("the refusal", |status| status.sinks[0].state.starts_with("refused"));
    let state = &status.sinks[0].state;
    assert!(state.contains("not allowed in") || state.contains("wrong user or password"), "{state}");
    assert!(!house.log().contains("wrong\n") && !state.contains("\"wrong\""), "the password is not repeated");
    // The right one needs no more than a new start of the house; what was counted until then is delivered.
    house.stop();
    fs::write(&password, "right\n").unwrap();
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(100));
    house.stop();
    whole(&subscriber.received());
}

#[test]
fn what_the_broker_forbids_becomes_a_dead_letter_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::new(dir.path(), "");
    let list = broker.dir().join("acl");
    let allowed = ["variable/#", "status", "diagnostics"];
    let lines: String =
        allowed.iter().map(|topic| format!("topic readwrite campanile/porch/{topic}\n")).collect();
    fs::write(&list, format!("{lines}topic read #\n")).unwrap();
    broker.configure(&format!("allow_anonymous true\nacl_file {}", list.display()));
    broker.start();
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let sends = r#"
        [[scenarios]]
        name = "forbidden"
        when = [{ variable = "count" }]
        if = "count % 50 == 0"
        do = [{ send = "secret", text = "no" }]
    "#;
    let mut house = House::new(dir.path(), &counting(&broker.url(), sends));
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(220));
    house.stop();
    let received = subscriber.received();
    whole(&received);
    assert!(received.iter().all(|message| !message.topic.contains("secret")));
    let letters: Vec<_> = received
        .iter()
        .filter(|message| message.topic.ends_with("/diagnostics"))
        .map(Received::json)
        .filter(|object| object["value"] == "dead-letter")
        .collect();
    assert!(letters.len() >= 4, "one for each fifty: {letters:#?}");
    assert!(letters[0]["text"].as_str().unwrap().contains("not allowed to publish"), "{}", letters[0]);
}
