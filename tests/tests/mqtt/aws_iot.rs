//! AWS IoT, as far as a broker that asks for certificates and a shadow service behind it are that.

use std::collections::HashSet;
use std::fs;

use campanile_tests::PATIENCE;
use campanile_tests::authority::{ALWAYS, Authority, KeyForm};
use campanile_tests::house::House;
use campanile_tests::shadow::ShadowService;
use campanile_tests::subscriber::Subscriber;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::identity::broker;
use crate::trial::tried;

/// The endpoint: the thing's own topics and its node's for whoever has its certificate, everything for us.
struct Endpoint {
    dir: TempDir,
    /// The keys of the sink that lead there.
    sink: String,
    plain: u16,
    _broker: campanile_tests::mosquitto::Mosquitto,
}

fn endpoint() -> Endpoint {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "authority");
    let access = dir.path().join("access");
    fs::write(
        &access,
        "pattern readwrite $aws/things/%u/#\npattern readwrite $aws/rules/bells/campanile/%u/#\n\
         pattern readwrite campanile/%u/diagnostics\n",
    )
    .unwrap();
    let (broker, plain) = broker(
        dir.path(),
        &authority.sign("localhost", ALWAYS, KeyForm::Pkcs8),
        &format!(
            "require_certificate true\nuse_identity_as_username true\ncafile {}\nacl_file {}",
            authority.pem().display(),
            access.display()
        ),
    );
    let (certificate, key) = authority.sign("porch", ALWAYS, KeyForm::Rsa);
    let sink = format!(
        "kind = \"aws-iot\"\nendpoint = \"localhost\"\nport = {}\nca = {:?}\ncertificate = {certificate:?}\nkey = {key:?}\n",
        broker.port,
        authority.pem()
    );
    Endpoint { dir, sink, plain, _broker: broker }
}

/// A house that counts twenty times a second, whose door's states are told as thingpin told them.
fn file(sink: &str) -> String {
    format!(
        r#"
        [node]
        name = "porch"

        [boards.desk]
        kind = "virtual"

        [inputs.contact]
        line = "GPIO14"
        report = {{ on = {{ door = "open" }}, off = {{ door = "closed" }} }}

        [outputs.lamp]
        line = "GPIO23"
        max-on = "300ms"

        [variables]
        count = 0
        quiet = 0

        [[scenarios]]
        name = "tick"
        when = [{{ every = "50ms" }}]
        do = [{{ let = "count", be = "count + 1" }}]

        [[scenarios]]
        name = "bell"
        when = [{{ variable = "count" }}]
        if = "count == 3"
        do = [{{ send = "bell", text = "ding" }}]

        [sinks.cloud]
        {sink}
        "#
    )
}

/// The numbers that came to be in the shadow, each once, in their order.
fn counted(service: &ShadowService) -> Vec<i64> {
    let mut known = HashSet::new();
    let number = |update: Value| {
        let token = update["clientToken"].as_str().expect("a token");
        assert!(token.len() <= 64, "{token}");
        // Behind the identity of the record stands the number of the attempt; a checkpoint's state is no change.
        let parts: Vec<_> = token.split('.').collect();
        let change = parts.len() == 3 && known.insert(parts[..2].join("."));
        update["state"]["reported"]["count"].as_i64().filter(|_| change)
    };
    service.accepted().into_iter().filter_map(number).collect()
}

#[test]
fn states_are_in_the_shadow_and_messages_at_the_rule() {
    let endpoint = endpoint();
    let service = ShadowService::new(endpoint.plain);
    let rules = Subscriber::new(endpoint.plain, "$aws/rules/#", None);
    let mut house = House::new(endpoint.dir.path(), &file(&format!("{}rule = \"bells\"", endpoint.sink)));
    house.start();
    let document = service.wait("the counter", "porch", |document| {
        document["reported"]["count"].as_i64().is_some_and(|count| count >= 20)
    });
    let reported = &document["reported"];
    assert_eq!((&reported["door"], &reported["lamp"]), (&json!("closed"), &json!("off")), "{document:#}");
    assert_eq!(reported["contact"], Value::Null, "what the file adds stands instead of the name");
    let received = rules.wait("the message", PATIENCE, |received| !received.is_empty());
    let status = house.wait("the meter", |status| status.sinks[0].nanodollars.is_some_and(|price| price > 0));
    let (delivered, bytes) = (status.sinks[0].delivered, status.sinks[0].bytes);
    let price = status.sinks[0].nanodollars.unwrap();
    // Each change is two messages of a microdollar and an operation of one and a quarter.
    assert!(
        price >= 3_250 * (delivered - 1) && bytes > 40 * delivered,
        "{price} for {delivered}, {bytes} bytes"
    );
    assert_eq!(received[0].topic, "$aws/rules/bells/campanile/porch/message/bell");
    assert_eq!(received[0].json()["text"], "ding");
    house.stop();
    let numbers = counted(&service);
    assert_eq!(numbers, (1..).take(numbers.len()).collect::<Vec<_>>(), "every number, in order");
}

#[test]
fn without_a_shadow_what_happens_goes_in_batches_and_costs_less() {
    let endpoint = endpoint();
    let rules = Subscriber::new(endpoint.plain, "$aws/rules/#", None);
    let keys = "rule = \"bells\"\nshadow = false\nbatch = { most = 10, within = \"1min\" }";
    let mut house = House::new(endpoint.dir.path(), &file(&format!("{}{keys}", endpoint.sink)));
    house.start();
    let received = rules.wait("batches", PATIENCE, |received| received.len() >= 5);
    let status = house.wait("the meter", |status| status.sinks[0].delivered >= 50);
    let (price, delivered) = (status.sinks[0].nanodollars.unwrap(), status.sinks[0].delivered);
    // A rule for each ten, and the connection: a minute at the most so far, and its first message.
    assert!(price <= 300 * (delivered / 10 + 2) + 80 * 2 + 1_000, "{price} for {delivered}");
    house.stop();
    assert!(received.iter().all(|batch| batch.topic == "$aws/rules/bells/campanile/porch/batch"));
    let numbers: Vec<_> = received
        .iter()
        .flat_map(|batch| batch.json().as_array().expect("an array").clone())
        .filter(|one| one["topic"].as_str().unwrap().ends_with("/variable/count") && one["host"].is_null())
        .map(|one| one["value"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, (1..).take(numbers.len()).collect::<Vec<_>>(), "every number, in order");
}

#[test]
fn a_refused_change_is_a_dead_letter_and_one_that_is_put_off_comes_later() {
    let endpoint = endpoint();
    let service = ShadowService::new(endpoint.plain);
    let diagnostics = Subscriber::new(endpoint.plain, "campanile/porch/diagnostics", None);
    let mut house = House::new(endpoint.dir.path(), &file(&endpoint.sink));
    house.start();
    let reached = |number: i64| {
        service.wait("the counter", "porch", |document| {
            document["reported"]["count"].as_i64().is_some_and(|count| count >= number)
        })
    };
    reached(5);
    // Too many requests, and a conflict: both pass. What was under way with them comes again, whatever became of it.
    for code in [429, 409] {
        service.refuse(code);
        house.wait("the next connection", |status| {
            status.sinks[0].up && house.log().contains(&format!("({code}: as the test wants it)"))
        });
        reached(service.document("porch")["reported"]["count"].as_i64().unwrap() + 5);
    }
    assert_eq!(house.status().sinks[0].dead_letters, 1, "the bell, which has no topic here");
    service.refuse(413);
    house.wait("the refusal", |status| status.sinks[0].dead_letters == 2);
    let after = service.document("porch")["reported"]["count"].as_i64().unwrap();
    reached(after + 20);
    house.stop();
    let numbers = counted(&service);
    let last = *numbers.last().unwrap();
    let gone: Vec<_> = (1..=last).filter(|number| !numbers.contains(number)).collect();
    assert_eq!(gone.len(), 1, "the refused one alone: {gone:?}");
    assert!(numbers.is_sorted(), "in order");
    let letters = diagnostics.wait("both letters", PATIENCE, |received| received.len() >= 2);
    let texts: Vec<_> =
        letters.iter().map(|letter| letter.json()["text"].as_str().unwrap().to_owned()).collect();
    assert!(texts.iter().any(|text| text.contains("8 KB")), "{texts:#?}");
    assert!(texts.iter().any(|text| text.contains("not allowed to publish")), "{texts:#?}");
}

#[test]
fn what_is_desired_is_done_once_and_ends_with_the_report() {
    let endpoint = endpoint();
    let service = ShadowService::new(endpoint.plain);
    let mut house = House::new(endpoint.dir.path(), &file(&endpoint.sink));
    house.start();
    let counter = |document: &Value| document["reported"]["count"].as_i64().unwrap_or_default();
    service.wait("the counter", "porch", |document| {
        counter(document) >= 5 && document["reported"]["lamp"] == "off"
    });
    let lamp =
        |level: &str| service.accepted().iter().filter(|u| u["state"]["reported"]["lamp"] == level).count();
    let (on, off) = (lamp("on"), lamp("off"));
    service.desire("porch", &json!({ "lamp": "on" }));
    // `max-on` takes it back, and the wish does not stand against that.
    service.wait("the lamp", "porch", |_| lamp("off") > off);
    let document = service.document("porch");
    assert_eq!(document["desired"]["lamp"], Value::Null, "{document:#}");
    let after = counter(&document);
    service.wait("the counter", "porch", |document| counter(document) >= after + 20);
    assert_eq!((lamp("on"), lamp("off")), (on + 1, off + 1), "once");

    // And again, the same value; what is desired while the node is away; what nobody has.
    service.desire("porch", &json!({ "lamp": true }));
    service.wait("the lamp again", "porch", |_| lamp("off") == off + 2);
    house.stop();
    service.desire("porch", &json!({ "quiet": 5, "door": "open", "chime": "on" }));
    house.start();
    service.wait("the variable", "porch", |document| document["reported"]["quiet"] == 5);
    let status = house.wait("the word", |status| status.sinks[0].turned_away > 0);
    assert_eq!(status.sinks[0].turned_away, 2, "the door and the chime, however often the shadow says it");
    let log = house.log();
    assert!(log.contains("no output and no variable door"), "{log}");
}

#[test]
fn a_shadow_that_may_not_be_used_is_a_matter_for_people() {
    let endpoint = endpoint();
    let service = ShadowService::new(endpoint.plain);
    // The access list allows a certificate its own thing alone.
    let mut house = House::new(endpoint.dir.path(), &file(&format!("{}thing = \"cellar\"", endpoint.sink)));
    house.start();
    let status = house.wait("the refusal", |status| status.sinks[0].state.starts_with("refused"));
    let state = &status.sinks[0].state;
    assert!(state.contains("iot:Publish") && state.contains("shadow"), "{state}");
    house.stop();
    assert_eq!(service.accepted(), [Value::Null; 0]);
}

#[test]
fn what_the_house_has_no_more_is_taken_out_of_the_shadow() {
    let endpoint = endpoint();
    let service = ShadowService::new(endpoint.plain);
    let mut house = House::new(endpoint.dir.path(), &file(&endpoint.sink));
    house.start();
    let document = service.wait("the states", "porch", |document| {
        document["reported"]["quiet"] == 0 && document["reported"]["door"] == "closed"
    });
    assert_eq!(document["reported"]["lamp"], "off");
    house.stop();
    service.desire("porch", &json!({ "theirs": 1 }));
    let other = file(&endpoint.sink).replace("quiet = 0", "").replace("door = ", "gate = ");
    let mut house = House::new(endpoint.dir.path(), &other);
    house.start();
    let document = service.wait("the gate alone", "porch", |document| {
        let reported = &document["reported"];
        reported["gate"] == "closed" && reported["quiet"].is_null() && reported["door"].is_null()
    });
    assert_eq!(document["reported"]["lamp"], "off", "what is there stays");
    assert_eq!(document["desired"]["theirs"], 1, "what others desire is theirs");
    house.stop();
}

#[test]
fn a_trial_beside_a_daemon_does_not_throw_it_out() {
    let endpoint = endpoint();
    let service = ShadowService::new(endpoint.plain);
    let text = file(&format!("{}rule = \"bells\"", endpoint.sink));
    let mut house = House::new(endpoint.dir.path(), &text);
    house.start();
    let count = |document: &Value| document["reported"]["count"].as_i64().unwrap_or_default();
    let before = count(&service.wait("the counter", "porch", |document| count(document) >= 5));
    let said = tried(&text, true);
    assert_eq!(said[..3], ["resolved", "connected", "secured"], "{said:?}");
    assert!(said[3].starts_with("opened: ") && said[3].contains("lets a thing connect once"), "{said:?}");
    service.wait("more of the counter", "porch", |document| count(document) >= before + 20);
    house.stop();
    let log = house.log();
    assert_eq!(log.matches("cloud: connected").count(), 1, "it was not thrown out: {log}");
    assert_eq!(
        tried(&text, false),
        ["resolved", "connected", "secured", "opened", "published", "acknowledged"]
    );
    let document = service.document("porch");
    assert_eq!(
        (&document["reported"]["lamp"], &document["reported"]["quiet"]),
        (&json!("off"), &json!(0)),
        "it takes nothing out"
    );
}
